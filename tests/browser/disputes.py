"""A small cohort that differs: results that are appealed and split, at every point of it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from feedback.models import DebriefMessage, GradeAppeal, Review, RevisedRating, Revision
from loops.models import Attempt, User
from tests import factories

if TYPE_CHECKING:
    from tests.browser.world import World

NAMES = ("hana", "soren", "lena", "marek", "ines", "bram")
LONG = "one-who-chose-the-longest-handle-at-417"
THREAD = (
    (
        "soren",
        "At 1:10 I heard her name who is hurt, before anything was drawn. That is L7 for me.",
    ),
    (
        "lena",
        "I heard a list of teams there, and no harm. Which words did you hear it in? I marked the "
        "whole first phase as one.\n\nFrom 3:00 on I am with you.",
    ),
    ("soren", "“They cannot ship on Fridays any more.” But I see that the number is missing."),
)


def lay(world: "World", now: datetime, film: bytes) -> None:
    """Let hana's results be appealed and split; ines and bram have not seen them."""
    for name in NAMES:
        handle = LONG if name == "marek" else f"{name}-417"
        world.people[name] = factories.person(handle, name=name.title(), email=f"{name}@x.example")
    people = {name: world.people[name] for name in NAMES}
    cohort = factories.cohort(*people.values(), name="Those who differ")
    kinds = {
        "appealable": "coding",
        "appealed": "sd_classic",
        "in hand": "sd_ambiguous",
        "read": "xfn",
        "answered": "ic_leadership",
        "split": "deep_dive",
        "debriefed": "coding",
    }
    loop = factories.loop(people["hana"], cohort, kinds=[*kinds.values()])
    yesterday = now - timedelta(days=1)

    def answer(name: str, ranks: dict[str, int]) -> Attempt:
        """Make one that these graders have graded, and its candidate has opened."""
        round_ = loop.rounds.get(position=1 + [*kinds].index(name))
        made = factories.attempt(
            round_, submitted_at=yesterday, started_at=yesterday - timedelta(hours=1)
        )
        factories.recording(made, film, started_at=yesterday)
        for grader, rank in ranks.items():
            factories.submitted_review(
                made, people[grader], rank=rank, claimed_at=yesterday, submitted_at=now
            )
        factories.open_reviews(made)
        world.ids[f"{name} result"] = {"attempt_id": made.public_id}
        return made

    def appealed(name: str, **facts: Any) -> GradeAppeal:
        made = factories.grade_appeal(
            answer(name, {"soren": 1, "lena": 1}),
            made_at=now - timedelta(hours=2),
            start_ms=1_000,
            end_ms=4_000,
            **facts,
        )
        world.ids[f"appeal, {name}"] = {"appeal_id": made.public_id}
        return made

    def taken(made: GradeAppeal, by: User, **facts: Any) -> Review:
        facts = {"purpose": Review.Purpose.APPEAL, "claimed_at": now, **facts}
        make = factories.submitted_review if "rank" in facts else factories.review
        review = make(made.attempt, by, **facts)
        GradeAppeal.objects.filter(pk=made.pk).update(review=review)
        return review

    answer("appealable", {"soren": 1, "lena": 2})
    appealed("appealed")
    review = taken(appealed("in hand"), people["bram"], lease_until=now + timedelta(hours=6))
    world.ids["review of an appeal"] = {"review_id": review.public_id}
    taken(appealed("read"), people["ines"], rank=2, submitted_at=now)
    made = appealed("answered")
    taken(made, people["ines"], rank=2, submitted_at=now)
    factories.open_reviews(made.attempt)
    GradeAppeal.objects.filter(pk=made.pk).update(
        outcome=GradeAppeal.Outcome.HIGHER,
        answer="At 0:02 you do say who is hurt, and by how much. I give discovery one level more; "
        "the rest I read as the others did.",
        answered_at=now,
    )
    answer("split", {"soren": 3, "lena": 1})
    _debriefed(world, answer("debriefed", {"soren": 3, "lena": 1, "marek": 2}), now)


def _debriefed(world: "World", attempt: Attempt, now: datetime) -> None:
    for minutes, (name, text) in enumerate(THREAD):
        DebriefMessage.objects.create(
            attempt=attempt,
            author=world.people[name],
            text=text,
            at=now - timedelta(minutes=40 - minutes),
        )
    review = attempt.reviews.get(grader=world.people["soren"])
    revision = Revision.objects.create(review=review, verdict="yes", level_given_rank=2, at=now)
    ratings = review.ratings.select_related("dimension").order_by("dimension__position")
    for number, rating in enumerate(ratings):
        RevisedRating.objects.create(
            revision=revision, dimension=rating.dimension, rank=None if number == 1 else 2
        )
    world.ids["review to debrief"] = {"review_id": review.public_id}
