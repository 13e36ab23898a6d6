"""The queue's page as one member sees it: what waits, give and take, what they hold and gave."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from feedback.eligibility import ESCALATED_AFTER, Exclusion, Waiting, exclusion, is_trained
from feedback.models import Conflict, LedgerEntry, QueueEntry, Report, Review, Standing
from feedback.queries.candidates import candidate_of
from feedback.queries.queue import View, look, offered
from feedback.queries.session import ItemCount, as_interviewer, cards_counted, item_counts
from loops.models import Attempt, Loop, Membership, Recording, User
from loops.queries.counting import RowCount
from loops.states import AttemptState, MockState
from rubrics.models import DEFAULT_COMPANY, LevelLabel, RoundKind
from rubrics.queries import ladder_labels, words_by_ladder

REMEMBERED = timedelta(days=14)
"""For so long a review is shown that ended without being handed in."""
RAN_OUT = timedelta(days=3)
"""For so long one is, in which nothing was written either."""
EXPIRED = Review.State.EXPIRED
TO_GO_ON = (*Review.OPEN_STATES, *Review.LET_GO_STATES)
REPORTED = "reported"
"""The code of a reason beside those of `Exclusion`: one's own report was contested."""


@dataclass(frozen=True)
class WaitingLine:
    """An answer that waits, told without its candidate and its prompt: they show once claimed.

    Nothing of a review that is in may be read from it: not that two differ, either. Nor anything
    by which a blind calibration item could be told from it, such as its length or its date.
    """

    title: str
    target_label: str
    minutes: int
    places_free: int
    is_begun: bool
    has_priority: bool
    is_escalated: bool
    is_untrained: bool
    """This member has not unlocked its round."""


@dataclass(frozen=True)
class KindCount:
    """How many answers of a round kind wait."""

    key: str
    title: str
    count: int


@dataclass(frozen=True)
class OwnLine:
    """A review of the member's own; `session_id` is its mock's while that is being held.

    `candidate` is empty where the answer was taken back: its grades stay without a person.
    """

    review: Review
    title: str
    prompt: str
    candidate: str
    target_label: str
    level_label: str
    is_lapsed: bool
    session_id: UUID | None

    @property
    def is_note(self) -> bool:
        """Say whether it can only be a practice note: the answer of the mock was put away."""
        return self.review.is_live and self.review.attempt.state == AttemptState.WITHDRAWN


@dataclass(frozen=True)
class ClosedLine:
    """A review of the member's own that ended without being handed in, and why."""

    TAKEN_BACK, ERASED, REPORTED, ELSEWHERE, RAN_OUT, PUT_BACK = (
        "taken_back",
        "erased",
        "reported",
        "reported_by_another",
        "ran_out",
        "put_back",
    )

    review: Review
    title: str
    why: str
    report: Report | None = None

    @property
    def has_text(self) -> bool:
        """Say whether anything was written in it."""
        return self.review.drafted_at is not None

    @property
    def is_paid(self) -> bool:
        """Say whether it counts as given: its lease still ran when the answer was taken away."""
        return _is_paid(self.review)


@dataclass(frozen=True)
class StandingLine:
    """How many reviews a member has given and received in one of their cohorts."""

    cohort_name: str
    given: int
    taken: int

    @property
    def credit(self) -> int:
        """Return how many more they gave."""
        return self.given - self.taken


@dataclass(frozen=True)
class ReasonLine:
    """For how many answers one reason holds why the member is not offered them."""

    code: str
    count: int


