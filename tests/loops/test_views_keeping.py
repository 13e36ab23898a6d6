"""Pages of keeping recordings: the list, its files and its words, erasing, a cohort's rule."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from loops import blobs
from loops.actions import recordings
from loops.models import Attempt, Cohort, Recording, Rendition, Round, Track, User
from tests import factories
from tests.clock import Clock
from tests.factories import NOW

LIST = reverse("loops:recording_list")
DAY = timedelta(days=1)
MIB = 2**20
As = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    """Everything here happens at NOW, unless the clock is moved."""


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer handed in at NOW, with a recording that plays."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def mine(as_: As, candidate: User) -> Client:
    return as_(candidate)


def words_of(page: str) -> str:
    """Return what a person reads of a page's content, in one line."""
    (content,) = re.findall(r"<main.*?</main>", page, re.DOTALL)
    content = re.sub(r"<(dialog|noscript|script).*?</\1>", " ", content, flags=re.DOTALL)
    content = re.sub(r"</?(time|a|strong)\b[^>]*>", "", content)
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def recording_of(attempt: Attempt) -> Recording:
    return attempt.recordings.get()


# The list


def test_the_list_tells_room_state_and_how_long_each_stays(
    mine: Client, answer: Attempt, cohort: Cohort, round_: Round, draft: Attempt
) -> None:
    track = recording_of(answer).tracks.get()
    track.renditions.update(size_bytes=3 * MIB)
    factories.upload(recording_of(answer), received_bytes=2 * MIB)
    begun = factories.recording(draft, state=Recording.State.RECORDING, started_at=NOW)
    factories.upload(begun, received_bytes=MIB)
    failed = factories.attempt(round_)
    factories.recording(failed, state=Recording.State.FAILED, started_at=NOW - 2 * DAY)

    page = mine.get(LIST)

    words = words_of(page.text)
    assert "6.0 MB of 20.0 GB taken 20.0 GB left" in words
    rows = re.split(r"(?<!– )(?=System design, ambiguous, answer \d )", words)[1:]
    assert [row.split("answer ")[1][:16] for row in rows] == [
        "1 Not finished 2",
        "1 Ready to play ",
        "2 Cannot be play",
    ]
    assert "1.0 MB as it came" in rows[0]
    assert "5.0 MB 3.0 MB to play 2.0 MB as it came Kept until you erase it." in rows[1]
    assert "2 Mar 2026, 08:40 10:00 long" in rows[1]
    assert reverse("loops:recording_finish", args=[begun.public_id]) in page.text
    assert reverse("loops:recording_discard", args=[begun.public_id]) in page.text
    erase = reverse("loops:recording_erase", args=[recording_of(answer).public_id])
    assert page.text.count(f'action="{erase}"') == 2  # in the dialog, and without scripts
    assert reverse("loops:upload_raw", args=[track.uploads.get().public_id]) in page.text


def test_a_list_without_recordings_says_how_one_comes(as_: As, peer: User) -> None:
    words = words_of(as_(peer).get(LIST).text)

    assert "Nothing recorded yet" in words
    assert "0 bytes of 20.0 GB taken" in words


def test_the_list_is_ones_own(mine: Client, answer: Attempt, peer: User, cohort: Cohort) -> None:
    factories.answer(peer, cohort, kind="coding")

    assert "Coding" not in words_of(mine.get(LIST).text)


def test_what_was_discarded_is_not_listed_and_what_was_erased_is(
    mine: Client, answer: Attempt, draft: Attempt, django_capture_on_commit_callbacks: Any
) -> None:
    discarded = factories.recording(draft)
    for recording, name in ((discarded, "discard"), (recording_of(answer), "erase")):
        address = reverse(f"loops:recording_{name}", args=[recording.public_id])
        with django_capture_on_commit_callbacks(execute=True):
            response = mine.post(address, {"from": "recordings"})
        assert response["Location"] == LIST

    words = words_of(mine.get(LIST).text)

    assert words.count("answer 1") == 1
    assert "Erased 2 Mar 2026" in words
    assert "You erased it on 2 March 2026, 09:30." in words


def test_the_list_asks_the_database_as_much_for_one_as_for_many(
    mine: Client, queries: Callable[[str], int], answer: Attempt, cohort: Cohort, round_: Round
) -> None:
    Cohort.objects.update(keep_recordings_days=30)
    one = queries(LIST)
    for _ in range(3):
        attempt = factories.attempt(round_)
        factories.upload(factories.recording(attempt), received_bytes=1)

    assert queries(LIST) == one <= 8


