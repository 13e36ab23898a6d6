"""Mocks in people's own calendars: one as a file, all of them as a feed under a secret address."""

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access, ics
from loops.actions import calendars
from loops.calendars import event_now
from loops.queries.calendars import events_of, open_feed, tag_of
from loops.views.people import signed_in
from loops.views.posting import posts_from

SHOWN_ONCE = "calendar_token"


@require_safe
def mock_invite(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Hand out the person's own entry of a mock that was agreed, as it stands now."""
    user = signed_in(request)
    mock = access.mock_to_see(user, mock_id)
    if mock.agreed_at is None:
        raise Http404("Nothing is agreed yet.")
    event = event_now(mock, user)
    name = f"mock-{timezone.localtime(mock.starts_at):%Y-%m-%d}.ics"
    return HttpResponse(
        ics.invitation(event),
        content_type=ics.content_type(event),
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name)
        },
    )


@never_cache
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Show how one's own calendar follows one's mocks; a new address is shown this once."""
    user = signed_in(request)
    feed = open_feed(user)
    token = request.session.pop(SHOWN_ONCE, "") if SHOWN_ONCE in request.session else ""
    address = _address(token) if token and feed else ""
    return render(
        request,
        "loops/calendar/calendar.html",
        {
            "feed": feed,
            "address": address,
            "webcal": f"webcal{address.removeprefix(urlsplit(address).scheme)}" if address else "",
        },
    )


@posts_from("loops:calendar")
def feed_make(request: HttpRequest) -> HttpResponse:
    """Make an address and show it on the page; the one before it is closed."""
    request.session[SHOWN_ONCE] = calendars.make_feed(by=signed_in(request), at=timezone.now())
    return redirect("loops:calendar")


@posts_from("loops:calendar")
def feed_revoke(request: HttpRequest) -> HttpResponse:
    """Close the address."""
    if calendars.revoke_feed(by=signed_in(request), at=timezone.now()):
        request.session.pop(SHOWN_ONCE, None)
        messages.success(request, _("The link is closed. Calendars that used it get nothing more."))
    return redirect("loops:calendar")


@login_not_required
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """Hand a person's mocks to whoever holds the address: their calendar. No session is asked."""
    at = timezone.now()
    user = access.calendar_to_follow(calendars.digest_of(token))
    events = events_of(user, at)
    tag = tag_of(events)
    response = get_conditional_response(request, etag=tag)
    if response is None:
        response = HttpResponse(
            ics.feed(events, name=_("Plumbline mocks")),
            content_type="text/calendar; charset=utf-8",
        )
    response.headers["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _address(token: str) -> str:
    return f"{settings.SITE_URL}{reverse('loops:calendar_feed', args=[token])}"
