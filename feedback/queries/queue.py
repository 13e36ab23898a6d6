"""What a member may grade next, in the order of claiming, and what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from json import loads
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Greatest, JSONArray, JSONObject
from django.utils.dateparse import parse_datetime

from feedback.eligibility import (
    BOTH_WAYS_WITHIN,
    ESCALATED_AFTER,
    Grader,
    Graph,
    Ordered,
    Pool,
    Waiting,
    in_order,
)
from feedback.models import (
    Conflict,
    GradingRules,
    Pair,
    QueueEntry,
    Review,
    Standing,
    Unlock,
)
from feedback.queries.gold import begun_blindly
from loops.models import Cohort, Membership, User
from loops.queries.counting import RowCount
from loops.queries.notices import unread_of
from loops.queries.practice import turns_ahead
from loops.queries.prepared import Prepared, run_once

PAGE = 50
SEED = "plumbline"

_IS_LET_GO = Q(state__in=Review.LET_GO_STATES)
_FROM_THE_QUEUE = Q(purpose=Review.Purpose.PEER, is_live=False)


@dataclass(frozen=True)
class View:
    """The head of the queue as one grader sees it: who asks, in which pools, what waits.

    `last` is where the next page of each cohort begins; it lacks cohorts that have no more.
    `cohort` is the one joined last and `unread` counts notices, which every page's frame shows
    beside what waits; both are None for who is in no cohort.
    """

    grader: Grader
    pools: dict[int, Pool]
    items: list[Waiting]
    last: dict[int, tuple[bool, str, int]]
    cohort: Cohort | None
    unread: int | None


def look(
    user: User,
    at: datetime,
    *,
    kind: str = "",
    after: Mapping[int, tuple[bool, str, int]] | None = None,
) -> View:
    """Return the first fifty waiting entries of each of a member's cohorts; one query.

    They are found by index, those with priority and then the longest waiting first, so what a look
    costs does not grow with the queue. `after` is the last view's `last`, for the next fifty.
    What is the member's own, or what they have graded, is not read at all; nor is, for its first
    two days, that in the stead of which they had a blind calibration item.
    """
    asked = _Asked(
        user=user.pk,
        at=at,
        month_ago=at - BOTH_WAYS_WITHIN,
        two_days_ago=at - ESCALATED_AFTER,
        kind=kind,
        after=after,
    )
    return _view_of(user, [_Head(row) for row in _rows(asked)])


@dataclass(frozen=True)
class _Asked:
    """What a look asks: who looks and when, for which kind, and from where on."""

    user: int
    at: datetime
    month_ago: datetime
    two_days_ago: datetime
    kind: str = ""
    after: Mapping[int, tuple[bool, str, int]] | None = None


_COHORT = tuple(field.attname for field in Cohort._meta.concrete_fields)


class _Head:
    """One cohort of a member's as the query returns it, with JSON as text."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        columns = len(_COHORT)
        self.cohort = Cohort.from_db("default", _COHORT, row[:columns])
        self.unread, self.size, requires_unlock, unlocked, conflicts, ahead, waiting = row[columns:]
        self.pool = Pool(
            cohort=self.cohort.pk,
            size=self.size,
            requires_unlock=bool(requires_unlock),
            unlocked=frozenset((member, kind) for member, kind in map(loads, unlocked)),
        )
        self.conflicts = frozenset(conflicts)
        self.ahead = frozenset((kind, key) for kind, key in map(loads, ahead))
        self.waiting = [loads(one) for one in waiting]


