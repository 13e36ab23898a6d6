"""Blind calibration items: offered by their candidate, graded by three experts, then served.

About one claim in ten of a trained grader is one. It is told apart from other work nowhere: it has
the round kind and target of the attempt it stands for, pays a credit, and is read like any other.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from statistics import median_low

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import lock_entry, recount
from feedback.eligibility import ESCALATED_AFTER, Waiting
from feedback.models import (
    GoldExpert,
    GoldItem,
    GoldReference,
    Rating,
    Report,
    Review,
    Unlock,
)
from feedback.queries.gold import expert_work, may_meet
from loops.actions.events import record
from loops.actions.notices import tell
from loops.actions.practice import expose
from loops.errors import Refused
from loops.models import Attempt, Membership, Notice, PromptExposure, Recording, User
from loops.queries.prepared import Prepared
from loops.states import AttemptState

ONE_IN = 10
OFFERABLE = (Attempt.Kind.RECORDED, Attempt.Kind.RETAKE)


class NotForGold(Refused):
    """Only what anybody could have been given blindly can serve."""

    code = "not_for_gold"
    message = _(
        "Only a recorded answer that still plays can serve as a calibration item. Nothing was "
        "changed."
    )


class TooFewExperts(Refused):
    """Reference levels rest on three."""

    code = "too_few_experts"
    status = 422
    message = _("Choose at least three experts: their levels together are the reference.")


class NotAnExpert(Refused):
    """Somebody who cannot judge this answer fairly."""

    code = "not_an_expert"
    status = 422
    message = _("An expert is a member of the cohort other than the candidate. Nobody was asked.")


class OfferedNoLonger(Refused):
    """The candidate's word is what an item rests on."""

    code = "offered_no_longer"
    message = _("The candidate no longer lets it serve, or the answer is gone. Nobody was asked.")


class NotAskedOfYou(Refused):
    """It was never asked, or is not any more."""

    code = "not_asked_of_you"
    message = _("This answer is not with you to grade as an expert. Nothing was changed.")


class ReportedByYou(Refused):
    """What cannot be graded is no reference; the report stays one that counts."""

    code = "reported_by_you"
    message = _(
        "You have reported this answer as one that cannot be graded. Nothing was changed. To "
        "grade it as an expert, take your report back first: it stands in your queue."
    )


@transaction.atomic
def offer(*, attempt: Attempt, by: User, at: datetime) -> GoldItem:
    """Keep that a candidate lets an answer be graded blindly by others; twice is once."""
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    plays = Recording.objects.ready().filter(attempt=attempt).exists()
    if attempt.state != AttemptState.SUBMITTED or attempt.kind not in OFFERABLE or not plays:
        raise NotForGold
    item, is_new = GoldItem.objects.get_or_create(attempt=attempt, defaults={"offered_at": at})
    if item.state == GoldItem.State.RETIRED:
        item.state = GoldItem.State.OFFERED
        item.offered_at = at
        item.retired_at = None
        item.save(update_fields=["state", "offered_at", "retired_at"])
        is_new = True
    if is_new:
        record("offered", item, by=by, at=at)
        _serve_if_whole(item, at)
    return item


@transaction.atomic
def retire(*, item: GoldItem, by: User | None, at: datetime) -> GoldItem:
    """Take an item out of service for good or until it is offered again; what was graded stays."""
    item = GoldItem.objects.select_for_update().get(pk=item.pk)
    if item.state != GoldItem.State.RETIRED:
        item.state = GoldItem.State.RETIRED
        item.retired_at = at
        item.save(update_fields=["state", "retired_at"])
        record("retired", item, by=by, at=at)
    return item


