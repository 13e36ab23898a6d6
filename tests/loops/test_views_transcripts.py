"""The page of captions: what it takes, what it tells, and what a player gets of it."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.cues import FILE_BYTES, Cue
from loops.models import Attempt, Recording, Transcript, User
from loops.queries.transcripts import words_of
from tests import factories

VTT = b"WEBVTT\n\n00:01.000 --> 00:03.000\n<v Mara>Who decides?\n\n01:00.000 --> 01:02.000\nI do.\n"


@pytest.fixture
def url(recorded: Recording) -> str:
    """The page of the recording's words."""
    return reverse("loops:transcript", args=[recorded.public_id])


@pytest.fixture
def page(client: Client, candidate: User) -> Client:
    """The candidate's browser."""
    client.force_login(candidate)
    return client


def file_of(content: bytes, name: str = "answer.vtt") -> dict[str, object]:
    file = SimpleUploadedFile(name, content)
    return {"do": "file", "captions-language": "en", "captions-file": file}


def typed(text: str, version: str = "") -> dict[str, str]:
    return {"do": "typed", "language": "en", "text": text, "version": version}


def test_a_page_without_words_invites_to_add_some(page: Client, url: str) -> None:
    answer = page.get(url)

    assert "Type what you say" in answer.text
    assert "Take them away" not in answer.text
    assert ".srt</a>" not in answer.text


def test_a_file_becomes_the_words(page: Client, url: str, recorded: Recording) -> None:
    answer = page.post(url, file_of(VTT), follow=True)

    assert "2 lines, from a captions file." in answer.text
    assert "0:01 Mara: Who decides?\n1:00 I do.</textarea>" in answer.text
    assert words_of(recorded).cues == [
        Cue(1_000, 3_000, "Who decides?", "Mara"),
        Cue(60_000, 62_000, "I do."),
    ]


def test_typed_words_are_kept_and_put_right(page: Client, url: str, recorded: Recording) -> None:
    page.post(url, typed("0:05 Good evenig.\r\n0:09 So:\r\n"))
    kept = words_of(recorded)
    answer = page.post(url, typed("0:05 Good evening.\r\n0:09 So:\r\n", kept.version), follow=True)

    assert [cue.text for cue in words_of(recorded).cues] == ["Good evening.", "So:"]
    assert "2 lines, as you typed them." in answer.text
    assert Transcript.objects.get().source == Transcript.Source.TYPED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"WEBVTT\n\n00:0x.000 --> 00:02.000\nHi\n", "Line 3, “00:0x.000 --&gt; 00:02.000”, is no"),
        (b"WEBVTT\n\n20:00.000 --> 20:02.000\nHi\n", "Line 3 begins at 20:00, and the recording"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81", "Line 1 is not text in UTF-8."),
        (b"", "This file is empty."),
        (b"x" * (FILE_BYTES + 1), "more than 1.0\xa0MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_line_and_mistake(
    page: Client, url: str, content: bytes, said: str
) -> None:
    answer = page.post(url, file_of(content))

    assert answer.status_code == 422
    assert said in answer.text
    assert not Transcript.objects.exists()


def test_what_was_typed_wrongly_stays_in_the_form(page: Client, url: str) -> None:
    text = "0:05 Good evening.\n1:7 and then <b>\n"
    answer = page.post(url, typed(text))

    assert answer.status_code == 422
    assert "Line 2 begins with “1:7”, which is not a time." in answer.text
    assert "1:7 and then &lt;b&gt;\n</textarea>" in answer.text


def test_an_older_window_is_told_and_keeps_what_it_typed(
    page: Client, url: str, recorded: Recording
) -> None:
    page.post(url, typed("0:05 First."))
    answer = page.post(url, typed("0:05 Second."))

    assert answer.status_code == 409
    assert "changed since you opened this page" in answer.text
    assert "0:05 Second.</textarea>" in answer.text
    assert [cue.text for cue in words_of(recorded).cues] == ["First."]
    again = page.post(url, {"do": "remove", "version": ""})
    assert again.status_code == 409
    assert Transcript.objects.exists()


def test_words_are_taken_away_after_a_question(page: Client, url: str, recorded: Recording) -> None:
    made = factories.transcript(recorded)
    assert "Take them away" in page.get(url).text
    page.post(url, {"do": "remove", "version": made.token})

    assert not Transcript.objects.exists()


def test_words_are_put_right_after_handing_in_until_erased(
    page: Client, url: str, recorded: Recording
) -> None:
    Attempt.objects.filter(pk=recorded.attempt_id).update(
        state=Attempt.State.SUBMITTED, submitted_at=timezone.now(), energy=0
    )
    assert page.post(url, typed("0:05 Good evening.")).status_code == 302
    Recording.objects.update(state=Recording.State.ERASED)

    assert page.get(url).status_code == 404
    assert page.post(url, typed("0:05 Good evening.")).status_code == 404


def test_words_may_come_before_the_recording_plays(
    page: Client, url: str, recorded: Recording
) -> None:
    Recording.objects.update(state=Recording.State.PROCESSING, duration_ms=None)

    assert page.post(url, typed("59:05 Good evening.")).status_code == 302
    assert "cannot be played just now" in page.get(url).text


def test_captions_are_for_whoever_may_play(
    page: Client, client: Client, recorded: Recording, peer: User
) -> None:
    url = reverse("loops:captions", args=[recorded.public_id])
    assert page.get(url).status_code == 404
    factories.transcript(recorded, Cue(0, 1_500, "a < b", "Mara"))

    answer = page.get(url)
    assert answer.text == "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Mara>Mara: a &lt; b\n"
    assert answer["Content-Type"] == "text/vtt; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))

    client.force_login(peer)
    assert client.get(url).status_code == 404
    review = factories.review(recorded.attempt, peer)
    review.lease_until = timezone.now() + timedelta(minutes=5)
    review.save()
    assert client.get(url).status_code == 200
    assert client.get(reverse("loops:transcript", args=[recorded.public_id])).status_code == 404


@pytest.mark.parametrize(
    ("kind", "content_type", "begins"),
    [
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.000"),
        ("srt", "application/x-subrip", "1\n00:00:00,"),
    ],
)
def test_words_are_downloaded_as_a_file(
    page: Client, recorded: Recording, kind: str, content_type: str, begins: str
) -> None:
    url = reverse("loops:transcript_download", args=[recorded.public_id, kind])
    assert page.get(url).status_code == 404
    factories.transcript(recorded)
    answer = page.get(url)

    assert answer.text.startswith(begins)
    assert answer["Content-Type"].startswith(content_type)
    assert answer["Content-Disposition"].endswith(f'-1.{kind}"')
    assert page.get(url.replace(kind, "exe")).status_code == 404
