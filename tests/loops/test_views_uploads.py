"""The addresses that bytes come in by: what tus asks of them, and words with every refusal."""

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loops import blobs, tus
from loops.actions import recordings
from loops.models import Attempt, Cohort, Recording, Track, Upload, User
from tests import factories

FILM = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 40
TUS = {"Tus-Resumable": "1.0.0"}

Begin = Callable[..., Any]
Append = Callable[..., Any]


@pytest.fixture
def browser_(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture
def begin(browser_: Client, draft: Attempt) -> Begin:
    """Open an upload as a recorder does; a header that is None is left out."""

    def begin(headers: dict[str, Any] | None = None, attempt: Attempt = draft, **facts: str) -> Any:
        facts = {"role": "camera", "filetype": "video/webm", "consent": "yes", **facts}
        headers = {
            **TUS,
            "Upload-Defer-Length": "1",
            "Upload-Metadata": metadata(**facts),
            **(headers or {}),
        }
        url = reverse("loops:track_begin", args=[attempt.public_id])
        return browser_.post(url, headers=given(headers))

    return begin


@pytest.fixture
def upload(begin: Begin) -> Upload:
    """An upload that was just opened."""
    return Upload.objects.get(public_id=begin().json()["upload"])


@pytest.fixture
def append(client: Client, upload: Upload) -> Append:
    """Send bytes to the upload; a header that is None is left out."""

    def append(content: bytes, offset: int | str = 0, **facts: Any) -> Any:
        headers = {**TUS, "Upload-Offset": str(offset), **facts.pop("headers", {})}
        facts = {"content_type": tus.APPEND_TYPE, "method": "PATCH", **facts}
        method, url = facts.pop("method"), facts.pop("url", address(upload))
        if not content:  # the test's client would leave them out
            facts |= {"CONTENT_TYPE": facts["content_type"], "CONTENT_LENGTH": "0"}
        return client.generic(method, url, content, headers=given(headers), **facts)

    return append


def metadata(**facts: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in facts.items()
    )


def given(headers: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}


def address(upload: Upload) -> str:
    return reverse("loops:upload_append", args=[upload.public_id])


def checksum(content: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


def refusal(response: Any) -> tuple[int, str]:
    """Return the status and the code; see that there are words and the protocol's version."""
    told = response.json()
    assert told["message"].endswith(".")
    assert response["Tus-Resumable"] == "1.0.0"
    assert "no-store" in response["Cache-Control"]
    return response.status_code, told["code"]


def received(upload: Upload) -> int:
    upload.refresh_from_db()
    return upload.received_bytes


# What the server speaks


def test_anybody_may_ask_what_is_spoken(client: Client, draft: Attempt) -> None:
    for url in (
        reverse("loops:track_begin", args=[draft.public_id]),
        reverse("loops:upload_append", args=[uuid4()]),
    ):
        response = client.options(url)
        told = {name: response[name] for name in response.headers if name.startswith("Tus-")}

        assert (response.status_code, response.content) == (204, b"")
        assert told == {
            "Tus-Resumable": "1.0.0",
            "Tus-Version": "1.0.0",
            "Tus-Extension": "creation,creation-defer-length,checksum,termination",
            "Tus-Max-Size": str(2 * 1024**3),
            "Tus-Checksum-Algorithm": "sha256,sha1",
        }


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0"])
def test_another_version_is_told_which_one_is_spoken(
    begin: Begin, append: Append, upload: Upload, version: str | None
) -> None:
    headers = {"Tus-Resumable": version}

    for response in (begin(headers), append(FILM, headers=headers)):
        assert refusal(response) == (412, "tus_version")
        assert response["Tus-Version"] == "1.0.0"
    assert received(upload) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_other_methods_are_refused(append: Append, method: str) -> None:
    response = append(b"", method=method)

    assert refusal(response) == (405, "method")
    assert response["Allow"] == "OPTIONS, HEAD, PATCH, DELETE"


# Beginning


def test_a_recording_begins_with_the_addresses_to_go_on_with(begin: Begin) -> None:
    begun = begin(filename="Übung, Abend 1.webm")

    upload = Upload.objects.get()
    recording = upload.track.recording
    assert begun.status_code == 201
    assert begun["Location"] == f"/uploads/{upload.public_id}/"
    assert (begun["Upload-Offset"], begun["Tus-Resumable"]) == ("0", "1.0.0")
    assert begun.json() == {
        "recording": str(recording.public_id),
        "track": str(upload.track.public_id),
        "upload": str(upload.public_id),
        "part_no": 1,
        "most_bytes": 2 * 1024**3,
        "append_url": f"/uploads/{upload.public_id}/",
        "finish_url": f"/recordings/{recording.public_id}/finish/",
        "status_url": f"/recordings/{recording.public_id}/",
        "discard_url": f"/recordings/{recording.public_id}/discard/",
    }


def test_further_tracks_and_parts_join_the_recording(begin: Begin) -> None:
    recording = begin().json()["recording"]
    screen = begin(recording=recording, role="screen", start_ms="2500").json()
    again = begin(recording=recording, start_ms="60000").json()

    assert (screen["recording"], again["recording"]) == (recording, recording)
    assert (screen["part_no"], again["part_no"]) == (1, 2)
    assert [*Upload.objects.order_by("pk").values_list("start_ms", flat=True)] == [0, 2500, 60000]


def test_a_file_of_a_foreign_client_is_an_upload(begin: Begin) -> None:
    """tus clients send a name and a type at most, and neither is believed."""
    headers = {"Upload-Length": "9", "Upload-Defer-Length": None}

    begun = begin({**headers, "Upload-Metadata": None})

    assert begun.status_code == 201
    assert Track.objects.get().role == "upload"
    assert Upload.objects.get().length_bytes == 9


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ({"Upload-Defer-Length": None}, {}),
        ({"Upload-Length": "5"}, {}),
        ({"Upload-Length": "-5", "Upload-Defer-Length": None}, {}),
        ({"Upload-Length": "9" * 6000, "Upload-Defer-Length": None}, {}),
        ({"Upload-Metadata": "role camera"}, {}),
        ({"Upload-Metadata": "role \xfc"}, {}),
        ({}, {"role": "microwave"}),
        ({}, {"filetype": "video/webm\x00"}),
        ({}, {"start_ms": "-1"}),
        ({}, {"start_ms": "²"}),
        ({}, {"start_ms": "9" * 9}),
        ({}, {"start_ms": ""}),
        ({}, {"recording": "the last one"}),
    ],
)
def test_a_malformed_beginning_is_refused(
    begin: Begin, headers: dict[str, str], facts: dict[str, str]
) -> None:
    response = begin(headers, **facts)

    assert refusal(response) == (400, "malformed")
    assert response.json()["message"].startswith("Upload-")
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("attempt", "recording", "headers", "facts", "told"),
    [
        ({"predicted_rank": None}, None, {}, {}, (409, "predict_first")),
        ({"state": "withdrawn"}, None, {}, {}, (409, "not_a_draft")),
        ({}, "uploaded", {}, {}, (409, "already_recorded")),
        ({}, None, {}, {"consent": ""}, (409, "no_consent")),
        ({}, None, {}, {"consent": "no"}, (409, "no_consent")),
        (
            {},
            None,
            {"Upload-Length": "0", "Upload-Defer-Length": None},
            {},
            (409, "nothing_arrived"),
        ),
        (
            {},
            None,
            {"Upload-Length": str(2 * 1024**3 + 1), "Upload-Defer-Length": None},
            {},
            (413, "too_large"),
        ),
    ],
)
def test_what_may_not_begin_is_refused_in_words(
    begin: Begin,
    draft: Attempt,
    *,
    attempt: dict[str, object],
    recording: str | None,
    headers: dict[str, str],
    facts: dict[str, str],
    told: tuple[int, str],
) -> None:
    Attempt.objects.update(**attempt)
    if recording:
        factories.recording(draft, state=recording)

    assert refusal(begin(headers, **facts)) == told
    assert not Upload.objects.exists()