def _head_of_queue(asked: _Asked) -> QuerySet[Any, Any]:
    """Return the member's places in cohorts as rows for `_Head`, the newest first."""
    user = User(pk=asked.user)
    rows = Membership.objects.filter(user=user)
    if asked.after is not None:
        rows = rows.filter(cohort__in=list(asked.after))
    active = Membership.objects.filter(cohort=OuterRef("cohort"), user__is_active=True)
    size = active.order_by().values("cohort")
    return (
        rows.order_by("-joined_at", "-pk")
        .annotate(
            size=Subquery(size.annotate(n=Count("pk")).values("n")),
            requires_unlock=Subquery(
                GradingRules.objects.filter(cohort=OuterRef("cohort")).values("requires_unlock")[:1]
            ),
            unlocked=ArraySubquery(
                Unlock.objects.filter(member__memberships__cohort=OuterRef("cohort"))
                .order_by()
                .values(row=JSONArray("member_id", "round_kind_id"))
            ),
            conflicts=ArraySubquery(
                Conflict.objects.of(user)
                .order_by()
                .values(
                    of_the_two=Case(
                        When(declared_by=user, then=F("other_id")), default=F("declared_by_id")
                    )
                )
            ),
            ahead=ArraySubquery(
                turns_ahead(user)
                .order_by()
                .values(row=JSONArray("round__round_kind_id", "prompt__key"))
            ),
            waiting=ArraySubquery(_first_waiting(asked)),
            unread=RowCount(unread_of(user, asked.at)),
        )
        .values_list(
            *(f"cohort__{column}" for column in _COHORT),
            "unread",
            "size",
            "requires_unlock",
            "unlocked",
            "conflicts",
            "ahead",
            "waiting",
        )
    )


_BY_ANY = {"user": int} | dict.fromkeys(("at", "month_ago", "two_days_ago"), datetime)
_of_any_kind = Prepared(lambda **asked: _head_of_queue(_Asked(**asked)), **_BY_ANY)
_of_a_kind = Prepared(lambda **asked: _head_of_queue(_Asked(**asked)), **_BY_ANY, kind=str)


def _rows(asked: _Asked) -> list[tuple[Any, ...]]:
    if asked.after is not None:
        return run_once(_head_of_queue(asked))
    values = {name: getattr(asked, name) for name in _BY_ANY}
    return _of_a_kind.rows(**values, kind=asked.kind) if asked.kind else _of_any_kind.rows(**values)


def _first_waiting(asked: _Asked) -> QuerySet[Any, Any]:
    user, at = User(pk=asked.user), asked.at
    in_its_stead = Review.objects.filter(
        grader=user, purpose=Review.Purpose.GOLD, stands_for=OuterRef("attempt")
    )
    is_begun = begun_blindly(user, at).filter(pk=OuterRef("pk"))
    entries = (
        QueueEntry.objects.waiting()
        .filter(cohort=OuterRef("cohort"))
        .exclude(candidate=user)
        .filter(~Exists(barred_reviews(user, at).filter(attempt=OuterRef("attempt"))))
        .filter(~Exists(in_its_stead.held(at)))
        .filter(Q(since__lte=asked.two_days_ago) | ~Exists(in_its_stead.filter(~Exists(is_begun))))
    )
    if asked.kind:
        entries = entries.filter(round_kind__key=asked.kind)
    if asked.after:
        beyond = Q()
        for cohort_id, (has_priority, since, entry_id) in asked.after.items():
            later = Q(since__gt=since) | Q(since=since, pk__gt=entry_id)
            here = Q(has_priority=has_priority) & later
            beyond |= Q(cohort=cohort_id) & (here | Q(has_priority=False) if has_priority else here)
        entries = entries.filter(beyond)
    standing = Standing.objects.filter(cohort=OuterRef("cohort"), member=OuterRef("candidate"))
    graded_them = (
        Pair.objects.filter(cohort=OuterRef("cohort"), grader=OuterRef("candidate"), candidate=user)
        .order_by()
        .values("candidate")
        .annotate(last=Max("last_at"))
        .values("last")
    )
    grading_them = Review.objects.filter(
        grader=OuterRef("candidate"),
        state__in=Review.OPEN_STATES,
        attempt__queue_entry__candidate=user,
        attempt__queue_entry__cohort=OuterRef("cohort"),
    ).order_by("-claimed_at")
    has_graded = Pair.objects.filter(
        cohort=OuterRef("cohort"),
        grader=OuterRef(OuterRef("candidate")),
        candidate=OuterRef("user"),
        last_at__gt=asked.month_ago,
    )
    has_had_it = Review.objects.filter(
        attempt=OuterRef(OuterRef("attempt")), grader=OuterRef("user")
    ).exclude(_IS_LET_GO & _FROM_THE_QUEUE)
    is_declared = Conflict.objects.between(OuterRef("user"), OuterRef(OuterRef("candidate")))
    one_way = (
        Membership.objects.filter(cohort=OuterRef("cohort"), user__is_active=True)
        .exclude(user=OuterRef("candidate"))
        .filter(~Exists(has_graded), ~Exists(has_had_it), ~Exists(is_declared))
    )
    return (
        entries.order_by("-has_priority", "since", "pk")
        .annotate(
            credit=Subquery(standing.values(credit=F("given") - F("taken"))[:1]),
            graded_them_at=Greatest(  # what they have in hand counts too
                Subquery(graded_them), Subquery(grading_them.values("claimed_at")[:1])
            ),
        )
        .annotate(
            one_way=Case(
                When(graded_them_at=None, then=None),
                default=RowCount(one_way),
                output_field=IntegerField(),
            )
        )
        .values(
            row=JSONObject(
                entry="pk",
                attempt="attempt_id",
                candidate="candidate_id",
                round_kind="round_kind_id",
                prompt="attempt__prompt__key",
                interviewer="attempt__turn__interviewer_id",
                since="since",
                reviews="granted",
                in_results="handed_in",
                has_priority="has_priority",
                credit="credit",
                graded_them_at="graded_them_at",
                one_way="one_way",
            )
        )[:PAGE]
    )