@dataclass(frozen=True)
class QueuePage:
    """The queue as one member sees it.

    `held` under a running lease, `put_by` begun and lapsed, `given` handed in, newest first.
    `live` are those begun in mocks: they are no claim, and hold up none. `closed` ended without
    being handed in. `view` is what all that waits was read from.
    """

    view: View
    standings: list[StandingLine]
    reasons: list[ReasonLine]
    held: list[OwnLine]
    live: list[OwnLine]
    waiting: list[WaitingLine]
    waiting_total: int
    kinds: list[KindCount]
    put_by: list[OwnLine]
    closed: list[ClosedLine]
    given: list[OwnLine]
    given_total: int
    interviewing: list[ItemCount]

    @property
    def is_all_untrained(self) -> bool:
        """Say whether the member has unlocked none of the rounds that wait."""
        return bool(self.waiting) and all(line.is_untrained for line in self.waiting)

    @property
    def is_any_untrained(self) -> bool:
        """Say whether they have not unlocked one of them."""
        return any(line.is_untrained for line in self.waiting)

    @property
    def not_offered(self) -> int:
        """Return how many answers wait that they are not offered."""
        return sum(line.count for line in self.reasons)


def queue_page(user: User, at: datetime, *, shown: int = 20) -> QueuePage:
    """Return what the queue page shows; five queries at most, whatever waits and was given."""
    view = look(user, at)
    places = list(_places(user, at))
    label = _Labels(places)
    ordered = offered(user, at, view=view)
    attempts = _attempts(ordered.items)
    waiting = [(item, attempts[item.attempt]) for item in ordered.items if item.attempt in attempts]
    kinds = _kinds_of(attempt.round.round_kind for _item, attempt in waiting)
    own = list(_own(user, at, shown))
    given = sorted(
        (review for review in own if review.is_submitted),
        key=lambda review: (review.submitted_at or at, review.pk),
        reverse=True,
    )
    unfinished = [review for review in own if review.is_open or review.state == EXPIRED]
    begun = [review for review in unfinished if not review.is_live and _is_begun(review, at)]
    mine = _Mine(
        begun={
            review.stands_for_id or review.attempt_id
            for review in own
            if review.drafted_at is not None and review.state in TO_GO_ON
        },
        unswept={review.stands_for_id for review in own if review.is_open},
    )
    return QueuePage(
        view=view,
        standings=[
            StandingLine(place.cohort.name, place.given or 0, place.taken or 0) for place in places
        ],
        reasons=_reasons(view, places, at),
        held=[_own_line(review, label, at) for review in begun if not review.is_lapsed(at)],
        live=[_own_line(review, label, at) for review in unfinished if review.is_live],
        waiting=[
            _waiting_line(item, attempt, label, view, at, mine=mine)
            for item, attempt in waiting[:shown]
        ],
        waiting_total=len(waiting),
        kinds=kinds,
        put_by=[_own_line(review, label, at) for review in begun if review.is_lapsed(at)],
        closed=[line for review in reversed(own) if (line := _closed_line(review, at))],
        given=[_own_line(review, label, at) for review in given[:shown]],
        given_total=len(given)
        if len(given) <= shown
        else Review.objects.submitted().filter(grader=user).count(),
        interviewing=item_counts(places[0].cards) if places else as_interviewer(user),
    )


def _places(user: User, at: datetime) -> QuerySet[Any]:
    """Return the member's places in cohorts, by name, each with what the page says of it.

    A blind calibration item that was handed in counts as the answer that it stood for would have,
    for as long as that is kept from the member.
    """
    standing = Standing.objects.filter(cohort=OuterRef("cohort"), member=user)
    of_waiting = Review.objects.filter(
        grader=user,
        attempt__queue_entry__in=QueueEntry.objects.waiting(),
        attempt__queue_entry__cohort=OuterRef("cohort"),
    ).exclude(purpose=Review.Purpose.GOLD)
    stood_for_waiting = Review.objects.submitted().filter(
        grader=user,
        purpose=Review.Purpose.GOLD,
        stands_for__queue_entry__is_open=True,
        stands_for__queue_entry__granted__lt=F("stands_for__queue_entry__wanted") - 1,
        stands_for__queue_entry__cohort=OuterRef("cohort"),
        stands_for__queue_entry__since__gt=at - ESCALATED_AFTER,
    )
    labels = LevelLabel.objects.filter(
        Q(company=DEFAULT_COMPANY) | Q(company=OuterRef("cohort__label_company"))
    )
    return (
        Membership.objects.filter(user=user)
        .select_related("cohort")
        .order_by("cohort__name", "pk")
        .annotate(
            given=Subquery(standing.values("given")[:1]),
            taken=Subquery(standing.values("taken")[:1]),
            graded=RowCount(of_waiting.submitted()),
            graded_blindly=RowCount(stood_for_waiting),
            reported=RowCount(of_waiting.filter(state=Review.State.VOID, report__isnull=False)),
            declared=ArraySubquery(
                Conflict.objects.filter(declared_by=user).order_by().values("other_id")
            ),
            labels=ArraySubquery(
                labels.order_by("level__rank", "id").values(
                    row=JSONObject(
                        ladder="level__ladder",
                        rank="level__rank",
                        company="company",
                        text="text",
                    )
                )
            ),
            cards=ArraySubquery(cards_counted(user)),
        )
    )