def test_the_list_has_pages(mine: Client, round_: Round) -> None:
    for number in range(1, 23):
        attempt = factories.attempt(round_, number=number)
        started_at = NOW + number * timedelta(minutes=1)
        factories.recording(attempt, state=Recording.State.UPLOADED, started_at=started_at)

    first, second = (words_of(mine.get(LIST, {"page": page}).text) for page in (1, 99))

    assert "Page 1 of 2" in first
    assert "answer 22 " in first
    assert "answer 2 " not in first
    assert "answer 1 " in second


def test_dates_are_told_in_the_readers_zone(
    mine: Client, answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    Cohort.objects.update(keep_recordings_days=30)
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader)

    pages = [mine.get(LIST), mine.get(reverse("feedback:results", args=[answer.public_id]))]

    for page in pages:
        assert "Your cohort’s rule erases it on 1 April 2026, 15:15." in words_of(page.text)
        assert 'datetime="2026-04-01T15:15:00+05:45"' in page.text


def test_what_waits_for_its_reviews_says_so(mine: Client, answer: Attempt) -> None:
    Cohort.objects.update(keep_recordings_days=30)

    for address in (LIST, reverse("feedback:results", args=[answer.public_id])):
        assert (
            "Kept until its reviews are in, and a week more; then your cohort’s rule of 30 days"
        ) in words_of(mine.get(address).text)


# Downloads


@pytest.fixture
def film(answer: Attempt) -> Rendition:
    """What plays of the answer, with its bytes."""
    rendition: Rendition = recording_of(answer).tracks.get().renditions.get()
    storages["recordings"].save(rendition.name, ContentFile(b"film"))
    Rendition.objects.update(size_bytes=4)
    return rendition


def downloads(page: str) -> list[str]:
    return re.findall(r'href="(/media/[^"]+)"', page.replace("&amp;", "&"))


def test_a_download_is_named_after_its_answer(mine: Client, film: Rendition) -> None:
    (href,) = downloads(mine.get(LIST).text)

    response: Any = mine.get(href)

    assert response["Content-Disposition"] == (
        'attachment; filename="system-design-ambiguous-answer-1-2026-03-02.webm"'
    )
    assert b"".join(response.streaming_content) == b"film"
    part: Any = mine.get(href, headers={"Range": "bytes=1-"})
    assert b"".join(part.streaming_content) == b"ilm"
    assert (part.status_code, part["Content-Disposition"]) == (206, response["Content-Disposition"])


def test_a_download_of_a_hostile_title_has_an_ascii_name(
    mine: Client, film: Rendition, answer: Attempt
) -> None:
    Round.objects.update(title='Дизайн "\r\nX-Evil: 1')
    Track.objects.update(role=Track.Role.SCREEN)
    (href,) = downloads(mine.get(LIST).text)

    response: Any = mine.get(href)
    b"".join(response.streaming_content)
    name = response["Content-Disposition"]

    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+-answer-1-2026-03-02-screen\.webm"', name)


def test_a_download_link_that_ran_out_leads_to_fresh_ones(
    mine: Client, film: Rendition, clock: Clock
) -> None:
    (href,) = downloads(mine.get(LIST).text)

    response = mine.get(re.sub(r"t=[^&]+", "t=old", href), follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert "The links on this page are fresh." in words_of(response.text)


def test_a_grader_who_may_play_does_not_download(
    as_: As, film: Rendition, peer: User, answer: Attempt
) -> None:
    factories.review(answer, peer, lease_until=NOW + DAY)
    client = as_(peer)
    page = client.get(reverse("loops:recording_links", args=[recording_of(answer).public_id]))
    src = page.json()["sources"][0]["src"]

    played: Any = client.get(src)
    assert b"".join(played.streaming_content) == b"film"
    assert client.get(f"{src}&download=1").status_code == 404


# Erasing


@pytest.fixture
def erased(mine: Client, answer: Attempt, django_capture_on_commit_callbacks: Any) -> Attempt:
    """The answer after its candidate has erased the recording."""
    address = reverse("loops:recording_erase", args=[recording_of(answer).public_id])
    with django_capture_on_commit_callbacks(execute=True):
        response = mine.post(address)
    assert response["Location"] == reverse("loops:attempt", args=[answer.public_id])
    return answer


def test_the_dialog_says_what_stays_and_what_graders_lose(
    mine: Client, answer: Attempt, peer: User, second_peer: User
) -> None:
    address = reverse("feedback:results", args=[answer.public_id])
    waiting = mine.get(address).text
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, submitted_at=NOW)
    graded = mine.get(address).text

    for page in (waiting, graded):
        (dialog,) = re.findall(r'<dialog class="dialog" id="erase-.*?</dialog>', page, re.DOTALL)
        assert "with the words of yours that graders quote in them" in dialog
        assert ("What graders lose:" in dialog) == (page is waiting)