def test_a_beginning_without_room_is_refused_in_words(
    begin: Begin, candidate: User, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(blobs, "has_room", lambda _size: False)
        on_full_disk = begin()
    monkeypatch.setattr(recordings, "OPEN_MOST", 0)
    too_many = begin()
    User.objects.update(quota_bytes=0)
    over_quota = begin()

    assert refusal(on_full_disk) == (507, "server_full")
    assert refusal(too_many) == (429, "too_many_open")
    assert refusal(over_quota) == (413, "quota")
    assert [on_full_disk["Retry-After"], too_many["Retry-After"]] == ["10", "10"]


@pytest.mark.parametrize("state", ["discarded", "uploaded"])
def test_what_joins_a_recording_that_is_over_is_told_so(begin: Begin, state: str) -> None:
    recording = begin().json()["recording"]
    Recording.objects.update(state=state)

    told = {"discarded": (410, "gone"), "uploaded": (409, "not_recording")}
    assert refusal(begin(recording=recording)) == told[state]


def test_a_recording_of_another_answer_or_person_is_not_joined(
    begin: Begin, candidate: User, peer: User, cohort: Cohort
) -> None:
    for member in (candidate, peer):
        round_ = factories.loop(member, cohort).rounds.get()
        other = factories.attempt(round_, state="draft", predicted_rank=2)
        foreign = factories.recording(other, state="recording")

        assert refusal(begin(recording=str(foreign.public_id))) == (404, "not_found")
    assert refusal(begin(recording=str(uuid4()))) == (404, "not_found")
    assert refusal(begin(attempt=other)) == (404, "not_found")


# Appending


def test_bytes_are_taken_where_the_last_ones_ended(
    client: Client, append: Append, upload: Upload
) -> None:
    answers = [append(FILM[:1000]), append(FILM[1000:], 1000)]
    asked = client.head(address(upload), headers=TUS)

    told = [(answer.status_code, answer["Upload-Offset"]) for answer in answers]
    assert told == [(204, "1000"), (204, str(len(FILM)))]
    assert (asked.status_code, asked["Upload-Offset"]) == (200, str(len(FILM)))
    assert (asked["Upload-Defer-Length"], "Upload-Length" in asked) == ("1", False)
    assert "no-store" in asked["Cache-Control"]
    assert blobs.staged_path(upload.staging_key).read_bytes() == FILM


def test_an_append_asks_the_database_as_little_as_can_be(append: Append, upload: Upload) -> None:
    """Who is it, whose upload is it, how far is it by now; and one write."""
    append(FILM[:1000])

    with CaptureQueriesContext(connection) as asked:
        append(FILM[1000:], 1000)

    kinds = [query["sql"].split()[0] for query in asked]
    assert kinds.count("UPDATE") == 1
    assert kinds.count("SELECT") <= 4
    assert len(kinds) <= 5


def test_a_body_is_read_in_blocks_and_never_held(
    append: Append, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = blobs._read

    def counting(stream: blobs.Readable, size: int) -> bytes:
        asked.append(size)
        return read(stream, size)

    monkeypatch.setattr(blobs, "_read", counting)
    content = FILM + bytes(300_000)

    response = append(content)
    refused = append(content)

    assert (response.status_code, refused.status_code) == (204, 409)
    assert max(asked) == blobs.BLOCK_BYTES
    assert sum(asked) >= 2 * len(content)
    for answer in (response, refused):
        assert not hasattr(answer.wsgi_request, "_body")


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_bytes_with_their_checksum_are_taken(
    append: Append, upload: Upload, algorithm: str
) -> None:
    assert append(FILM, headers={"Upload-Checksum": checksum(FILM, algorithm)}).status_code == 204
    assert received(upload) == len(FILM)


def test_damaged_bytes_are_not_kept(append: Append, upload: Upload) -> None:
    append(FILM[:1000])

    response = append(FILM[1000:], 1000, headers={"Upload-Checksum": checksum(FILM)})

    assert refusal(response) == (460, "checksum_mismatch")
    assert response["Upload-Offset"] == "1000"
    assert blobs.staged_path(upload.staging_key).read_bytes() == FILM[:1000]


@pytest.mark.parametrize("offset", [0, 999, 1001, 5000])
def test_bytes_from_elsewhere_are_told_where_to_go_on(append: Append, offset: int) -> None:
    append(FILM[:1000])

    response = append(FILM[:1000], offset)

    assert refusal(response) == (409, "wrong_offset")
    assert response["Upload-Offset"] == "1000"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"content_type": "application/octet-stream"}, (415, "content_type")),
        ({"content_type": "multipart/form-data"}, (415, "content_type")),
        ({"headers": {"Upload-Offset": None}}, (400, "malformed")),
        ({"headers": {"Upload-Offset": "one"}}, (400, "malformed")),
        ({"headers": {"Upload-Offset": "-1"}}, (400, "malformed")),
        ({"headers": {"Upload-Length": "-1"}}, (400, "malformed")),
        ({"headers": {"Upload-Length": str(len(FILM) - 1)}}, (400, "wrong_length")),
        ({"headers": {"Upload-Checksum": "md5 eA=="}}, (400, "malformed")),
        ({"headers": {"Upload-Checksum": "sha256 ?"}}, (400, "malformed")),
    ],
)
def test_bytes_with_wrong_headers_are_refused(
    append: Append, upload: Upload, facts: dict[str, Any], told: tuple[int, str]
) -> None:
    assert refusal(append(FILM, **facts)) == told
    assert received(upload) == 0
    assert append(FILM).status_code == 204


