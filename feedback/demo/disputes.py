"""Where the demo's people differ: a result that is appealed and answered, a split in debrief."""

from collections.abc import Callable
from datetime import datetime, timedelta

from feedback.actions import appeals, debriefs
from feedback.demo.cast import id_of
from feedback.models import GradeAppeal, Review
from loops.models import Attempt, User

Grade = Callable[[Review, str, str, datetime], None]
"""Has a review of an answer, by its key, marked and handed in by a grader, begun at an instant."""

APPEALED, HANDLER = "mara/xfn/put_right", "priya"
START_MS, END_MS = 165_000, 192_000
MADE, TAKEN, ANSWERED = timedelta(days=6), timedelta(days=5, hours=4), timedelta(days=5, hours=3)
TEXT = (
    "Both reviews mark escalation up to 2:45, where the decision goes against us, and stop there. "
    "From 2:50 on I say what we did on the Monday after: we built what was decided, and I told my "
    "own people why. I think that is the half of the row that says commitment."
)
ANSWER = (
    "I read it without knowing this, and marked that very stretch: you lost, and you can say what "
    "was done on the Monday after. So I give escalation one level more than the other two; the way "
    "up, before it, I heard as they did. On the other rows we agree."
)

SPLIT = "eilidh/deep_dive/two_changes"
TALK = (
    (
        "adaeze",
        timedelta(days=10),
        "On reflection we lie two levels apart, and I am between you. I heard one thing that she "
        "would do otherwise, with its reason. Where did you hear more, and where less?",
    ),
    (
        "yusuf",
        timedelta(days=9, hours=6),
        "I heard two, but the second came as an answer to the interviewer, in his words. Without "
        "it, it is one change and no second look at the first. I go down by one.",
    ),
)
MOVED = {"reflection": 2}
REVISED = timedelta(days=9, hours=5)


def dispute(
    attempts: dict[str, Attempt], people: dict[str, User], now: datetime, grade: Grade
) -> None:
    """Have mara appeal a result, which priya reads anew and answers; and two graders debrief."""
    _appeal(attempts[APPEALED], people, now, grade)
    _debrief(attempts[SPLIT], people, now)


def _appeal(attempt: Attempt, people: dict[str, User], now: datetime, grade: Grade) -> None:
    by, handler = people["mara"], people[HANDLER]
    made = appeals.appeal(
        attempt=attempt, text=TEXT, start_ms=START_MS, end_ms=END_MS, by=by, at=now - MADE
    )
    made.public_id = id_of("appeal", APPEALED)
    made.save(update_fields=["public_id"])
    review = appeals.take(appeal=made, by=handler, at=now - TAKEN)
    review.public_id = id_of("review", APPEALED, HANDLER)
    review.save(update_fields=["public_id"])
    grade(review, APPEALED, HANDLER, now - TAKEN)
    appeals.answer(
        appeal=made,
        outcome=GradeAppeal.Outcome.HIGHER,
        text=ANSWER,
        by=handler,
        at=now - ANSWERED,
    )


def _debrief(attempt: Attempt, people: dict[str, User], now: datetime) -> None:
    for number, (who, ago, text) in enumerate(TALK):
        key = id_of("debrief", SPLIT, "key", number)
        message = debriefs.say(attempt=attempt, key=key, text=text, by=people[who], at=now - ago)
        message.public_id = id_of("debrief", SPLIT, number)
        message.save(update_fields=["public_id"])
    review = Review.objects.select_related("attempt__round__loop", "grader").get(
        attempt=attempt, grader=people["yusuf"]
    )
    ranks = dict(review.ratings.values_list("dimension__key", "rank"))
    debriefs.revise(
        review=review,
        now=debriefs.Now(review.verdict, review.level_given_rank or 0, ranks | MOVED),
        at=now - REVISED,
    )