def test_the_results_say_when_it_was_erased_and_by_whom(mine: Client, erased: Attempt) -> None:
    words = words_of(mine.get(reverse("feedback:results", args=[erased.public_id])).text)

    assert "Its recording is erased, so nobody new can take your answer to grade." in words
    assert "The recording is erased You erased it on 2 March 2026, 09:30." in words
    assert "being erased" not in words


def test_revealed_results_stay_without_the_recording(
    mine: Client, erased: Attempt, peer: User, second_peer: User
) -> None:
    for grader in (peer, second_peer):
        factories.submitted_review(erased, grader, submitted_at=NOW)

    words = words_of(mine.get(reverse("feedback:results", args=[erased.public_id])).text)

    assert "You erased it on 2 March 2026, 09:30. Your grades and reviews stay." in words
    assert "Asked who is hurt, then drew." in words


def test_the_rule_is_named_where_it_erased(
    as_: As, candidate: User, answer: Attempt, clock: Clock
) -> None:
    recordings.erase(recording=recording_of(answer), by=None, at=NOW + 30 * DAY, rule_days=30)
    clock.at = NOW + 31 * DAY
    client = as_(candidate)

    for address in (LIST, reverse("feedback:results", args=[answer.public_id])):
        assert (
            "Erased on 1 April 2026, 09:30 by the cohort’s rule: 30 days after handing in."
        ) in words_of(client.get(address).text)