@transaction.atomic
def ask_experts(*, item: GoldItem, experts: Collection[User], by: User, at: datetime) -> GoldItem:
    """Ask members to grade an item as experts. A review that one has given already counts.

    Who cannot be given it, by a conflict that only they know of or for the prompt's sake, is asked
    in name only: a refusal would tell the organiser.
    """
    item = (
        GoldItem.objects.select_for_update(of=("self",))
        .select_related("attempt__round__loop")
        .get(pk=item.pk)
    )
    if item.state == GoldItem.State.RETIRED:
        raise OfferedNoLonger
    known = set(item.experts.values_list("expert", flat=True))
    new = [expert for expert in experts if expert.pk not in known]
    if len(known) + len(new) < GoldItem.EXPERTS_NEEDED:
        raise TooFewExperts
    _check_experts(item, new)
    given = Review.objects.in_results().filter(attempt=item.attempt, grader__in=new)
    reviews = {review.grader_id: review for review in given}
    for expert in sorted(new, key=lambda one: one.pk):
        asked = GoldExpert.objects.create(
            item=item, expert=expert, asked_at=at, review=reviews.get(expert.pk)
        )
        if asked.review is None and expert_work(expert).filter(pk=asked.pk).exists():
            tell(
                expert,
                Notice.Kind.EXPERT,
                f"gold:{item.pk}",
                at=at,
                round=item.attempt.round.title,
            )
    if item.state == GoldItem.State.OFFERED:
        item.state = GoldItem.State.GRADING
        item.save(update_fields=["state"])
    record("experts_asked", item, by=by, at=at, experts=len(new))
    _serve_if_whole(item, at)
    return item


def _check_experts(item: GoldItem, experts: Collection[User]) -> None:
    loop = item.attempt.round.loop
    members = Membership.objects.filter(cohort=loop.cohort_id, user__in=experts).count()
    if members != len(experts) or loop.member_id in {expert.pk for expert in experts}:
        raise NotAnExpert


@transaction.atomic
def take_as_expert(*, asked: GoldExpert, by: User, at: datetime, lease_until: datetime) -> Review:
    """Open an expert's review of the item, under a lease like any other.

    One that they have in hand from the queue becomes it, and its place is free again.
    """
    entry = lock_entry(asked.item.attempt_id, at)
    review = _review_of_expert(entry.attempt, by)
    if review is not None and review.is_submitted:
        _link(asked, review, at)
        return review
    if not expert_work(by).filter(pk=asked.pk).exists():
        raise NotAskedOfYou
    if review is None:
        review = Review.objects.create(
            attempt=entry.attempt,
            grader=by,
            purpose=Review.Purpose.EXPERT,
            claimed_at=at,
            lease_until=lease_until,
        )
        record("claimed", review, by=by, at=at)
    else:
        if Report.objects.filter(review=review, taken_back_at=None, contested_at=None).exists():
            raise ReportedByYou
        review.purpose = Review.Purpose.EXPERT
        review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
        review.lease_until = lease_until
        review.save(update_fields=["purpose", "state", "lease_until"])
        recount(entry)
    expose(user=by, prompt=entry.attempt.prompt, role=PromptExposure.Role.GRADER, at=at)
    _link(asked, review, at)
    return review


def _review_of_expert(attempt: Attempt, by: User) -> Review | None:
    """Return the expert's own review, locked; never the one that they have blindly."""
    own = Review.objects.select_for_update(of=("self",)).filter(attempt=attempt, grader=by)
    return own.exclude(purpose=Review.Purpose.GOLD).first()


def _link(asked: GoldExpert, review: Review, at: datetime) -> None:
    GoldExpert.objects.filter(pk=asked.pk).update(review=review)
    if review.is_submitted:
        item = GoldItem.objects.select_for_update(of=("self",)).get(pk=asked.item_id)
        _serve_if_whole(item, at)


def note_expert(*, review: Review, at: datetime) -> None:
    """Let an item serve once the third of its experts has handed in, asked or from the queue."""
    if review.purpose == Review.Purpose.GOLD:
        return
    asked = GoldExpert.objects.filter(item__attempt=review.attempt_id, expert=review.grader_id)
    found = asked.first()
    if found is not None:
        _link(found, review, at)


