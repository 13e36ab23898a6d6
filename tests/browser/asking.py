"""Questions and why-chains at every point: asked, answered, begun, too long, sent, declined."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from feedback.models import FollowUp, Review
from loops.models import Attempt, Membership
from tests import factories

if TYPE_CHECKING:
    from tests.browser.world import World

KINDS = {
    "waiting": "coding",
    "ready": "sd_classic",
    "long": "sd_ambiguous",
    "making": "xfn",
    "broken off": "ic_leadership",
    "sent": "deep_dive",
    "declined": "coding",
    "begun": "sd_classic",
}
"""Of each follow-up the round that it is in."""
LONG_HANDLE = "one-who-asks-by-the-longest-handle-417"
WHY = "You write that the cost came late. I named it at 0:40, before the second option. Why L5?"
BECAUSE = (
    "You named a price, and nobody who pays it. At L6 I hear who gives something up, and that they "
    "know of it.\n\nHad you asked the interviewer whose budget it is, I would have gone up."
)
FOLLOW_UP = (
    "You would trace one customer by hand first. What would that have to show for you to drop the "
    "whole plan, and who would you tell?"
)


def lay(world: "World", now: datetime, film: bytes) -> None:
    """Let rosa's answers be asked about by nils, whose handle is long, and by one who left."""
    for name, handle in {"rosa": "rosa-417", "nils": LONG_HANDLE, "gone": "gone-417"}.items():
        world.people[name] = factories.person(handle, name=name.title())
    rosa, nils, gone = (world.people[name] for name in ("rosa", "nils", "gone"))
    cohort = factories.cohort(rosa, nils, gone, name="Those who ask")
    loop = factories.loop(rosa, cohort, kinds=[*KINDS.values()])
    yesterday = now - timedelta(days=1)

    def link(name: str) -> FollowUp:
        """Have an answer graded, opened and asked about."""
        round_ = loop.rounds.get(position=1 + [*KINDS].index(name))
        answer = factories.attempt(round_, submitted_at=yesterday, started_at=yesterday)
        factories.recording(answer, film, started_at=yesterday)
        for grader in (nils, gone):
            factories.submitted_review(answer, grader, claimed_at=yesterday, submitted_at=yesterday)
        factories.open_reviews(answer, at=yesterday)
        review = answer.reviews.get(grader=nils)
        made = factories.follow_up(review, FOLLOW_UP, asked_at=yesterday)
        world.ids[f"{name} follow-up"] = {"follow_up_id": made.public_id}
        world.ids[f"{name} review"] = {"review_id": review.public_id}
        world.ids[f"{name} result"] = {"attempt_id": answer.public_id}
        return made

    def take(name: str, **facts: Any) -> None:
        """Begin the take of a link, and record it so."""
        begun = factories.take(
            link(name), state=Attempt.State.DRAFT, seconds=0, started_at=yesterday
        )
        if facts:
            facts = {"state_at": now, "started_at": now, **facts}
            recording = factories.recording(begun, film, **facts)
            factories.upload(recording, film, touched_at=now - timedelta(hours=1))
        world.ids[f"{name} take"] = {"attempt_id": begun.public_id}

    waiting = link("waiting").review
    question = factories.question(waiting, WHY, at_ms=40_000, asked_at=yesterday)
    question.answer, question.answered_at = BECAUSE, now
    question.save()
    factories.question(waiting, "Where did you hear the bound?", at_ms=75_000, asked_at=now)
    factories.question(waiting, "What one thing next time?", at_ms=None, asked_at=now)
    take("ready")
    factories.recording(
        Attempt.objects.get(public_id=world.ids["ready take"]["attempt_id"]),
        film,
        state_at=now,
        started_at=now,
        duration_ms=84_000,
    )
    take("long")
    factories.recording(
        Attempt.objects.get(public_id=world.ids["long take"]["attempt_id"]),
        film,
        state_at=now,
        started_at=now,
        duration_ms=112_000,
    )
    take("making", state="uploaded", duration_ms=None)
    take("broken off", state="recording", duration_ms=None)
    take("begun")
    _sent(link("sent"), film, now)
    declined = link("declined")
    declined.declined_at = now
    declined.save()
    Membership.objects.filter(user=gone).delete()


def _sent(first: FollowUp, film: bytes, now: datetime) -> None:
    """Send two links; a third one waits."""
    review: Review = first.review
    second = factories.follow_up(review, "And if they refuse?", asked_at=now - timedelta(hours=9))
    for one in (first, second):
        take = factories.take(one, seconds=0, submitted_at=now - timedelta(hours=8))
        factories.recording(take, film, duration_ms=84_000, started_at=now - timedelta(hours=8))
    factories.follow_up(review, "Who tells them, then?", asked_at=now - timedelta(hours=1))
