"""A result is appealed, taken by one of two, lost, taken by the other, answered and read."""

import pytest

from feedback.models import GradeAppeal, Rating, Review, Standing
from feedback.tasks import sweep
from loops.models import Cohort, Notice, User
from tests import factories
from tests.journeys.days import Days, told

WHY = (
    "At 2:30 I name who is hurt, and leave the rest out on purpose. Both reviews say that I drew "
    "before the problem had a bound, and mark the minute before."
)
ANSWER = "At 2:30 you do name who is hurt; I give discovery one level more than they did."


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    """The clock stands now."""
    return Days(monkeypatch)


@pytest.mark.django_db
def test_an_appeal_from_the_result_to_its_answer(
    days: Days, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    ines, bram = factories.person("ines-107"), factories.person("bram-108")
    attempt = days.hands_in(candidate, cohort)
    for grader in (peer, second_peer):
        days.takes_and_grades(grader, attempt, rank=1)
    for person in (ines, bram):
        factories.join(cohort, person)
    first = list(Rating.objects.order_by("pk").values_list("pk", "rank"))

    # The candidate reads, and asks for another reader.
    before = days.reads(candidate, "feedback:results", attempt.public_id)
    assert "Ask for another reader" not in before
    assert "Ask for another reader" in days.opens(attempt)
    days.reads(candidate, "feedback:appeal", attempt.public_id)
    sent = days.does(
        candidate, "feedback:appeal", attempt.public_id, start="2:30", end="4:30", text=WHY
    )
    assert "Waits for a reader who has not seen this answer" in sent
    assert told(Notice.Kind.GRADE_APPEAL) == ["bram-108", "ines-107"]
    made = GradeAppeal.objects.get()

    # Ines takes it; Bram cannot, until her lease has run out.
    listed = days.reads(ines, "feedback:queue")
    assert "with a careful look at 2:30–4:30" in listed
    assert "leave the rest out" not in listed
    scorecard = days.does(ines, "feedback:appeal_take", made.public_id)
    assert "asks for a careful look at" in scorecard
    assert "A reader has it in hand" in days.reads(candidate, "feedback:results", attempt.public_id)
    theirs = Review.objects.get(grader=ines)
    days.does(
        ines,
        "feedback:review_draft",
        theirs.public_id,
        version=str(theirs.draft_version),
        summary="So far: asks who is hurt.",
    )
    days.wait(minutes=30)
    refused = days.does(bram, "feedback:appeal_take", made.public_id)
    assert "Somebody else has this appeal in hand" in refused
    days.wait(minutes=50)
    sweep()
    assert "Take it" in days.reads(bram, "feedback:appeal_handle", made.public_id)
    days.does(bram, "feedback:appeal_take", made.public_id)
    lost = days.reads(ines, "feedback:appeal_handle", made.public_id)
    assert "Somebody has it in hand" in lost
    assert "So far: asks who is hurt." in days.reads(ines, "feedback:review", theirs.public_id)

    # Bram grades blindly, then reads, then answers. Ines's late review counts, and answers nothing.
    his = Review.objects.get(grader=bram)
    blind = days.reads(bram, "feedback:appeal_handle", made.public_id)
    assert "leave the rest out" not in blind
    assert "peer-102" not in blind
    days.grades(his, rank=2)
    days.grades(theirs, rank=1)
    assert "the candidate waits for your answer" in days.reads(bram, "feedback:queue")
    open_ = days.reads(bram, "feedback:appeal_handle", made.public_id)
    assert WHY in open_
    assert "says peer-102" in open_
    days.reads(ines, "feedback:appeal_handle", made.public_id)
    sent = days.does(bram, "feedback:appeal_answer", made.public_id, outcome="higher", text=ANSWER)
    assert "Your answer is sent" in sent
    assert told(Notice.Kind.GRADE_ANSWERED) == ["candidate-101"]

    # The candidate opens the new reviews first; the answer opens with them.
    shut = days.reads(candidate, "feedback:results", attempt.public_id)
    assert ANSWER not in shut
    assert "what they answer opens with it" in shut
    read = days.opens(attempt)
    assert "bram-108: “I read it higher.”" in read
    assert ANSWER in read
    assert "Read your answer anew, because you appealed." in read
    theirs.refresh_from_db()
    assert (theirs.purpose, theirs.is_extra, theirs.is_submitted) == ("peer", True, True)
    kept = Rating.objects.filter(review__grader__in=[peer, second_peer])
    assert list(kept.order_by("pk").values_list("pk", "rank")) == first
    assert Standing.objects.get(member=bram).credit == 1
    assert Standing.objects.get(member=candidate).credit == -4
    over = days.does(
        candidate,
        "feedback:appeal",
        attempt.public_id,
        status=409,
        start="1:00",
        end="2:00",
        text=WHY,
    )
    assert "You have appealed this result before" in over