def test_a_file_that_is_left_is_told_until_it_is_gone(
    mine: Client, film: Rendition, answer: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.post(reverse("loops:recording_erase", args=[recording_of(answer).public_id]))
    results = reverse("feedback:results", args=[answer.public_id])

    assert "The recording is being erased" in words_of(mine.get(results).text)
    assert "Being erased" in words_of(mine.get(LIST).text)
    assert downloads(mine.get(LIST).text) == []

    Rendition.objects.all().delete()
    assert "being erased" not in words_of(mine.get(results).text)


def test_a_grader_at_work_reads_that_it_was_erased_and_the_queue_offers_it_to_nobody(
    as_: As, erased: Attempt, peer: User, second_peer: User
) -> None:
    review = factories.review(erased, peer, lease_until=NOW + timedelta(minutes=45))

    words = words_of(as_(peer).get(reverse("feedback:review", args=[review.public_id])).text)
    assert "Its candidate erased it on 2 March 2026, 09:30. What you marked stays" in words
    assert "System design, ambiguous" not in words_of(as_(second_peer).get("/queue/").text)


def test_a_draft_whose_recording_the_rule_took_says_so(
    as_: As, candidate: User, draft: Attempt, clock: Clock
) -> None:
    Cohort.objects.update(keep_recordings_days=30)
    recording = factories.recording(draft, started_at=NOW)
    address = reverse("loops:attempt", args=[draft.public_id])
    before = words_of(as_(candidate).get(address).text)
    assert "Your cohort’s rule erases it on 1 April 2026, 09:30." in before

    recordings.erase(recording=recording, by=None, at=NOW + 30 * DAY, rule_days=30)
    clock.at = NOW + 30 * DAY

    words = words_of(as_(candidate).get(address).text)
    assert "Its last recording was erased on 1 April 2026, 09:30 by your cohort’s rule" in words
    assert "Record in the browser" in words


# A cohort's rule


def rule_at(cohort: Cohort) -> str:
    return reverse("loops:set_keeping", args=[cohort.public_id])


def test_every_member_reads_the_rule_and_organisers_change_it(
    as_: As, cohort: Cohort, peer: User, organiser: User
) -> None:
    page = reverse("loops:cohort", args=[cohort.public_id])
    assert "kept until their candidates erase them" in words_of(as_(peer).get(page).text)

    answer = as_(organiser).post(rule_at(cohort), {"days": "90"}, follow=True)

    assert "Saved. No recording is that old yet; the members are told." in words_of(answer.text)
    words = words_of(as_(peer).get(page).text)
    assert "Recordings are erased 90 days after their answers were handed in" in words
    assert "Change the rule" not in words
    assert "now erases recordings after 90 days" in as_(peer).get("/notices/").text


def test_a_rule_that_finds_old_recordings_says_how_many(  # noqa: PLR0917 - fixtures
    as_: As, cohort: Cohort, organiser: User, answer: Attempt, peer: User, clock: Clock
) -> None:
    factories.submitted_review(answer, peer)
    clock.at = NOW + 40 * DAY

    page = as_(organiser).post(rule_at(cohort), {"days": "30"}, follow=True)

    assert "Saved. 1 recording is that old already. Its candidate is told now" in words_of(
        page.text
    )


@pytest.mark.parametrize("days", ["6", "1096", "-1", "soon"])
def test_a_rule_out_of_bounds_comes_back_with_words(
    as_: As, cohort: Cohort, organiser: User, days: str
) -> None:
    response = as_(organiser).post(rule_at(cohort), {"days": days})

    assert response.status_code == 422
    assert f'value="{days}"' in response.text
    assert '<details class="more" open>' in response.text
    cohort.refresh_from_db()
    assert cohort.keep_recordings_days is None


def test_an_empty_rule_keeps_recordings_until_they_are_erased(
    as_: As, cohort: Cohort, organiser: User
) -> None:
    Cohort.objects.update(keep_recordings_days=30)

    as_(organiser).post(rule_at(cohort), {"days": ""})

    cohort.refresh_from_db()
    assert cohort.keep_recordings_days is None


def test_organisers_read_that_the_disk_is_full(
    as_: As, cohort: Cohort, organiser: User, peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "room_bytes", lambda: -1)
    page = reverse("loops:cohort", args=[cohort.public_id])

    assert "The server has no room for recordings." in words_of(as_(organiser).get(page).text)
    assert "no room" not in words_of(as_(peer).get(page).text)


# Room


@pytest.fixture
def nearly_full(candidate: User, answer: Attempt) -> User:
    """The candidate, of whose hundred bytes ninety-five are taken."""
    Rendition.objects.update(size_bytes=95)
    candidate.quota_bytes = 100
    candidate.save()
    return candidate


def test_the_recorder_is_told_how_much_room_is_left(
    as_: As, nearly_full: User, draft: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = reverse("loops:record", args=[draft.public_id])
    assert 'data-room-bytes="5"' in as_(nearly_full).get(address).text

    monkeypatch.setattr(blobs, "room_bytes", lambda: 3)
    assert 'data-room-bytes="3"' in as_(nearly_full).get(address).text
    monkeypatch.setattr(blobs, "room_bytes", lambda: -1)
    assert 'data-room-bytes="0"' in as_(nearly_full).get(address).text


def test_the_recorder_says_how_long_a_recording_is_kept(mine: Client, draft: Attempt) -> None:
    address = reverse("loops:record", args=[draft.public_id])
    assert "It is kept until you erase it." in words_of(mine.get(address).text)

    Cohort.objects.update(keep_recordings_days=90)
    assert "It is erased 90 days after you hand it in" in words_of(mine.get(address).text)


def test_profile_and_list_warn_of_little_room(as_: As, nearly_full: User) -> None:
    for address in (LIST, reverse("loops:profile")):
        page = as_(nearly_full).get(address).text
        assert "95 bytes of 100 bytes taken" in words_of(page)
        assert "Little room is left." in words_of(page)
        assert "progress--warn" in page
    assert f'href="{LIST}"' in page


def test_a_file_over_quota_is_refused_with_what_was_kept(
    as_: As, nearly_full: User, draft: Attempt
) -> None:
    """The form without scripts: the same words, and the way to one's recordings beside them."""
    page = as_(nearly_full).post(
        reverse("loops:upload", args=[draft.public_id]),
        {"file": SimpleUploadedFile("take.webm", b"\x1aE\xdf\xa3" + b"x" * 96)},
    )

    assert page.status_code == 413
    words = words_of(page.text)
    assert "Your recordings take 95 bytes of the 100 bytes that you have." in words
    assert "Nothing of this one was taken." in words
    assert f'href="{LIST}"' in page.text
    assert not Recording.objects.kept().filter(attempt=draft).exists()


def _tus(**headers: str) -> dict[str, str]:
    return {"Tus-Resumable": "1.0.0", **headers}


def test_tus_is_refused_over_quota_at_its_beginning_and_in_its_midst(
    as_: As, nearly_full: User, draft: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 1)
    client = as_(nearly_full)
    begin = reverse("loops:track_begin", args=[draft.public_id])

    told = client.post(begin, headers=_tus(**{"Upload-Length": "6"}))
    assert (told.status_code, told.json()["code"]) == (413, "quota")
    assert "Nothing of this one was taken." in told.json()["message"]

    begun = client.post(begin, headers=_tus(**{"Upload-Defer-Length": "1"}))
    send: Any = client.generic
    kind = "application/offset+octet-stream"
    first = send(
        "PATCH",
        begun["Location"],
        b"\x1aE\xdf\xa3",
        content_type=kind,
        headers=_tus(**{"Upload-Offset": "0"}),
    )
    assert first.status_code == 204
    full = send(
        "PATCH",
        begun["Location"],
        b"xx",
        content_type=kind,
        headers=_tus(**{"Upload-Offset": "4"}),
    )
    assert (full.status_code, full["Upload-Offset"]) == (413, "4")
    assert "The 4 bytes that arrived of this one are kept: finish it here." in (
        full.json()["message"].replace("\xa0", " ")
    )
