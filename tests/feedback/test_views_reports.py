"""Reporting from the grading page, taking it back there, contesting it on the results page."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import reports
from feedback.models import Report, Review
from loops.models import Attempt, Cohort, User
from tests import factories


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer handed in just now."""
    return factories.answer(candidate, cohort, submitted_at=timezone.now())


@pytest.fixture
def held(answer: Attempt, peer: User) -> Review:
    """The peer's review of it."""
    return factories.review(answer, peer, claimed_at=timezone.now())


def address(name: str, review: Review) -> str:
    return reverse(f"feedback:{name}", args=[review.public_id])


def text(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.content.decode())


def reported(review: Review, note: str = "No sound from 2:10 on") -> Report:
    return reports.report(
        review=review, kind="unusable", note=note, by=review.grader, at=timezone.now()
    )


# From the grading page


def test_a_report_keeps_what_was_typed_and_leads_back_to_the_queue(
    client: Client, held: Review, peer: User
) -> None:
    page = text(client, peer, address("review", held))
    assert "Recording unusable" in page
    assert "Misled by the interviewer" not in page

    response = client.post(
        address("report", held),
        {
            "version": 0,
            "summary": "As far as I heard",
            "report-kind": "unusable",
            "report-note": "No sound\r\nat all",
        },
        follow=True,
    )

    held.refresh_from_db()
    told = unescape(response.content.decode())
    assert response.redirect_chain[-1][0] == reverse("feedback:queue")
    assert (held.state, held.summary) == ("void", "As far as I heard")
    assert held.report.note == "No sound\nat all"
    assert "Reported, thank you. It costs nobody a credit" in told
    assert "You reported that it cannot be graded." in told


def test_a_report_cannot_overwrite_another_window(client: Client, held: Review, peer: User) -> None:
    Review.objects.filter(pk=held.pk).update(draft_version=3, summary="Of another window")
    client.force_login(peer)

    response = client.post(
        address("report", held), {"version": 1, "summary": "Mine", "report-kind": "unusable"}
    )

    assert response.status_code == 409
    assert "Mine" in response.content.decode()
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"report-kind": "unusable", "report-note": "x" * 501}, "at most 500 characters"),
        ({"report-kind": "dull"}, "Nothing was reported"),
        ({}, "Nothing was reported"),
        ({"report-kind": "misled"}, "no interviewer could mislead anybody"),
    ],
)
def test_what_is_no_report_reports_nothing(
    client: Client, held: Review, peer: User, sent: dict[str, str], words: str
) -> None:
    client.force_login(peer)

    response = client.post(address("report", held), sent, follow=True)

    assert words in unescape(response.content.decode())
    assert not Report.objects.exists()


def test_of_a_mock_it_may_be_the_interviewer(
    client: Client, answer: Attempt, held: Review, peer: User
) -> None:
    Attempt.objects.filter(pk=answer.pk).update(kind=Attempt.Kind.LIVE)
    assert "Misled by the interviewer" in text(client, peer, address("review", held))

    client.post(address("report", held), {"report-kind": "misled"})

    assert held.report.kind == "misled"
    page = text(client, peer, address("review", held))
    assert "You reported that the interviewer misled the candidate." in page


def test_the_grader_reads_how_it_stands_and_takes_it_back(
    client: Client, held: Review, peer: User
) -> None:
    reported(held)
    page = text(client, peer, address("review", held))
    assert "You reported that the recording is unusable." in page
    assert "You wrote: “No sound from 2:10 on”" in page
    assert "withdrawn this answer" not in page

    response = client.post(address("report_undo", held), follow=True)

    held.refresh_from_db()
    assert held.is_open
    assert "Your review is open again." in unescape(response.content.decode())


def test_once_contested_the_grader_reads_why_and_cannot_take_it_back(
    client: Client, answer: Attempt, candidate: User, held: Review, peer: User
) -> None:
    reported(held)
    reports.contest(attempt=answer, by=candidate, at=timezone.now(), because="It plays here.")

    page = text(client, peer, address("review", held))
    assert "They write: “It plays here.”" in page
    assert address("report_undo", held) not in page

    response = client.post(address("report_undo", held), follow=True)
    assert "it is with other graders now" in unescape(response.content.decode())


def test_whose_claim_ended_by_it_is_told_why(
    client: Client, answer: Attempt, held: Review, second_peer: User
) -> None:
    other = factories.review(answer, second_peer, claimed_at=timezone.now(), summary="Half")
    reported(held)

    page = text(client, second_peer, address("review", other))

    assert "Another grader reported that this answer cannot be graded" in page
    assert "No sound from 2:10 on" not in page
    assert "counts as given" not in page


# On the results page


def test_the_candidate_reads_it_without_learning_who_and_contests_it_once(
    client: Client, answer: Attempt, candidate: User, held: Review, peer: User
) -> None:
    reported(held)
    results = reverse("feedback:results", args=[answer.public_id])
    page = text(client, candidate, results)
    assert "A grader could not grade this answer" in page
    assert "They write: “No sound from 2:10 on”" in page
    assert peer.handle not in page
    contest = reverse("feedback:report_contest", args=[answer.public_id])
    assert contest in page

    response = client.post(contest, {"contest-because": "It plays here."}, follow=True)

    told = unescape(response.content.decode())
    held.report.refresh_from_db()
    assert held.report.contested_because == "It plays here."
    assert "Your answer is back in the queue" in told
    assert contest not in told


def test_a_contest_that_cannot_be_says_why(
    client: Client, answer: Attempt, candidate: User, held: Review
) -> None:
    contest = reverse("feedback:report_contest", args=[answer.public_id])
    client.force_login(candidate)

    without = client.post(contest, follow=True)
    reported(held)
    too_long = client.post(contest, {"contest-because": "x" * 501}, follow=True)

    assert "No report stands against this answer." in unescape(without.content.decode())
    assert "at most 500 characters" in unescape(too_long.content.decode())
    held.report.refresh_from_db()
    assert held.report.stands


def test_words_of_a_report_are_text(
    client: Client, answer: Attempt, candidate: User, held: Review
) -> None:
    reported(held, note="<b>loud</b>")
    client.force_login(candidate)

    page = client.get(reverse("feedback:results", args=[answer.public_id])).content.decode()

    assert "<b>loud" not in page
    assert "&lt;b&gt;loud" in page