def test_bytes_without_a_length_are_refused(client: Client, upload: Upload) -> None:
    """Django would take them for none at all, and all would look well."""
    request: dict[str, Any] = client._base_environ(  # type: ignore[attr-defined]
        PATH_INFO=address(upload),
        REQUEST_METHOD="PATCH",
        CONTENT_TYPE=tus.APPEND_TYPE,
        HTTP_TUS_RESUMABLE="1.0.0",
        HTTP_UPLOAD_OFFSET="0",
    )
    request.pop("CONTENT_LENGTH", None)
    request["wsgi.input"] = io.BytesIO(FILM)

    assert refusal(client.request(**request)) == (411, "no_length")


def test_bytes_that_cannot_be_kept_are_refused_and_what_came_before_is_safe(
    append: Append, upload: Upload, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [append(b"<!doctype html>" + bytes(100))]
    append(FILM[:1000])
    with monkeypatch.context() as full:
        full.setattr(blobs, "has_room", lambda _size: False)
        told.append(append(FILM[1000:2000], 1000))
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 1)
    User.objects.update(quota_bytes=1500)
    told.append(append(FILM[1000:2000], 1000))
    Upload.objects.update(most_bytes=1500)
    told.append(append(FILM[1000:2000], 1000))
    settings.CHUNK_MAX_BYTES = 900
    told.append(append(FILM[1000:2000], 1000))
    with blobs.writing(upload.staging_key):
        told.append(append(FILM[1000:1500], 1000))

    assert [(*refusal(one), one.get("Upload-Offset"), one.get("Retry-After")) for one in told] == [
        (415, "no_media", "0", None),
        (507, "server_full", "1000", "10"),
        (413, "quota", "1000", None),
        (413, "too_large", "1000", None),
        (413, "chunk_too_large", "1000", None),
        (423, "busy", None, "1"),
    ]
    assert "1000 bytes" in told[2].json()["message"].replace("\xa0", " ")
    assert received(upload) == 1000
    assert blobs.staged_path(upload.staging_key).read_bytes() == FILM[:1000]


