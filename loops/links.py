"""Links to private files: short-lived, signed for one session. Who may have a file, others decide.

A link alone opens nothing: the door asks for the session and the permission again.
"""

from datetime import timedelta

from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from loops.models import Recording, Rendition

SALT = "loops.media"
LASTS = timedelta(minutes=15)
DIGEST_CHARACTERS = 22


def link_to(request: HttpRequest, rendition: Rendition) -> str:
    """Return the address of a file for the request's session."""
    token = _signer().sign(_subject(request, rendition))
    address = reverse("loops:media", args=[rendition.public_id])
    return f"{address}?t={token.removeprefix(_subject(request, rendition) + ':')}"


def is_valid(request: HttpRequest, rendition: Rendition) -> bool:
    """Say whether the request's token was made for this file and session, and still lives."""
    token = request.GET.get("t", "")
    lasts = lifetime(rendition.track.recording)
    try:
        _signer().unsign(f"{_subject(request, rendition)}:{token}", max_age=lasts)
    except signing.BadSignature:
        return False
    return True


def lifetime(recording: Recording) -> timedelta:
    """Return how long a link lives: so long that an answer plays through from a fresh page."""
    return LASTS + timedelta(milliseconds=recording.duration_ms or 0)


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)


def _subject(request: HttpRequest, rendition: Rendition) -> str:
    """Name what a token is for, without telling the session's key to who reads an address."""
    session = salted_hmac(SALT, request.session.session_key or "", algorithm="sha256")
    return f"{rendition.public_id.hex}.{session.hexdigest()[:DIGEST_CHARACTERS]}"
