"""Addresses that play recordings: the files themselves, fresh links to them."""

from dataclasses import asdict, replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access, links
from loops.models import Recording
from loops.queries import playback as query
from loops.queries.recording_list import file_name
from loops.sending import send_rendition
from loops.views.people import signed_in


@require_safe
def media(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """Send a file of a recording, whole or a range, to those who may play it by a live link."""
    if "download" in request.GET:
        return _download(request, rendition_id)
    rendition = access.rendition_to_play(signed_in(request), rendition_id, timezone.now())
    if not links.is_valid(request, rendition):
        message = _("This link has run out. The page that showed it makes a new one.")
        return JsonResponse({"code": "link_expired", "message": message}, status=403)
    return send_rendition(request, rendition)


def _download(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """Send a file to the candidate whose it is, to be kept under a name that tells what it is."""
    rendition = access.rendition_to_download(signed_in(request), rendition_id)
    if not links.is_valid(request, rendition):
        messages.info(request, _("That link had run out. The links on this page are fresh."))
        return redirect("loops:recording_list")
    response = send_rendition(request, rendition)
    if response.status_code in {200, 206}:
        named = content_disposition_header(True, file_name(rendition))
        response["Content-Disposition"] = named or "attachment"
    return response


@require_safe
@never_cache
def recording_links(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Tell a player that is open for long the same facts with fresh links, without the words."""
    recording = access.recording_to_play(signed_in(request), recording_id, timezone.now())
    found = playback_of(request, recording)
    return JsonResponse(asdict(replace(found, lines=())) if found else {})


def playback_of(request: HttpRequest, recording: Recording | None) -> query.Playback | None:
    """Return what a page's player needs, with links for this session; None where nothing plays.

    The view has asked a door whether this person may play the recording.
    """
    if recording is None:
        return None
    return query.playback(recording, lambda rendition: links.link_to(request, rendition))
