"""Reports of what cannot be graded: whom they cost nothing, what they end, how they end."""

from datetime import timedelta

import pytest

from feedback.actions import queue, reports, reviews
from feedback.models import LedgerEntry, Report, Review, Standing
from feedback.queries.queue import offered
from feedback.queries.ratings import ratings_of
from feedback.queries.reports import report_for_results, report_for_review
from loops.actions import recordings
from loops.models import Attempt, Cohort, Event, Notice, User
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def held(answer: Attempt, peer: User) -> Review:
    """The peer's review of it, with something written."""
    return factories.review(answer, peer, state="draft", drafted_at=NOW, summary="The sound stops")


def reported(review: Review, kind: str = "unusable", note: str = "No sound") -> Report:
    return reports.report(review=review, kind=kind, note=note, by=review.grader, at=LATER)


def offers(user: User) -> list[int]:
    return [item.attempt for item in offered(user, LATER).items]


# Reporting


def test_the_review_ends_the_answer_leaves_the_queue_and_nobody_pays(
    answer: Attempt, held: Review, second_peer: User
) -> None:
    made = reported(held)

    held.refresh_from_db()
    entry = answer.queue_entry
    assert (held.state, held.summary) == ("void", "The sound stops")
    assert (made.stands, made.kind, made.note) == (True, "unusable", "No sound")
    assert (entry.exclusion, entry.is_open, entry.granted) == ("unusable", False, 0)
    assert offers(second_peer) == []
    assert not LedgerEntry.objects.exists()
    assert not Standing.objects.exists()


def test_the_candidate_is_told_in_the_graders_words(
    answer: Attempt, candidate: User, held: Review, peer: User
) -> None:
    reported(held)

    told = Notice.objects.get()
    assert (told.person, told.kind) == (candidate, Notice.Kind.REPORTED)
    assert told.data == {
        "attempt": str(answer.public_id),
        "round": answer.round.title,
        "report": "unusable",
        "note": "No sound",
    }
    assert peer.handle not in str(told.data)


def test_what_others_hold_of_it_ends_with_their_text_and_unpaid(
    answer: Attempt, held: Review, second_peer: User, candidate: User
) -> None:
    other = factories.review(answer, second_peer, state="draft", drafted_at=NOW, summary="Half")

    reported(held)

    other.refresh_from_db()
    assert (other.state, other.summary) == ("void", "Half")
    told = Notice.objects.get(person=second_peer)
    assert (told.kind, told.data["is_paid"]) == (Notice.Kind.CLAIM_VOIDED, False)
    assert not LedgerEntry.objects.exists()
    assert report_for_review(other).is_closed_by_another


def test_what_is_in_stays_but_is_no_evidence(
    answer: Attempt, held: Review, second_peer: User
) -> None:
    review = factories.submitted_review(answer, second_peer)
    factories.open_reviews(answer)
    kind = answer.rubric_version.round_kind
    at = NOW + timedelta(days=3)
    before = ratings_of(kind, at).reviews

    reported(held)

    review.refresh_from_db()
    assert review.is_submitted
    assert (before, ratings_of(kind, at).reviews) == (1, 0)


def test_twice_is_once(held: Review) -> None:
    first = reported(held)

    assert reported(held).pk == first.pk
    assert Event.objects.filter(verb="reported").count() == 1
    assert Notice.objects.count() == 1


def test_a_closed_review_reports_nothing(answer: Attempt, peer: User) -> None:
    review = factories.submitted_review(answer, peer)

    with pytest.raises(queue.ReviewClosed):
        reported(review)


def test_only_an_interviewer_misleads(held: Review) -> None:
    with pytest.raises(reports.NobodyMisled):
        reported(held, kind="misled")

    held.refresh_from_db()
    assert held.is_open
    assert report_for_review(held).kinds == ["unusable"]


