"""Every address that gives something of a recording away, for the matrices of permissions."""

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client, RequestFactory
from django.urls import reverse

from loops import blobs
from loops.links import link_to
from loops.models import Attempt, Recording, Rendition, Upload
from tests import factories

CONTENT = bytes(range(256)) * 4
STRIP = {"columns": 1, "rows": 1, "count": 1, "every_ms": 9_000, "width": 160, "height": 90}
TO_PLAY = frozenset({*Rendition.Kind.values, "captions", "links"})
"""For whoever may play the recording."""
OF_THE_OWNER = frozenset({"raw", "download", "status", "transcript", "transcript file"})
"""For its candidate alone."""


def whole(attempt: Attempt) -> Recording:
    """Make a recording with a file of each kind, words, and its bytes as they came."""
    recording = factories.recording(attempt, CONTENT)
    track = recording.tracks.get()
    for kind in ("poster", "peaks", "log"):
        factories.rendition(track, CONTENT, kind=kind)
    factories.rendition(track, CONTENT, kind="strip", facts=STRIP)
    factories.transcript(recording)
    upload = factories.upload(recording, received_bytes=len(CONTENT))
    blobs.staged_path(upload.staging_key).write_bytes(CONTENT)
    return recording


def link(client: Client, rendition: Rendition) -> str:
    """Return the link that a page would give to the client's session."""
    request = RequestFactory().get("/")
    request.session = client.session
    return link_to(request, rendition)


def addresses(client: Client, recording: Recording) -> dict[str, str]:
    """Name each address, those of files with links that live and are the client's own."""
    files = {
        rendition.kind: link(client, rendition)
        for rendition in Rendition.objects.filter(track__recording=recording)
    }
    upload = Upload.objects.get(track__recording=recording)
    of_it = [recording.public_id]
    return {
        **files,
        "download": f"{files['playable']}&download",
        "captions": reverse("loops:captions", args=of_it),
        "links": reverse("loops:recording_links", args=of_it),
        "raw": reverse("loops:upload_raw", args=[upload.public_id]),
        "status": reverse("loops:recording_status", args=of_it),
        "transcript": reverse("loops:transcript", args=of_it),
        "transcript file": reverse("loops:transcript_download", args=[*of_it, "vtt"]),
    }


def given(client: Client, of: dict[str, str]) -> frozenset[str]:
    """Return the names of the addresses that answer, asked by GET and by HEAD and through nginx.

    All three agree, and a refusal tells nothing: a stranger is sent to the sign-in page,
    everybody else gets 404, and nginx is never told where a file lies.
    """
    answered = set()
    refused = 404 if SESSION_KEY in client.session else 302
    for name, address in of.items():
        statuses = set()
        for sender, ask in (("django", client.get), ("django", client.head), ("nginx", client.get)):
            settings.MEDIA_SENDER = sender
            response = ask(address)
            told = b"".join(response)
            statuses.add(response.status_code)
            if response.status_code != 200:
                assert "X-Accel-Redirect" not in response.headers, name
                assert CONTENT not in told, name
        if statuses == {200}:
            answered.add(name)
        else:
            assert statuses == {refused}, name
    return frozenset(answered)