def test_a_length_may_come_with_the_last_bytes(
    client: Client, append: Append, upload: Upload
) -> None:
    append(FILM[:1000])
    append(b"", 1000, headers={"Upload-Length": str(len(FILM))})
    asked = client.head(address(upload), headers=TUS)
    twice = append(FILM[1000:], 1000, headers={"Upload-Length": "12000"})
    done = append(FILM[1000:], 1000)

    upload.track.recording.refresh_from_db()
    assert (asked["Upload-Length"], "Upload-Defer-Length" in asked) == (str(len(FILM)), False)
    assert refusal(twice) == (400, "wrong_length")
    assert (done["Upload-Offset"], upload.track.recording.state) == (str(len(FILM)), "uploaded")


def test_nothing_is_added_after_the_end_nor_after_a_discard(
    client: Client, append: Append, upload: Upload
) -> None:
    append(FILM, headers={"Upload-Length": str(len(FILM))})

    late = append(b"more", len(FILM))
    asked = client.head(address(upload), headers=TUS)
    Recording.objects.update(state="discarded")
    gone = append(b"more", len(FILM))

    assert refusal(late) == (409, "not_recording")
    assert (late["Upload-Offset"], asked["Upload-Offset"]) == (str(len(FILM)),) * 2
    assert refusal(gone) == (410, "gone")
    assert client.head(address(upload), headers=TUS).status_code == 410


