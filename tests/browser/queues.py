"""A cohort whose queue has something of everything: marks, reasons, ends, reports, rules."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from feedback.actions import conflicts, gold, places, reports
from feedback.models import GradingRules, Review, Standing, Unlock
from loops.models import Attempt, Cohort, User
from tests import factories

if TYPE_CHECKING:
    from tests.browser.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_NAME = "Maximiliane-Theodora von Hohenlohe-Waldenburg-Schillingsfürst"
PEOPLE = {
    "fern": "Fern",
    "gus": "Gus",
    "hale": "Hale",
    "maxi": LONG_NAME,
    "juno": "Juno",
    "kit": "Kit",
}


def lay(world: "World", now: datetime, film: bytes) -> None:
    """Make the cohort: fern grades and organises, hale and the others answer."""
    for key, name in PEOPLE.items():
        world.people[key] = factories.person(f"{key}-318", name=name)
    fern, hale = world.people["fern"], world.people["hale"]
    others = [world.people[key] for key in PEOPLE if key != "fern"]
    cohort = factories.cohort(*others, organiser=fern, name="Monday cohort", is_named=True)
    world.ids["busy cohort"] = {"cohort_id": cohort.public_id}
    GradingRules.objects.create(cohort=cohort, reviews_wanted=3)
    _waiting(world, cohort, now)
    _ended(world, cohort, now, film)
    held = _filmed(hale, cohort, film, "xfn", kind=Attempt.Kind.LIVE, submitted_at=now - HOUR)
    review = factories.review(held, world.people["kit"], claimed_at=now, lease_until=now + DAY)
    world.ids["review of a mock"] = {"review_id": review.public_id}
    _gold(world, cohort, now, film)
    for member, given, taken in ((fern, 5, 3), (hale, 1, 4)):
        Standing.objects.update_or_create(
            cohort=cohort, member=member, defaults={"given": given, "taken": taken}
        )
    factories.cohort(fern, name="Alumni of the cohort that practised all through last winter")


def _filmed(member: User, cohort: Cohort, film: bytes, round_kind: str, **facts: object) -> Attempt:
    """Make an answer with a film that plays."""
    round_ = factories.loop(member, cohort, kinds=[round_kind]).rounds.get()
    made = factories.attempt(round_, **facts)
    factories.recording(made, film, started_at=made.submitted_at)
    return made


def _waiting(world: "World", cohort: Cohort, now: datetime) -> None:
    fern, gus, hale, maxi, juno, kit = (world.people[key] for key in PEOPLE)
    factories.answer(hale, cohort, kind="coding", submitted_at=now - 3 * DAY)
    factories.answer(hale, cohort, submitted_at=now - HOUR, has_priority=True)
    part = factories.answer(maxi, cohort, kind="xfn", submitted_at=now - 5 * HOUR)
    part.recordings.update(state="ready_partial")
    factories.submitted_review(factories.answer(maxi, cohort, submitted_at=now - HOUR), fern)
    factories.answer(juno, cohort, kind="deep_dive", submitted_at=now - HOUR)
    mine = factories.answer(fern, cohort, submitted_at=now - 9 * DAY)
    factories.submitted_review(mine, kit, submitted_at=now - 8 * DAY)
    kind = factories.in_force("coding").round_kind
    Unlock.objects.create(member=fern, round_kind=kind, at=now)
    for other in (gus, juno):
        conflicts.declare(other=other, by=fern, at=now - DAY)


def _gold(world: "World", cohort: Cohort, now: datetime, film: bytes) -> None:
    """Offer two answers as calibration items; of the one three experts are asked, one has begun."""
    fern, gus, hale, maxi, juno, kit = (world.people[key] for key in PEOPLE)
    gold.offer(attempt=_filmed(hale, cohort, film, "coding", submitted_at=now), by=hale, at=now)
    offered = _filmed(maxi, cohort, film, "sd_ambiguous", submitted_at=now)
    item = gold.offer(attempt=offered, by=maxi, at=now)
    gold.ask_experts(item=item, experts=[gus, juno, kit], by=fern, at=now)
    begun = item.experts.get(expert=gus)
    review = gold.take_as_expert(asked=begun, by=gus, at=now, lease_until=now + DAY)
    world.ids["review as an expert"] = {"review_id": review.public_id}


def _ended(world: "World", cohort: Cohort, now: datetime, film: bytes) -> None:
    """End claims of fern's in each way, and let hale read a report of an answer in each state."""
    fern, gus, hale, maxi, _juno, _kit = (world.people[key] for key in PEOPLE)
    begun = {"claimed_at": now - 2 * HOUR, "drafted_at": now - HOUR, "state": "draft"}

    def taken(candidate: User, kind: str = "coding", **facts: object) -> Review:
        answer = _filmed(candidate, cohort, film, kind, submitted_at=now - 4 * HOUR)
        return factories.review(
            answer, fern, **{"claimed_at": now - HOUR, "lease_until": now + HOUR, **facts}
        )

    own = taken(hale, "deep_dive", **begun, summary="The sound stops at 2:10.")
    note = "There is no sound from 2:10 on, neither in the camera nor in the screen track."
    reports.report(review=own, kind="unusable", note=note, by=fern, at=now)
    world.ids["review reported"] = {"review_id": own.public_id}
    world.ids["reported"] = {"attempt_id": own.attempt.public_id}

    contested = taken(hale, "ic_leadership")
    reports.report(review=contested, kind="unusable", by=fern, at=now)
    because = "It plays for me, from the first minute on."
    reports.contest(attempt=contested.attempt, by=hale, at=now, because=because)
    world.ids["review contested"] = {"review_id": contested.public_id}

    ended = taken(maxi, "sd_classic", **begun, summary="Half of it")
    other = factories.review(ended.attempt, gus, claimed_at=now)
    reports.report(review=other, kind="unusable", by=gus, at=now)
    world.ids["review ended"] = {"review_id": ended.public_id}

    gone = taken(maxi, "xfn")
    Attempt.objects.filter(pk=gone.attempt_id).update(state="withdrawn")
    places.settle(attempt=Attempt.objects.get(pk=gone.attempt_id), at=now)
    taken(maxi, state="expired", claimed_at=now - 3 * HOUR, lease_until=now - 2 * HOUR)

    half = _filmed(hale, cohort, film, "sd_classic", submitted_at=now - 3 * DAY)
    factories.submitted_review(half, gus, submitted_at=now - 2 * DAY)
    factories.open_reviews(half)
    again = factories.review(half, fern, claimed_at=now)
    reports.report(review=again, kind="unusable", by=fern, at=now)
    world.ids["reported, one in"] = {"attempt_id": half.public_id}