def barred_reviews(user: User, at: datetime) -> QuerySet[Review]:
    """Return the reviews for which a member is not offered their attempts again.

    One that they took from the queue and put back, or let lapse, does not stand in the way.
    """
    has_lapsed = Q(state__in=Review.OPEN_STATES, lease_until__lte=at)
    return Review.objects.filter(grader=user).exclude(_FROM_THE_QUEUE & (_IS_LET_GO | has_lapsed))


def _view_of(user: User, heads: Sequence[_Head]) -> View:
    newest = heads[0] if heads else None
    return View(
        grader=Grader(
            person=user.pk,
            conflicts=newest.conflicts if newest else frozenset(),
            prompts_ahead=newest.ahead if newest else frozenset(),
        ),
        pools={head.cohort.pk: head.pool for head in heads},
        items=[_waiting_item(row, head.cohort.pk) for head in heads for row in head.waiting],
        last={
            head.cohort.pk: _place(head.waiting[-1]) for head in heads if len(head.waiting) == PAGE
        },
        cohort=newest.cohort if newest else None,
        unread=newest.unread if newest else None,
    )


def _waiting_item(row: dict[str, Any], cohort_id: int) -> Waiting:
    graded_them_at = row["graded_them_at"]
    return Waiting(
        **row
        | {
            "cohort": cohort_id,
            "since": _instant(row["since"]),
            "credit": row["credit"] or 0,
            "graded_them_at": graded_them_at and _instant(graded_them_at),
        }
    )


def _place(row: dict[str, Any]) -> tuple[bool, str, int]:
    return row["has_priority"], row["since"], row["entry"]


def _instant(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise ValueError(f"{text} is no instant.")
    return found


def offered(user: User, at: datetime, *, kind: str = "", view: View | None = None) -> Ordered:
    """Return what a member may claim now, in the order of claiming, out of the first pages.

    Where all of a page is excluded the next is looked at. Whoever has looked gives the `view`.
    """
    view = view or look(user, at, kind=kind)
    while True:
        ordered = in_order(view.items, view.grader, view.pools, at, graph=_graph(view), seed=SEED)
        if ordered.items or not view.last:
            return ordered
        view = look(user, at, kind=kind, after=view.last)


def _graph(view: View) -> Graph:
    """Read who graded whom in the cohorts and round kinds at hand; no query where none waits."""
    if not view.items:
        return Graph()
    cohorts = {item.cohort for item in view.items}
    kinds = {item.round_kind for item in view.items}
    edges = Pair.objects.filter(cohort__in=cohorts, round_kind__in=kinds)
    return Graph(edges.values_list("cohort_id", "round_kind_id", "grader_id", "candidate_id"))


def count_offered(view: View, at: datetime) -> int:
    """Return how many attempts of a view its member could claim."""
    return len(in_order(view.items, view.grader, view.pools, at).items)


def held_review(user: User, at: datetime) -> Review | None:
    """Return the review that the member took from the queue and holds under a running lease."""
    held = Review.objects.held(at).filter(grader=user, is_live=False)
    return held.order_by("claimed_at", "pk").first()
