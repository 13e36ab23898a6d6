"""Where the stamps of a live review lie: in its recording once it is there, on the clock before."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.media_time import Moment as MediaMoment
from feedback.media_time import media_span_words, moment_of
from feedback.models import Evidence, Moment
from loops.models import Attempt, Recording, Track
from loops.states import AttemptState

SECONDS_A_MINUTE = 60


@dataclass(frozen=True)
class Place:
    """Where a piece of evidence lies, in words; `href` leads there, `aside` says what is odd."""

    words: str
    href: str = ""
    aside: str = ""


def placeable_recordings() -> QuerySet[Recording]:
    """Return the recordings that a stamp can be placed in: handed in, and of a known start.

    Before its answer is handed in a recording may give way to another. When one was begun that
    was made elsewhere, nobody knows.
    """
    submitted = Recording.objects.ready().filter(attempt__state=AttemptState.SUBMITTED)
    return submitted.exclude(tracks__role=Track.Role.UPLOAD)


def moment_in(recording: Recording, stamp: Evidence | Moment) -> MediaMoment:
    """Return where a stamp lies in a recording that can be played."""
    return moment_of(
        stamp.stamped_at or recording.started_at,
        started_at=recording.started_at,
        pauses=recording.pauses,
        duration_ms=recording.duration_ms or 0,
    )


def place_of_span(evidence: Evidence, recording: Recording | None) -> Place:
    """Say where a span of media time lies, and of a stamp whether it was made outside of it."""
    start_ms = evidence.start_ms or 0
    end_ms = start_ms if evidence.end_ms is None else evidence.end_ms
    words, href = media_span_words(start_ms, end_ms), f"#t={start_ms / 1000:g}"
    if evidence.stamped_at is None or recording is None:
        return Place(words, href)
    moment = moment_in(recording, evidence)
    if moment.is_before:
        return Place(words, href, _("stamped before the recording began"))
    if moment.is_after:
        return Place(words, href, _("stamped after the recording ended"))
    return Place(words, href)


def place_of_stamp(evidence: Evidence, attempt: Attempt) -> Place:
    """Say when a stamp without media time was made.

    While a recording may still come, by the reader's clock; after that as minutes of the answer.
    """
    if evidence.stamped_at is None:
        return Place("")
    if attempt.is_draft:
        return Place(formats.time_format(timezone.localtime(evidence.stamped_at), "H:i:s"))
    seconds = (evidence.stamped_at - attempt.started_at).total_seconds()
    minutes = int(max(0, seconds) // SECONDS_A_MINUTE)
    if minutes == 0:
        return Place(_("at the start"))
    return Place(ngettext("%(n)d min in", "%(n)d min in", minutes) % {"n": minutes})