def test_a_method_may_come_in_a_header(client: Client, append: Append, upload: Upload) -> None:
    def meant(method: str) -> dict[str, dict[str, str]]:
        return {"headers": {"X-HTTP-Method-Override": method}}

    taken = append(FILM, method="POST", **meant("PATCH"))
    asked = append(b"", method="POST", **meant("HEAD"))
    by_get = append(b"", method="GET", **meant("DELETE"))
    gone = append(b"", method="POST", **meant("DELETE"))

    statuses = [one.status_code for one in (taken, asked, by_get, gone)]
    assert statuses == [204, 200, 405, 204]
    assert asked["Upload-Offset"] == str(len(FILM))
    assert Recording.objects.get().state == "discarded"


def test_an_upload_is_taken_away(client: Client, append: Append, upload: Upload) -> None:
    append(FILM)

    response = client.delete(address(upload), headers=TUS)

    assert (response.status_code, response["Tus-Resumable"]) == (204, "1.0.0")
    assert refusal(append(FILM, len(FILM))) == (410, "gone")
    assert refusal(client.delete(address(upload), headers=TUS)) == (410, "gone")


# Who


def test_others_find_nothing_and_who_is_signed_out_is_told_so(
    as_: Callable[[User], Client],
    append: Append,
    upload: Upload,
    *,
    candidate: User,
    peer: User,
) -> None:
    append(FILM[:1000])
    client = as_(peer)
    foreign = [append(FILM[1000:], 1000), client.delete(address(upload), headers=TUS)]
    nowhere = append(FILM, url=reverse("loops:upload_append", args=[uuid4()]))
    raw = client.get(reverse("loops:upload_raw", args=[upload.public_id]))
    client.logout()
    signed_out = append(FILM[1000:], 1000)
    as_(candidate)

    assert {refusal(one) for one in [*foreign, nowhere]} == {(404, "not_found")}
    assert foreign[0].content == nowhere.content
    assert raw.status_code == 404
    assert refusal(signed_out) == (403, "signed_out")
    assert append(FILM[1000:], 1000).status_code == 204


def test_what_comes_without_the_pages_key_is_refused(candidate: User, upload: Upload) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(candidate)
    facts: dict[str, Any] = {"content_type": tus.APPEND_TYPE}
    headers = {**TUS, "Upload-Offset": "0"}

    patched = client.patch(address(upload), FILM, headers=headers, **facts)
    posted = client.post(
        address(upload), FILM, headers={**headers, "X-HTTP-Method-Override": "PATCH"}, **facts
    )
    finished = client.post(
        reverse("loops:recording_finish", args=[upload.track.recording.public_id]),
        "{}",
        content_type="application/json",
        headers={"Accept": "application/json"},
    )
    as_a_page = client.post(
        reverse("loops:recording_finish", args=[upload.track.recording.public_id])
    )
    asked = client.head(address(upload), headers=TUS)

    for response in (patched, posted, finished):
        assert (response.status_code, response.json()["code"]) == (403, "stale_key")
    assert patched["Tus-Resumable"] == "1.0.0"
    assert (as_a_page.status_code, as_a_page["Content-Type"][:9]) == (403, "text/html")
    assert (asked.status_code, received(upload)) == (200, 0)


# The bytes as they came


def test_the_candidate_downloads_a_part_as_it_came(
    client: Client, append: Append, upload: Upload
) -> None:
    url = reverse("loops:upload_raw", args=[upload.public_id])
    nothing_yet = client.get(url)
    append(FILM)
    with blobs.staged_path(upload.staging_key).open("ab") as file:
        file.write(b"never acknowledged")

    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=10-19"})
    told = client.head(url)
    blobs.delete_staged(upload.staging_key)

    assert b"".join(whole.streaming_content) == FILM  # type: ignore[attr-defined]
    assert b"".join(part.streaming_content) == FILM[10:20]  # type: ignore[attr-defined]
    assert (told["Content-Length"], part.status_code) == (str(len(FILM)), 206)
    assert whole["Content-Disposition"] == f'attachment; filename="{upload.public_id}.webm"'
    assert (whole["Content-Type"], whole["X-Content-Type-Options"]) == (
        "application/octet-stream",
        "nosniff",
    )
    assert "no-store" in whole["Cache-Control"]
    assert (nothing_yet.status_code, client.get(url).status_code) == (404, 404)
