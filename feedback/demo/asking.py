"""What is asked after the reviews: a *why?* with its answer, and a follow-up that waits."""

from datetime import datetime, timedelta

from feedback.actions import answers
from feedback.models import Review
from loops.models import Attempt, User

ANSWER = "mara/ic_leadership/document_that_mattered"
ASKED, ANSWERED, FOLLOWED = timedelta(days=8), timedelta(days=7, hours=3), timedelta(hours=20)
AT_MS = 88_000
WHY = (
    "You ticked the hero here. There was nobody free that week, and she asked me. What could I "
    "have said that is true and tells you otherwise?"
)
BECAUSE = (
    "That she asked is the point: she offered, and you had it half done. I would have heard the "
    "other thing if you had said what she did next time, without you. You say yourself that you "
    "would have to ask who uses it."
)
FOLLOW_UP = (
    "You say the text stayed as it was. Which of the forty comments came nearest to changing it, "
    "and what would have had to be true for you to give way?"
)


def ask(attempts: dict[str, Attempt], people: dict[str, User], now: datetime) -> None:
    """Have mara ask adaeze why, who answers; and tomas ask mara what she has not answered yet."""
    attempt = attempts[ANSWER]
    by_whom = {review.grader: review for review in Review.objects.filter(attempt=attempt)}
    mara, adaeze, tomas = (people[key] for key in ("mara", "adaeze", "tomas"))
    question = answers.ask(review=by_whom[adaeze], text=WHY, at_ms=AT_MS, by=mara, at=now - ASKED)
    answers.answer(question=question, text=BECAUSE, by=adaeze, at=now - ANSWERED)
    answers.ask_follow_up(review=by_whom[tomas], text=FOLLOW_UP, by=tomas, at=now - FOLLOWED)
