"""Addresses of the recorder and the player: finish, status, discard, erase, again."""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access
from loops.actions import processing, recordings, transcripts
from loops.cues import Cue
from loops.errors import Refused
from loops.models import Recording, User
from loops.queries.progress import standing
from loops.views.people import signed_in
from loops.views.posting import posts_from
from loops.views.practice import to_answer

log = logging.getLogger(__name__)

UPLOADS_MOST = 250
JSON_TYPE = "application/json"


@posts_from("loops:loop_list")
@never_cache
def finish(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Close a recording: by the recorder with its length, or by hand with what has arrived."""
    user = signed_in(request)
    recording = access.recording_to_edit(user, recording_id)
    if request.content_type == JSON_TYPE:
        return _finish_by_recorder(request, recording, user)
    act = partial(recordings.finish, recording=recording, by=user, at=timezone.now())
    return _answer(request, recording, act)


def _finish_by_recorder(request: HttpRequest, recording: Recording, user: User) -> HttpResponse:
    given = _json(request)
    lengths, recorded = _counts(given.get("uploads")), _counts(given.get("recorded", {}))
    starts, pauses = _counts(given.get("starts", {})), _pauses(given.get("pauses", []))
    if lengths is None or recorded is None:
        return _malformed(_("A recording is finished with the length in bytes of its uploads."))
    if starts is None or any(start > recordings.LATEST_START_MS for start in starts.values()):
        return _malformed(_("Starts are milliseconds of media time, by upload."))
    if pauses is None:
        return _malformed(_("Pauses are pairs of milliseconds, in order: where, and how long."))

    def act() -> Recording:
        finished = recordings.finish(
            recording=recording,
            by=user,
            at=timezone.now(),
            lengths=lengths,
            recorded=recorded,
            starts=starts,
            pauses=pauses,
        )
        _take_cues(finished, given, user)
        return finished

    return _answer(request, recording, act)


def _take_cues(recording: Recording, given: dict[str, object], user: User) -> None:
    """Keep what the browser understood. It costs no recording, whatever goes wrong."""
    try:
        transcripts.take_browser_cues(
            recording=recording,
            cues=_cues(given.get("cues")),
            language=str(given.get("language", "")),
            by=user,
            at=timezone.now(),
        )
    except Exception:
        log.exception("The browser's captions of %s were not kept.", recording)


@require_safe
@never_cache
def status(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Tell the recorder where the recording stands."""
    return JsonResponse(_status(access.recording_to_edit(signed_in(request), recording_id)))


@posts_from("loops:loop_list")
@never_cache
def discard(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Throw a recording of a draft away."""
    user = signed_in(request)
    recording = access.recording_to_put_away(user, recording_id)
    act = partial(recordings.discard, recording=recording, by=user, at=timezone.now())
    return _answer(request, recording, act)


@posts_from("loops:loop_list")
@never_cache
def erase(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Erase a recording for good; the page with the button has asked whether that is meant."""
    user = signed_in(request)
    recording = access.recording_to_put_away(user, recording_id)
    act = partial(recordings.erase, recording=recording, by=user, at=timezone.now())
    words = _("The recording and its words are erased. The answer and its grades are kept.")
    return _answer(request, recording, act, words)


@posts_from("loops:loop_list")
@never_cache
def again(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Process a recording once more that failed, or plays in part."""
    user = signed_in(request)
    recording = access.recording_to_edit(user, recording_id)
    act = partial(processing.try_again, recording=recording, by=user, at=timezone.now())
    return _answer(request, recording, act)


def _answer(
    request: HttpRequest, recording: Recording, act: Callable[[], Recording], words: str = ""
) -> HttpResponse:
    """Act; tell a script where the recording stands, and lead a form back to its page."""
    is_script = request.content_type == JSON_TYPE
    try:
        recording = act()
    except Refused as refusal:
        if is_script:
            return _refused(refusal)
        messages.error(request, str(refusal))
        return _back(request, recording)
    if is_script:
        return JsonResponse(_status(recording))
    if words:
        messages.success(request, words)
    return _back(request, recording)


def _back(request: HttpRequest, recording: Recording) -> HttpResponse:
    """Lead back to where the button stood: the list of recordings, or the answer."""
    if request.POST.get("from") == "recordings":
        return redirect("loops:recording_list")
    return to_answer(recording.attempt)


def _status(recording: Recording) -> dict[str, object]:
    found = standing(recording)
    return {
        "state": recording.state,
        "duration_ms": recording.duration_ms,
        "error": recording.error_code,
        "message": " ".join([found.words, *found.missing]),
        "progress": found.share,
        "uploads": {str(public_id): received for public_id, received in found.received.items()},
    }


def _counts(given: object) -> dict[UUID, int] | None:
    """Read numbers by the id of an upload; None where they are no such thing."""
    if not isinstance(given, dict) or len(given) > UPLOADS_MOST:
        return None
    try:
        counts = {UUID(key): value for key, value in given.items()}
    except ValueError:
        return None
    return counts if all(map(_is_count, counts.values())) else None


def _pauses(given: object) -> list[tuple[int, int]] | None:
    """Read the recorder's pauses; None where they are not pairs in order, or far too many."""
    if not isinstance(given, list) or len(given) > recordings.PAUSES_MOST:
        return None
    pauses: list[tuple[int, int]] = []
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_count, pair)):
            return None
        if pauses and pair[0] < pauses[-1][0]:
            return None
        pauses.append((pair[0], pair[1]))
    return pauses


def _cues(given: object) -> list[Cue]:
    """Read what the browser understood; what is no cue is left out, for it costs no recording."""
    found = []
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict):
            continue
        span, text = (one.get("start_ms"), one.get("end_ms")), one.get("text")
        if all(map(_is_count, span)) and isinstance(text, str):
            found.append(Cue(*cast("tuple[int, int]", span), text))
    return found


def _is_count(given: object) -> bool:
    """Say whether this is a whole number that a column takes, and not a truth value."""
    return isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 2**53


def _json(request: HttpRequest) -> dict[str, object]:
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _refused(refusal: Refused) -> JsonResponse:
    facts: dict[str, object] = {"code": refusal.code, "message": str(refusal)}
    if isinstance(refusal, recordings.StillMissing):
        facts["uploads"] = {str(pk): received for pk, received in refusal.received.items()}
    return JsonResponse(facts, status=refusal.status)


def _malformed(message: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"code": "malformed", "message": message}, status=status)