def _own(user: User, at: datetime, shown: int) -> QuerySet[Any]:
    """Return the member's reviews that the page may show, by when they were claimed."""
    mine = Review.objects.filter(grader=user)
    kept = Recording.objects.exclude(state=Recording.State.ERASED).kept()
    newest = mine.submitted().order_by("-submitted_at", "-pk")[: shown + 1]
    is_begun = Q(state__in=[*Review.OPEN_STATES, EXPIRED]) & (
        Q(drafted_at__isnull=False)
        | Q(lease_until__gt=at - RAN_OUT)
        | Q(is_live=True, lease_until__gt=at - REMEMBERED)
    )
    is_ended = Q(lease_until__gt=at - REMEMBERED) & (
        Q(state=Review.State.VOID) | Q(state=Review.State.RELEASED, drafted_at__isnull=False)
    )
    return (
        mine.filter(is_begun | is_ended | Q(pk__in=newest.values("pk")))
        .select_related(
            "attempt__prompt",
            "attempt__round__loop__cohort",
            "attempt__round__loop__member",
            "attempt__turn__mock",
            "attempt__queue_entry",
            "ledger_entry",
            "report",
        )
        .annotate(has_recording=Exists(kept.filter(attempt=OuterRef("attempt"))))
        .order_by("claimed_at", "pk")
    )


def _is_begun(review: Review, at: datetime) -> bool:
    """Say whether there is something to go on with: text, or a lease that runs."""
    return review.drafted_at is not None or not review.is_lapsed(at)


class _Labels:
    """What a cohort's company calls a rank; asked for alone where the member has left it."""

    def __init__(self, places: Iterable[Any]) -> None:
        self._known: dict[str, dict[str, tuple[str, ...]]] = {}
        for place in places:
            company = place.cohort.label_company
            rows = [
                (row["ladder"], row["rank"], row["company"], row["text"]) for row in place.labels
            ]
            self._known[company] = words_by_ladder(rows, company)

    def of(self, loop: Loop, rank: int | None) -> str:
        """Return the label of a rank in a loop's cohort."""
        if rank is None:
            return ""
        company = loop.cohort.label_company
        if company not in self._known:
            self._known[company] = ladder_labels(company)
        return self._known[company][loop.ladder][rank]


def _attempts(items: Iterable[Waiting]) -> dict[int, Any]:
    """Return the attempts offered by id, with what is told of them."""
    attempts = Attempt.objects.filter(pk__in=[item.attempt for item in items]).select_related(
        "round__loop__cohort", "round__round_kind", "queue_entry", "rubric_version"
    )
    return {attempt.pk: attempt for attempt in attempts}


@dataclass(frozen=True)
class _Mine:
    """Of which answers the member has begun a review, and which stand behind a blind claim.

    Such a claim that lapsed a moment ago counts as a place that is taken, as any other does until
    the sweep lets it go.
    """

    begun: set[int]
    unswept: set[int | None]


