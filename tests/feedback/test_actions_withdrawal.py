"""An answer taken back or deleted: claims end, nothing typed is lost, grades stay as facts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import answers, gold, queue, reports, reviews, withdrawal
from feedback.actions.calibration import calibrate_round_kind
from feedback.models import (
    Evidence,
    GraderMeasure,
    LedgerEntry,
    QueueEntry,
    Report,
    Review,
    Standing,
)
from feedback.queries.queue import offered
from feedback.queries.ratings import ratings_of
from feedback.telling import WORDS
from loops.actions import recordings
from loops.actions.events import record
from loops.models import Artifact, Attempt, Cohort, Event, Loop, Notice, Recording, User
from tests import factories
from tests.factories import LEASE, NOW

As = Callable[[User], Client]

LATER = NOW + timedelta(minutes=10)
EVEN_LATER = NOW + timedelta(days=3)

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_(client: Client) -> As:
    """Sign somebody in."""

    def signed_in(user: User) -> Client:
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer with notes, which waits for its graders."""
    made = factories.answer(candidate, cohort)
    factories.artifact(made, "the words of the candidate")
    return made


def test_taking_back_voids_the_claim_tells_its_grader_and_pays(
    answer: Attempt, candidate: User, peer: User
) -> None:
    review = queue.claim(by=peer, at=NOW)
    draft = reviews.Draft(summary="Asked who is hurt.")
    reviews.save_draft(review=review, draft=draft, version=0, by=peer, at=NOW)

    withdrawal.withdraw(attempt=answer, by=candidate, at=LATER)

    review.refresh_from_db()
    assert (review.state, review.summary) == ("void", "Asked who is hurt.")
    told = Notice.objects.get(person=peer, kind="claim_voided")
    assert told.data["is_paid"] is True
    paid = LedgerEntry.objects.get(review=review)
    assert (paid.reason, paid.earner, paid.giver) == ("voided", peer, candidate)
    assert Standing.objects.get(member=peer).credit == 1
    assert Standing.objects.get(member=candidate).credit == -1


def test_taking_back_twice_pays_once(answer: Attempt, candidate: User, peer: User) -> None:
    queue.claim(by=peer, at=NOW)

    for _n in range(2):
        withdrawal.withdraw(attempt=answer, by=candidate, at=LATER)

    assert Standing.objects.get(member=peer).given == 1
    assert Notice.objects.filter(kind="claim_voided").count() == 1
    assert Event.objects.filter(verb="taken_back").count() == 1


def test_what_was_taken_back_is_offered_to_nobody(
    answer: Attempt, candidate: User, second_peer: User
) -> None:
    assert [item.attempt for item in offered(second_peer, NOW).items] == [answer.pk]

    withdrawal.withdraw(attempt=answer, by=candidate, at=LATER)

    assert offered(second_peer, EVEN_LATER).items == []
    assert QueueEntry.objects.get(attempt=answer).is_open is False


def test_a_draft_under_way_is_kept_and_its_writer_is_told_why(
    answer: Attempt, candidate: User, peer: User
) -> None:
    review = queue.claim(by=peer, at=NOW)
    withdrawal.withdraw(attempt=answer, by=candidate, at=LATER)

    draft = reviews.Draft(summary="Typed while it went.")
    with pytest.raises(queue.AttemptGone) as gone:
        reviews.save_draft(review=review, draft=draft, version=0, by=peer, at=LATER)
    review.refresh_from_db()
    assert review.summary == "Typed while it went."
    assert gone.value.draft_version == review.draft_version > 0
    with pytest.raises(queue.AttemptGone):
        reviews.submit(
            review=review,
            draft=reviews.Draft(summary="And more."),
            version=review.draft_version,
            by=peer,
            at=LATER,
        )
    review.refresh_from_db()
    assert (review.state, review.summary) == ("void", "And more.")