def _serve_if_whole(item: GoldItem, at: datetime) -> None:
    reviews = Review.objects.submitted().filter(
        pk__in=GoldExpert.objects.filter(item=item, review__isnull=False).values("review")
    )
    ids = list(reviews.order_by("pk").values_list("pk", flat=True))
    is_under_way = item.state in {GoldItem.State.GRADING, GoldItem.State.OFFERED}
    if len(ids) < GoldItem.EXPERTS_NEEDED or not is_under_way:
        return
    item.references.all().delete()
    ranks: dict[int, list[int | None]] = defaultdict(list)
    for dimension_id, rank in Rating.objects.filter(review__in=ids).values_list(
        "dimension_id", "rank"
    ):
        ranks[dimension_id].append(rank)
    GoldReference.objects.bulk_create(
        _reference(item, dimension_id, given) for dimension_id, given in sorted(ranks.items())
    )
    item.state = GoldItem.State.SERVING
    item.serving_since = at
    item.save(update_fields=["state", "serving_since"])
    record("serving", item, by=None, at=at, experts=len(ids))


def _reference(item: GoldItem, dimension_id: int, given: list[int | None]) -> GoldReference:
    """Return the middle and the spread of what was observed; *not observed* where most say so."""
    seen = sorted(rank for rank in given if rank is not None)
    if 2 * len(seen) <= len(given):
        return GoldReference(item=item, dimension_id=dimension_id)
    return GoldReference(
        item=item,
        dimension_id=dimension_id,
        rank=median_low(seen),
        low_rank=seen[0],
        high_rank=seen[-1],
    )


def gold_instead(*, by: User, item: Waiting, at: datetime) -> int | None:
    """Return the id of the gold attempt that this claim gets, or None for nine claims in ten.

    Only a trained grader gets one. It looks for one whether or not it is the tenth, so that a
    claim takes the same queries either way. Which claim it is follows from the installation's
    secret: nobody can foresee it. An answer that has waited for two days is never exchanged: it
    would have to be offered again to who has just handed in what stood for it.
    """
    found = _serving_now.rows(
        user=by.pk, attempt=item.attempt, kind=item.round_kind, cohort=item.cohort
    )
    count = Review.objects.filter(grader=by, is_live=False).count()
    is_drawn = is_tenth(by, count) and at - item.since < ESCALATED_AFTER
    return int(found[0][0]) if found and is_drawn else None


def is_tenth(by: User, count: int) -> bool:
    """Say whether the claim of a grader who has had so many reviews is one of the one in ten."""
    drawn = salted_hmac("feedback.gold", f"{by.pk}:{count}", secret=settings.SECRET_KEY).digest()
    return drawn[0] % ONE_IN == 0


def _serving(*, user: int, attempt: int, kind: int, cohort: int) -> QuerySet[Attempt, tuple[int]]:
    """Return the oldest gold attempt that could stand for this one and be given to this grader."""
    by = User(pk=user)
    like = Attempt.objects.filter(pk=attempt, kind__in=OFFERABLE)
    trained = Unlock.objects.filter(member=by, round_kind=kind)
    organises = Membership.objects.filter(user=by, cohort=cohort, role=Membership.Role.ORGANISER)
    return (
        Attempt.objects.submitted()
        .filter(
            may_meet(by),
            Exists(trained),
            ~Exists(organises),
            gold_item__state=GoldItem.State.SERVING,
            round__loop__cohort=cohort,
            round__title__in=like.values("round__title"),
            rubric_version__in=like.values("rubric_version"),
            round__loop__target_rank__in=like.values("round__loop__target_rank"),
            pk__in=Recording.objects.ready().values("attempt"),
        )
        .exclude(round__loop__member=by)
        .exclude(pk__in=Review.objects.filter(grader=by).values("attempt"))
        .filter(~Exists(GoldExpert.objects.filter(expert=by, item__attempt=OuterRef("pk"))))
        .order_by("gold_item__serving_since", "pk")
        .values_list("pk")[:1]
    )


_serving_now = Prepared(_serving, user=int, attempt=int, kind=int, cohort=int)