def _waiting_line(
    item: Waiting, attempt: Any, label: _Labels, view: View, at: datetime, *, mine: _Mine
) -> WaitingLine:
    loop, entry = attempt.round.loop, attempt.queue_entry
    return WaitingLine(
        title=attempt.round.title,
        target_label=label.of(loop, loop.target_rank),
        minutes=attempt.round.minutes or attempt.rubric_version.minutes,
        places_free=max(1, entry.wanted - entry.granted - (item.attempt in mine.unswept)),
        is_begun=item.attempt in mine.begun,
        has_priority=attempt.has_priority,
        is_escalated=item.is_escalated(at),
        is_untrained=not is_trained(view.grader, item, view.pools[item.cohort]),
    )


def _own_line(review: Review, label: _Labels, at: datetime) -> OwnLine:
    attempt, loop = review.attempt, review.attempt.round.loop
    turn = getattr(attempt, "turn", None) if review.is_live else None
    mock = turn.mock if turn else None
    return OwnLine(
        review=review,
        title=attempt.round.title,
        prompt=attempt.prompt.text,
        candidate=candidate_of(review),
        target_label=label.of(loop, loop.target_rank),
        level_label=label.of(loop, review.level_given_rank),
        is_lapsed=review.is_lapsed(at),
        session_id=mock.public_id if mock and mock.state == MockState.RUNNING else None,
    )


def _closed_line(review: Any, at: datetime) -> ClosedLine | None:
    title = review.attempt.round.title
    if review.state == Review.State.VOID:
        report: Report | None = getattr(review, "report", None)
        why = _why_void(review, report)
        return ClosedLine(review, title, why, report if why == ClosedLine.REPORTED else None)
    if review.state == Review.State.RELEASED:
        return ClosedLine(review, title, ClosedLine.PUT_BACK) if review.drafted_at else None
    ran_out = review.is_lapsed(at) and review.drafted_at is None and not review.is_live
    return ClosedLine(review, title, ClosedLine.RAN_OUT) if ran_out else None


def _why_void(review: Any, report: Report | None) -> str:
    if report is not None and report.taken_back_at is None:
        return ClosedLine.REPORTED
    if review.attempt.state == AttemptState.WITHDRAWN:
        return ClosedLine.TAKEN_BACK
    entry: QueueEntry | None = getattr(review.attempt, "queue_entry", None)
    is_reported = entry is not None and bool(entry.exclusion)
    is_erased = _is_paid(review) or not (is_reported or review.has_recording)
    return ClosedLine.ERASED if is_erased else ClosedLine.ELSEWHERE


def _is_paid(review: Review) -> bool:
    paid: LedgerEntry | None = getattr(review, "ledger_entry", None)
    return paid is not None and paid.reason == LedgerEntry.Reason.VOIDED


def _reasons(view: View, places: Iterable[Any], at: datetime) -> list[ReasonLine]:
    """Count by reason what waits and is not offered; what only another knows is left out.

    A conflict that another has declared must not be noticed by the one whom it is about.
    """
    counts: Counter[str] = Counter()
    declared: set[int] = set()
    for place in places:
        declared |= set(place.declared)
        counts[Exclusion.ALREADY_GRADED.value] += place.graded + place.graded_blindly
        counts[REPORTED] += place.reported
    for item in view.items:
        reason = exclusion(item, view.grader, view.pools[item.cohort], at)
        is_secret = reason == Exclusion.CONFLICT and item.candidate not in declared
        if reason is not None and not is_secret:
            counts[reason.value] += 1
    known = [*(reason.value for reason in Exclusion), REPORTED]
    return [ReasonLine(code, counts[code]) for code in known if counts[code]]


def _kinds_of(kinds: Iterable[RoundKind]) -> list[KindCount]:
    """Count the answers by kind, in the order of the catalogue."""
    counted = Counter(kinds)
    in_order = sorted(counted, key=lambda kind: (kind.ladder != "ic", kind.position, kind.key))
    return [KindCount(key=kind.key, title=kind.title, count=counted[kind]) for kind in in_order]