def test_the_recording_is_erased_from_the_storage(
    candidate: User, cohort: Cohort, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    made = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    recording = factories.recording(made, b"some bytes")

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        withdrawal.withdraw(attempt=made, by=candidate, at=LATER)

    recording.refresh_from_db()
    assert recording.state == Recording.State.ERASED
    assert not recording.tracks.filter(renditions__isnull=False).exists()


def test_grades_stay_as_facts_and_move_nobodys_severity(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    answers = [factories.answer(candidate, cohort) for _n in range(4)]
    for number, one in enumerate(answers):
        factories.submitted_review(one, peer, rank=1 + number % 2)
        factories.submitted_review(one, second_peer, rank=2)
        factories.open_reviews(one)
    kind = answers[0].rubric_version.round_kind
    before = ratings_of(kind, EVEN_LATER)
    first = calibrate_round_kind(round_kind=kind, at=EVEN_LATER)
    severities = dict(
        GraderMeasure.objects.filter(snapshot=first).values_list("grader", "severity_levels")
    )

    withdrawal.withdraw(attempt=answers[0], by=candidate, at=LATER)
    withdrawal.delete(attempt=answers[1], by=candidate, at=LATER)

    after = ratings_of(kind, EVEN_LATER)
    assert after.digest == before.digest
    again = calibrate_round_kind(round_kind=kind, at=EVEN_LATER + timedelta(days=1))
    now = GraderMeasure.objects.filter(snapshot=again).values_list("grader", "severity_levels")
    for grader, severity in now:
        assert severity == pytest.approx(severities[grader], abs=1e-9)


def test_a_deleted_answer_is_nobodys(answer: Attempt, candidate: User, peer: User) -> None:
    review = factories.submitted_review(answer, peer)
    Evidence.objects.filter(review=review).update(quote="the words of the candidate")

    withdrawal.delete(attempt=answer, by=candidate, at=LATER)

    answer.refresh_from_db()
    assert answer.deleted_at == LATER
    assert answer.round.loop.member == User.objects.nobody()
    assert answer.round.loop.cohort == review.attempt.round.loop.cohort
    assert answer.round.round_kind == review.attempt.round.round_kind
    assert (answer.predicted_rank, answer.energy) == (None, None)
    assert not Artifact.objects.filter(attempt=answer).exists()
    assert set(Evidence.objects.values_list("quote", flat=True)) == {"…"}
    assert not Attempt.objects.of(candidate).exists()
    assert QueueEntry.objects.get(attempt=answer).candidate == User.objects.nobody()
    assert not Event.objects.filter(subject_id=answer.pk, actor_id=candidate.pk).filter(
        subject="loops.attempt"
    )
    assert Review.objects.in_results().filter(attempt=answer).exists(), "a fact"


def test_nothing_that_is_written_down_leads_from_a_deleted_answer_to_its_candidate(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    answer = factories.answer(candidate, cohort)
    reported = factories.review(answer, peer)
    reports.report(review=reported, kind="unusable", by=peer, at=NOW, note="No sound")
    reports.contest(attempt=answer, by=candidate, at=NOW, because="It plays on my machine.")
    review = factories.submitted_review(answer, second_peer)
    factories.open_reviews(answer)
    gold.offer(attempt=answer, by=candidate, at=LATER)
    answers.ask(review=review, text="Why?", at_ms=None, by=candidate, at=LATER)
    follow_up = answers.ask_follow_up(review=review, text="And?", by=second_peer, at=LATER)
    put_away = answers.begin_take(follow_up=follow_up, by=candidate, at=LATER)
    recordings.withdraw_draft(attempt=put_away, by=candidate, at=LATER)
    follow_up.refresh_from_db()
    last = answers.begin_take(follow_up=follow_up, by=candidate, at=LATER)
    answers.decline(follow_up=follow_up, by=candidate, at=LATER)
    made = factories.grade_appeal(answer)
    record("appealed", made, by=candidate, at=LATER)
    record("taken", made, by=peer, at=LATER)
    elsewhere = factories.answer(candidate, cohort)
    record("submitted", elsewhere, by=candidate, at=LATER)

    withdrawal.delete(attempt=answer, by=candidate, at=LATER)

    assert Report.objects.get().contested_because == ""
    signed = Event.objects.filter(actor_id=candidate.pk)
    assert [(one.verb, one.subject, one.subject_id) for one in signed] == [
        ("submitted", "loops.attempt", elsewhere.pk)
    ]
    for take in (put_away, last):
        take.refresh_from_db()
        assert take.round.loop.member == User.objects.nobody()
        assert take.deleted_at == LATER
    by_others = Event.objects.filter(actor_id__isnull=False).values_list("verb", flat=True)
    assert {"reported", "taken", "asked"} <= set(by_others)


def test_two_deleted_answers_lie_in_one_round_of_nobodys(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer):
        one = factories.answer(person, cohort)
        withdrawal.delete(attempt=one, by=person, at=LATER)
        withdrawal.delete(attempt=one, by=person, at=LATER)

    of_nobody = Loop.objects.get(member=User.objects.nobody())
    assert list(of_nobody.rounds.get().attempts.values_list("number", flat=True)) == [1, 2]


def test_nobody_cannot_sign_in_and_is_in_no_cohort() -> None:
    nobody = User.objects.nobody()

    assert not nobody.is_active
    assert not nobody.has_usable_password()
    assert not nobody.memberships.exists()
    assert User.objects.nobody() == nobody


# The page


def page_of(attempt: Attempt) -> str:
    return reverse("feedback:withdraw", args=[attempt.public_id])


def test_the_page_says_what_is_at_stake(
    as_: As, answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    factories.review(answer, peer, claimed_at=timezone.now())
    factories.submitted_review(answer, second_peer)

    page = as_(candidate).get(page_of(answer)).text

    assert "One grader has it in hand" in page
    assert "One review is in." in page
    assert "erased from every storage" in page
    assert peer.handle not in page


def test_the_page_counts_what_the_candidate_then_pays(
    as_: As, answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    organiser, *graders = [factories.person() for _ in range(5)]
    running = {"lease_until": timezone.now() + timedelta(minutes=30)}
    factories.review(answer, peer, **running)
    factories.review(answer, second_peer, purpose=Review.Purpose.APPEAL, **running)
    for grader, purpose in ((organiser, "gold"), (graders[0], "expert")):
        factories.review(answer, grader, purpose=purpose, **running)
    factories.review(answer, graders[1], state="draft", drafted_at=NOW)
    factories.review(answer, graders[2], state="expired", drafted_at=NOW)
    factories.review(answer, graders[3], is_live=True, **running)

    page = as_(candidate).get(page_of(answer)).text
    as_(candidate).post(page_of(answer), {"what": "withdraw"})

    assert "2 graders have it in hand" in page
    assert Standing.objects.get(member=candidate).taken == 2
    assert set(LedgerEntry.objects.values_list("earner", flat=True)) == {
        one.pk for one in (peer, second_peer, organiser, graders[0])
    }


def test_where_nothing_is_to_pay_the_page_says_so(
    as_: As, answer: Attempt, candidate: User, peer: User
) -> None:
    factories.review(answer, peer, state="draft", drafted_at=NOW)

    assert "It costs you no credit" in as_(candidate).get(page_of(answer)).text


def test_deleting_asks_twice(as_: As, answer: Attempt, candidate: User) -> None:
    client = as_(candidate)

    assert client.post(page_of(answer), {"what": "delete"}).status_code == 422
    assert client.post(page_of(answer), {}).status_code == 422
    answer.refresh_from_db()
    assert answer.is_submitted

    done = client.post(page_of(answer), {"what": "delete", "sure": "on"})
    assert done.status_code == 302
    assert client.get(page_of(answer)).status_code == 404
    assert client.get(reverse("feedback:results", args=[answer.public_id])).status_code == 404
    assert client.get(done["Location"]).status_code == 200


def test_an_answer_taken_back_can_still_be_read_and_then_deleted(
    as_: As, answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader)
    client = as_(candidate)

    client.post(page_of(answer), {"what": "withdraw"})

    assert client.get(reverse("feedback:results", args=[answer.public_id])).status_code == 200
    assert "Delete this answer" in client.get(page_of(answer)).text
    client.post(page_of(answer), {"what": "delete", "sure": "on"})
    assert client.get(page_of(answer)).status_code == 404


def test_the_graders_page_of_a_deleted_answer_is_there_without_the_candidate(
    as_: As, answer: Attempt, candidate: User, peer: User
) -> None:
    review = factories.submitted_review(answer, peer)
    withdrawal.delete(attempt=answer, by=candidate, at=LATER)

    page = as_(peer).get(reverse("feedback:review", args=[review.public_id]))

    assert page.status_code == 200
    assert candidate.handle not in page.text
    assert "the words of the candidate" not in page.text


@pytest.mark.parametrize(
    ("cause", "is_running", "words", "ends"),
    [
        ("withdraw", True, "The candidate has withdrawn this answer", "counts as given"),
        ("withdraw", False, "The candidate has withdrawn this answer", "costs nobody a credit"),
        ("erase", True, "The candidate has erased the recording", "counts as given"),
        ("rule", False, "The cohort’s rule has erased the recording", "costs nobody a credit"),
    ],
)
def test_whose_review_ended_reads_why_and_whether_it_counts(
    as_: As, answer: Attempt, peer: User, *, cause: str, is_running: bool, words: str, ends: str
) -> None:
    candidate, now = answer.round.loop.member, timezone.now()
    review = factories.review(
        answer, peer, state="draft", drafted_at=NOW, lease_until=now + LEASE if is_running else NOW
    )
    if cause == "withdraw":
        withdrawal.withdraw(attempt=answer, by=candidate, at=now)
    else:
        facts = {"by": None, "rule_days": 90} if cause == "rule" else {"by": candidate}
        recordings.erase(recording=answer.recordings.get(), at=now, **facts)

    page = " ".join(as_(peer).get(reverse("feedback:review", args=[review.public_id])).text.split())
    told = Notice.objects.get(person=peer, kind="claim_voided")

    assert words in page
    assert ends in page
    said = " ".join(str(one) for one in WORDS[Notice.Kind.CLAIM_VOIDED](told).happened)
    assert ("took it back" if cause == "withdraw" else "recording was erased") in said
    assert ("You are credited" in said) is is_running


def test_who_was_sent_away_by_a_report_is_told_so(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    factories.review(answer, second_peer, state="draft", drafted_at=NOW)
    reports.report(review=factories.review(answer, peer), kind="unusable", by=peer, at=NOW)

    told = Notice.objects.get(person=second_peer, kind="claim_voided")

    assert (
        "Another grader reported that it cannot be graded."
        in WORDS[Notice.Kind.CLAIM_VOIDED](told).happened
    )
