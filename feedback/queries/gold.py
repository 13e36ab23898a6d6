"""Blind calibration items as their candidate and an organiser see them; their graders never do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from feedback.models import Conflict, GoldExpert, GoldItem, Review, Unlock
from feedback.queries.reveal import revealed_attempts
from loops.models import Attempt, Cohort, Membership, Recording, User
from loops.queries.practice import turns_ahead
from loops.states import AttemptState


@dataclass(frozen=True)
class GoldChoice:
    """What a candidate can say about one answer: whether it may serve, and whether it does."""

    item: GoldItem | None
    may_offer: bool

    @property
    def is_offered(self) -> bool:
        """Say whether the candidate's word stands."""
        return self.item is not None and self.item.state != GoldItem.State.RETIRED


@dataclass(frozen=True)
class ExpertChoice:
    """A member who may be asked: whether they are, and are trained for the round."""

    member: User
    name: str
    is_trained: bool
    is_asked: bool
    is_in: bool


@dataclass(frozen=True)
class GoldLine:
    """One item: its answer, who grades it as an expert, and how often it was served."""

    item: GoldItem
    title: str
    candidate: str
    experts: list[ExpertChoice]
    served: int
    still_needed: int


def gold_for_results(attempt: Attempt) -> GoldChoice:
    """Return what the candidate of an opened answer can say about its serving."""
    item = GoldItem.objects.filter(attempt=attempt).first()
    is_recorded = attempt.kind in {Attempt.Kind.RECORDED, Attempt.Kind.RETAKE}
    return GoldChoice(item=item, may_offer=is_recorded and attempt.is_submitted)


def gold_lines(cohort: Cohort) -> list[GoldLine]:
    """Return the items of a cohort that are offered or serve, the newest offer first.

    Every member but its candidate may be chosen as an expert: whom a conflict keeps from an item
    must not be seen by their absence, so `expert_work` hides it from them instead.
    """
    items = (
        GoldItem.objects.filter(attempt__round__loop__cohort=cohort)
        .exclude(state=GoldItem.State.RETIRED)
        .select_related("attempt__round__loop__member", "attempt__round__round_kind")
        .annotate(
            served=Count(
                "attempt__reviews",
                filter=Q(
                    attempt__reviews__purpose=Review.Purpose.GOLD,
                    attempt__reviews__state=Review.State.SUBMITTED,
                ),
            )
        )
        .order_by("-offered_at", "-pk")
    )
    found: list[Any] = list(items)
    unlocked = Unlock.objects.filter(member=OuterRef("user")).order_by()
    places: list[Any] = list(
        Membership.objects.filter(cohort=cohort)
        .select_related("user")
        .annotate(kinds=ArraySubquery(unlocked.values("round_kind")))
        .order_by("pk")
    )
    members = [place.user for place in places]
    trained = {(place.user_id, kind) for place in places for kind in place.kinds}
    asked = {
        (one.item_id, one.expert_id): one.review is not None and one.review.is_submitted
        for one in GoldExpert.objects.filter(item__in=found).select_related("review")
    }
    return [_line(item, cohort, members, _Known(trained, asked)) for item in found]


@dataclass(frozen=True)
class _Known:
    """Who is trained for what, and who was asked and is in."""

    trained: set[tuple[int, int]]
    asked: dict[tuple[int, int], bool]


def _line(item: Any, cohort: Cohort, members: Iterable[User], known: _Known) -> GoldLine:
    round_ = item.attempt.round
    candidate = round_.loop.member
    trained, asked = known.trained, known.asked
    experts = [
        ExpertChoice(
            member=member,
            name=cohort.called(member),
            is_trained=(member.pk, round_.round_kind_id) in trained,
            is_asked=(item.pk, member.pk) in asked,
            is_in=asked.get((item.pk, member.pk), False),
        )
        for member in members
        if member != candidate
    ]
    return GoldLine(
        item=item,
        title=round_.title,
        candidate=cohort.called(candidate),
        experts=experts,
        served=item.served,
        still_needed=max(0, GoldItem.EXPERTS_NEEDED - sum(one.is_in for one in experts)),
    )


def is_checked_blindly(user: User) -> bool:
    """Say whether any blind item serves in a cohort of the person's; never which, nor of what."""
    serving = GoldItem.objects.filter(state=GoldItem.State.SERVING)
    return serving.filter(attempt__round__loop__cohort__memberships__user=user).exists()


def may_meet(user: User, answer: str = "") -> Q:
    """Tell the answers that nothing which protects people keeps from a person.

    That is a conflict with its candidate, and a mock in which they are to answer its prompt. The
    `answer` is the path to it from what is looked for, with its underscores.
    """
    conflict = Conflict.objects.between(user, OuterRef(f"{answer}round__loop__member"))
    ahead = turns_ahead(user).filter(
        round__round_kind=OuterRef(f"{answer}round__round_kind"),
        prompt__key=OuterRef(f"{answer}prompt__key"),
    )
    return Q(~Exists(conflict), ~Exists(ahead))


def expert_work(user: User) -> QuerySet[GoldExpert]:
    """Return what a person was asked to grade as an expert and has not handed in.

    Left out, without a word to anybody, is an answer of somebody with whom there is a conflict, or
    to a prompt that waits for the person in a mock, and one that they have had blindly.
    """
    blind = Review.objects.filter(
        grader=user, attempt=OuterRef("item__attempt"), purpose=Review.Purpose.GOLD
    )
    return (
        GoldExpert.objects.filter(expert=user)
        .exclude(item__state=GoldItem.State.RETIRED)
        .exclude(review__state=Review.State.SUBMITTED)
        .filter(may_meet(user, "item__attempt__"), ~Exists(blind))
        .filter(item__attempt__recordings__in=Recording.objects.ready())
        .select_related("item__attempt__round__loop__cohort")
        .order_by("asked_at", "pk")
    )


def begun_blindly(user: User, at: datetime) -> QuerySet[Review]:
    """Return the blind reviews that a grader put back or let lapse and may take again.

    What keeps an answer of the queue's from being taken again keeps these: it is gone, there is a
    conflict with its candidate, or its prompt waits for the grader in a mock.
    """
    let_go = Q(state__in=Review.LET_GO_STATES)
    has_lapsed = Q(state__in=Review.OPEN_STATES, lease_until__lte=at)
    return (
        Review.objects.filter(let_go | has_lapsed, grader=user, purpose=Review.Purpose.GOLD)
        .filter(attempt__state=AttemptState.SUBMITTED)
        .filter(attempt__in=Recording.objects.ready().values("attempt"))
        .filter(may_meet(user, "attempt__"))
    )


def is_read_now(review: Review, at: datetime) -> bool:
    """Say whether the candidate reads a review that was just handed in at once.

    Of a blind one it is said of the answer that it stood for, as if that had been graded. One
    query either way.
    """
    stood_for = review.stands_for_id if review.purpose == Review.Purpose.GOLD else None
    revealed = revealed_attempts(at, beside=1 if stood_for else 0)
    return revealed.filter(pk=stood_for or review.attempt_id).exists()