def test_of_a_mock_the_other_grader_reports_and_the_interviewer_does_not(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    answer = factories.answer(candidate, cohort, kind="xfn")
    Attempt.objects.filter(pk=answer.pk).update(kind=Attempt.Kind.LIVE)
    live = factories.review(answer, second_peer, is_live=True)
    blind = factories.review(answer, peer)

    with pytest.raises(reports.NotToReport):
        reported(live)
    blind.refresh_from_db()
    assert report_for_review(blind).kinds == ["unusable", "misled"]
    reported(blind, kind="misled")

    live.refresh_from_db()
    assert live.is_open
    assert answer.queue_entry.exclusion == "misled"


@pytest.mark.parametrize("purpose", ["appeal", "expert"])
def test_who_was_asked_by_name_puts_it_back_instead(
    answer: Attempt, peer: User, purpose: str
) -> None:
    review = factories.review(answer, peer, purpose=purpose)

    assert report_for_review(review).kinds == []
    with pytest.raises(reports.NotToReport):
        reported(review)


def test_for_blind_calibration_the_grader_is_answered_and_nothing_else_happens(
    answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    for grader in (second_peer, organiser):
        factories.submitted_review(answer, grader)
    blind = factories.review(answer, peer, purpose="gold")
    assert report_for_review(blind).kinds == ["unusable"]

    reported(blind)

    blind.refresh_from_db()
    entry = answer.queue_entry
    entry.refresh_from_db()
    assert (blind.state, entry.exclusion, entry.is_open) == ("void", "", True)
    assert not Notice.objects.exists()
    assert report_for_results(answer) is None
    assert report_for_review(blind).may_take_back


def test_a_report_comes_too_late_where_others_had_no_trouble(
    answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    lapsed = factories.review(answer, peer, state="expired", drafted_at=NOW)
    for grader in (second_peer, organiser):
        factories.submitted_review(answer, grader)

    with pytest.raises(reports.NotNeeded):
        reported(lapsed)

    assert answer.queue_entry.exclusion == ""


# Taking it back


def test_taken_back_the_review_is_open_again_with_its_text(
    answer: Attempt, candidate: User, held: Review, peer: User
) -> None:
    reported(held)

    reports.take_back(review=held, by=peer, at=LATER)

    held.refresh_from_db()
    answer.queue_entry.refresh_from_db()
    told = Notice.objects.get(person=candidate)
    assert (held.state, held.summary, held.lease_until) == (
        "draft",
        "The sound stops",
        LATER + queue.LEASE,
    )
    assert (answer.queue_entry.exclusion, answer.queue_entry.granted) == ("", 1)
    assert (told.withdrawn_at, told.mail_state) == (LATER, Notice.Mail.SKIPPED)
    saved = reviews.save_draft(
        review=held, draft=reviews.Draft(summary="On"), version=0, by=peer, at=LATER
    )
    assert saved.summary == "On"


def test_who_was_sent_away_may_take_it_again_with_their_text(
    answer: Attempt, held: Review, peer: User, second_peer: User
) -> None:
    factories.review(answer, second_peer, state="draft", drafted_at=NOW, summary="Half")
    reported(held)

    reports.take_back(review=held, by=peer, at=LATER)

    again = queue.claim(by=second_peer, at=LATER)
    assert (again.attempt, again.summary) == (answer, "Half")
    assert not LedgerEntry.objects.exists()


def test_taking_back_twice_is_once_and_it_may_be_reported_again(
    candidate: User, held: Review, peer: User
) -> None:
    reported(held)
    reports.take_back(review=held, by=peer, at=LATER)
    reports.take_back(review=held, by=peer, at=LATER)
    assert Event.objects.filter(verb="report_taken_back").count() == 1

    again = reports.report(
        review=held, kind="unusable", by=peer, at=LATER + timedelta(minutes=1), note="Still"
    )

    assert again.stands
    assert Report.objects.count() == 1
    told = Notice.objects.filter(person=candidate, withdrawn_at=None)
    assert [notice.data["note"] for notice in told] == ["Still"]


def test_once_contested_it_is_not_taken_back(
    answer: Attempt, candidate: User, held: Review, peer: User
) -> None:
    reported(held)
    reports.contest(attempt=answer, by=candidate, at=LATER)

    with pytest.raises(reports.Answered):
        reports.take_back(review=held, by=peer, at=LATER)

    held.refresh_from_db()
    assert held.state == "void"


def test_of_an_answer_that_is_gone_nothing_opens_again(
    answer: Attempt, held: Review, peer: User
) -> None:
    reported(held)
    Attempt.objects.filter(pk=answer.pk).update(state=Attempt.State.WITHDRAWN)
    held.refresh_from_db()

    with pytest.raises(reports.NothingToPlay):
        reports.take_back(review=held, by=peer, at=LATER)


def test_without_a_report_there_is_none_to_take_back(held: Review, peer: User) -> None:
    with pytest.raises(reports.NothingStands):
        reports.take_back(review=held, by=peer, at=LATER)


# Contesting it


def test_contested_it_is_offered_to_others_than_the_reporter(
    answer: Attempt, candidate: User, held: Review, peer: User, second_peer: User
) -> None:
    reported(held)

    made = reports.contest(attempt=answer, by=candidate, at=LATER, because="It plays here.")

    entry = answer.queue_entry
    entry.refresh_from_db()
    assert (made.stands, made.contested_because) == (False, "It plays here.")
    assert (entry.exclusion, entry.is_open, entry.since) == ("", True, NOW)
    assert offers(peer) == []
    assert offers(second_peer) == [answer.pk]
    assert report_for_results(answer) is None


def test_contesting_twice_is_once(answer: Attempt, candidate: User, held: Review) -> None:
    reported(held)

    first = reports.contest(attempt=answer, by=candidate, at=LATER, because="It plays here.")
    again = reports.contest(attempt=answer, by=candidate, at=LATER, because="Other words")

    assert (again.pk, again.contested_because) == (first.pk, "It plays here.")
    assert Event.objects.filter(verb="contested").count() == 1


def test_another_grader_may_report_it_again_and_that_is_contested_by_itself(
    answer: Attempt, candidate: User, held: Review, second_peer: User
) -> None:
    reported(held)
    reports.contest(attempt=answer, by=candidate, at=LATER)
    other = queue.claim(by=second_peer, at=LATER)
    reported(other, note="Nor for me")

    answer.queue_entry.refresh_from_db()
    assert answer.queue_entry.exclusion == "unusable"
    standing = report_for_results(answer)
    assert standing
    assert standing.note == "Nor for me"
    reports.contest(attempt=answer, by=candidate, at=LATER)

    answer.queue_entry.refresh_from_db()
    held.refresh_from_db()
    assert answer.queue_entry.is_open
    assert held.state == "void"


def test_who_took_a_report_back_is_sent_away_by_another_and_goes_on_once_that_is_contested(
    answer: Attempt, candidate: User, held: Review, peer: User, second_peer: User
) -> None:
    reported(held)
    reports.take_back(review=held, by=peer, at=LATER)
    reported(factories.review(answer, second_peer), note="Nor for me")
    held.refresh_from_db()
    assert held.state == "void"

    reports.contest(attempt=answer, by=candidate, at=LATER)

    again = queue.claim(by=peer, at=LATER)
    assert (again.pk, again.state, again.summary) == (held.pk, "draft", "The sound stops")


@pytest.mark.parametrize("ended_by", ["contest", "take_back"])
def test_who_is_still_writing_goes_on_with_the_next_word(
    answer: Attempt, candidate: User, held: Review, second_peer: User, *, ended_by: str
) -> None:
    lease_until = LATER + timedelta(minutes=30)
    other = factories.review(answer, second_peer, lease_until=lease_until)
    reported(held)

    if ended_by == "contest":
        reports.contest(attempt=answer, by=candidate, at=LATER)
    else:
        reports.take_back(review=held, by=held.grader, at=LATER)

    other.refresh_from_db()
    assert (other.state, other.lease_until, other.is_lapsed(LATER)) == ("expired", LATER, True)
    saved = reviews.save_draft(
        review=other, draft=reviews.Draft(summary="On"), version=0, by=second_peer, at=LATER
    )
    assert (saved.state, saved.summary, saved.lease_until) == ("draft", "On", LATER + queue.LEASE)


def test_whose_place_went_to_others_meanwhile_goes_on_without_one(
    answer: Attempt, held: Review, second_peer: User, organiser: User, cohort: Cohort
) -> None:
    other = factories.review(answer, second_peer, state="draft", drafted_at=NOW, summary="Half")
    reported(held)
    reports.contest(attempt=answer, by=answer.round.loop.member, at=LATER)
    fourth = factories.person()
    factories.join(cohort, fourth)
    for grader in (organiser, fourth):
        queue.claim(by=grader, at=LATER)

    saved = reviews.save_draft(
        review=other, draft=reviews.Draft(summary="Whole"), version=0, by=second_peer, at=LATER
    )

    assert (saved.state, saved.summary) == ("expired", "Whole")


def test_there_must_be_a_report_and_something_to_play(
    answer: Attempt, candidate: User, held: Review
) -> None:
    with pytest.raises(reports.NothingStands):
        reports.contest(attempt=answer, by=candidate, at=LATER)
    reported(held)
    recordings.erase(recording=answer.recordings.get(), by=candidate, at=LATER)

    with pytest.raises(reports.NothingToPlay):
        reports.contest(attempt=answer, by=candidate, at=LATER)
