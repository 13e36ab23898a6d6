"""Appeals of results: where each stands, who may handle it, and what each of them is shown.

Until a handler's own review is in, nothing here gives them the candidate's words, nor anything of
the reviews appealed against.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from feedback.eligibility import Exclusion
from feedback.handlers import Case, Member, exclusions
from feedback.media_time import media_span_words
from feedback.models import Conflict, GradeAppeal, QueueEntry, Review, Unlock
from feedback.queries.candidates import candidate_of
from feedback.queries.debriefs import Difference, debrief_for_results
from feedback.queries.opening import opened_reviews, unopened_reviews
from feedback.queries.reveal import revealed_at
from feedback.queries.side_by_side import SideBySide, side_by_side
from loops.models import Attempt, Event, Membership, Recording, User
from loops.queries.practice import turns_ahead
from loops.states import AttemptState

ANSWER_WITHIN = timedelta(hours=72)
"""For so long after their review a handler alone may answer; then another may take the appeal."""


class Stage(StrEnum):
    """Where an appeal stands."""

    OPEN = "open"
    IN_HAND = "in_hand"
    READ = "read"
    ANSWERED = "answered"
    CLOSED = "closed"


def stage_of(appeal: GradeAppeal, at: datetime, *, is_readable: bool) -> Stage:
    """Say where an appeal stands, given whether anybody could read the answer anew."""
    review = appeal.review
    if appeal.answered_at is not None:
        return Stage.ANSWERED
    if appeal.attempt.state != AttemptState.SUBMITTED:
        return Stage.CLOSED
    if review is not None and review.is_submitted and review.submitted_at is not None:
        is_late = at - review.submitted_at >= ANSWER_WITHIN
        return Stage.OPEN if is_late and is_readable else Stage.READ
    if not is_readable:
        return Stage.CLOSED
    if review is not None and review.is_open and not review.is_lapsed(at):
        return Stage.IN_HAND
    return Stage.OPEN


@dataclass(frozen=True)
class Handling:
    """An appeal as a member of the cohort meets it: where it stands, and what they may do.

    `exclusions` say by person why they may not handle it. The candidate's words are in `appeal`,
    and a page shows them only where `may_read`.
    """

    appeal: GradeAppeal
    stage: Stage
    exclusions: Mapping[int, Exclusion | None]
    untrained: frozenset[int]
    had_in_hand: frozenset[int]
    reader: int

    @property
    def title(self) -> str:
        """Name the round."""
        return self.appeal.attempt.round.title

    @property
    def span(self) -> str:
        """Say which part of the recording is asked to be looked at."""
        return media_span_words(self.appeal.start_ms, self.appeal.end_ms)

    @property
    def start_seconds(self) -> int:
        """Return where that part begins."""
        return self.appeal.start_ms // 1000

    @property
    def is_handler(self) -> bool:
        """Say whether the reader's own review is the appeal's."""
        return self.appeal.review is not None and self.appeal.review.grader_id == self.reader

    @property
    def is_former(self) -> bool:
        """Say whether the reader had it in hand before another took it."""
        return self.reader in self.had_in_hand

    @property
    def is_at_work(self) -> bool:
        """Say whether the reader holds it, or let it lapse or put it back, and nobody else came."""
        return self.is_handler and not self.is_review_in

    @property
    def is_review_in(self) -> bool:
        """Say whether the review that answers it is handed in."""
        return self.appeal.review is not None and self.appeal.review.is_submitted

    @property
    def may_read(self) -> bool:
        """Say whether the reader sees why it was appealed, and the other reviews."""
        return self.is_handler and self.is_review_in

    @property
    def may_answer(self) -> bool:
        """Say whether the reader is asked for the answer."""
        return self.may_read and self.stage in {Stage.READ, Stage.OPEN}

    @property
    def is_eligible(self) -> bool:
        """Say whether the reader is one who may handle it."""
        return self.exclusions.get(self.reader, Exclusion.OWN) is None

    @property
    def may_take(self) -> bool:
        """Say whether the reader may take it now."""
        return self.stage == Stage.OPEN and self.is_eligible and not self.may_read

    @property
    def is_untrained(self) -> bool:
        """Say whether the reader's review would be marked as untrained."""
        return self.reader in self.untrained


def handlings(appeals: QuerySet[GradeAppeal], reader: User, at: datetime) -> list[Handling]:
    """Return what a member meets of these appeals; one query, however many there are."""
    return [_handling(row, reader, at) for row in _with_members(appeals, at)]


def appeals_to_handle(user: User, at: datetime) -> list[Handling]:
    """Return the appeals of their cohorts that a member may take, holds, or has to answer.

    Those in another's hands are among them while the member might be next.
    """
    waiting = GradeAppeal.objects.filter(
        answered_at=None,
        attempt__state=AttemptState.SUBMITTED,
        attempt__round__loop__cohort__memberships__user=user,
    ).exclude(attempt__round__loop__member=user)
    found = handlings(waiting, user, at)
    return [one for one in found if _concerns(one)]


def _concerns(one: Handling) -> bool:
    if one.is_handler:
        return one.stage != Stage.CLOSED
    return one.is_eligible and one.stage in {Stage.OPEN, Stage.IN_HAND}


def handlers_to_tell(
    at: datetime, *, of: GradeAppeal | None = None
) -> list[tuple[GradeAppeal, list[int]]]:
    """Return the appeals that nobody has in hand, each with the ids of who may take it."""
    waiting = GradeAppeal.objects.filter(answered_at=None, attempt__state=AttemptState.SUBMITTED)
    if of is not None:
        waiting = waiting.filter(pk=of.pk)
    found = []
    for appeal in _with_members(waiting, at):
        if stage_of(appeal, at, is_readable=appeal.is_readable) == Stage.OPEN:
            reasons = _exclusions(appeal, at)
            found.append((appeal, sorted(person for person, why in reasons.items() if why is None)))
    return found


def _with_members(appeals: QuerySet[GradeAppeal], at: datetime) -> Iterable[Any]:
    """Bring along with each appeal who is in its cohort and what stands between them and it."""
    attempt = OuterRef(OuterRef("attempt"))
    candidate = OuterRef(OuterRef("attempt__round__loop__member"))
    kind = OuterRef(OuterRef("attempt__round__round_kind"))
    person = OuterRef("user")
    seen = Review.objects.filter(attempt=attempt, grader=person).exclude(
        unread_reviews(at) | Q(grade_appeal=OuterRef(OuterRef("pk")), submitted_at=None)
    )
    conflicts = Conflict.objects.between(person, candidate)
    ahead = turns_ahead(cast(Any, person)).filter(
        round__round_kind=kind, prompt__key=OuterRef(OuterRef("attempt__prompt__key"))
    )
    members = Membership.objects.filter(
        cohort=OuterRef("attempt__round__loop__cohort"), user__is_active=True
    ).order_by("user")
    taken = Event.objects.filter(
        subject="feedback.gradeappeal", subject_id=OuterRef("pk"), verb="taken"
    )
    return (
        appeals.select_related(
            "attempt__round__loop__cohort",
            "attempt__round__loop__member",
            "attempt__prompt",
            "attempt__turn",
            "review__grader",
        )
        .annotate(
            is_readable=_is_readable(OuterRef("attempt")),
            had_in_hand=ArraySubquery(taken.order_by().values("actor_id")),
            members=ArraySubquery(
                members.annotate(
                    has_seen=Exists(seen),
                    has_conflict=Exists(conflicts),
                    ahead=Exists(ahead),
                    trained=Exists(Unlock.objects.filter(member=person, round_kind=kind)),
                ).values(
                    row=JSONObject(
                        person="user_id",
                        has_seen="has_seen",
                        has_conflict="has_conflict",
                        is_prompt_ahead="ahead",
                        is_trained="trained",
                    )
                )
            ),
        )
        .order_by("made_at", "pk")
    )


def _is_readable(attempt: OuterRef) -> Q:
    """Tell whether a recording plays, and no report keeps the answer from being evidence."""
    reported = QueueEntry.objects.exclude(exclusion=QueueEntry.Exclusion.NONE)
    return Q(
        Exists(Recording.objects.ready().filter(attempt=attempt)),
        ~Exists(reported.filter(attempt=attempt)),
    )


def unread_reviews(at: datetime) -> Q:
    """Tell the reviews that were given up before a word was written: they have seen nothing."""
    is_given_up = Q(state__in=Review.LET_GO_STATES) | Q(
        state__in=Review.OPEN_STATES, lease_until__lte=at
    )
    return is_given_up & Q(drafted_at=None)


def _handling(appeal: Any, reader: User, at: datetime) -> Handling:
    return Handling(
        appeal=appeal,
        stage=stage_of(appeal, at, is_readable=appeal.is_readable),
        exclusions=_exclusions(appeal, at),
        untrained=frozenset(row["person"] for row in appeal.members if not row["is_trained"]),
        had_in_hand=frozenset(appeal.had_in_hand),
        reader=reader.pk,
    )


def _exclusions(appeal: Any, at: datetime) -> Mapping[int, Exclusion | None]:
    attempt = appeal.attempt
    turn = getattr(attempt, "turn", None)
    case = Case(
        candidate=attempt.round.loop.member_id,
        round_kind=attempt.round.round_kind_id,
        interviewer=turn.interviewer_id if turn else None,
        since=appeal.made_at,
    )
    return exclusions(case, [Member(**row) for row in appeal.members], at)


@dataclass(frozen=True)
class HandlingPage:
    """The page of one who handles an appeal; `beside` is None until their own review is in.

    `candidate` is empty until somebody has it in hand, and once the answer was taken back.
    """

    handling: Handling
    candidate: str
    beside: SideBySide | None


def handling_page(handling: Handling) -> HandlingPage:
    """Return the page of an appeal that `access.appeal_to_handle` let its reader meet."""
    attempt, review = handling.appeal.attempt, handling.appeal.review
    if review is not None:
        review.attempt = attempt
    return HandlingPage(
        handling=handling,
        candidate=candidate_of(review) if review is not None else "",
        beside=side_by_side(attempt, reader_id=handling.reader) if handling.may_read else None,
    )


@dataclass(frozen=True)
class AppealOfMine:
    """An appeal as its candidate reads it on the results, or whether they may still make one.

    `until` is the last instant for one; None where there can be none at all. `handler` is empty
    until the candidate has opened their review: the answer tells of its levels.
    """

    appeal: GradeAppeal | None
    stage: Stage | None
    is_review_in: bool
    handler: str
    until: datetime | None
    may_appeal: bool

    @property
    def is_to_open(self) -> bool:
        """Say whether the new review waits to be opened."""
        return self.is_review_in and not self.handler

    @property
    def span(self) -> str:
        """Say which part of the recording they asked to be looked at."""
        return media_span_words(self.appeal.start_ms, self.appeal.end_ms) if self.appeal else ""


@dataclass(frozen=True)
class Disputes:
    """What a candidate's results say of their appeal, and of graders who differ."""

    appeal: AppealOfMine
    debrief: Difference | None


def disputes_for_results(attempt: Attempt, labels: tuple[str, ...], at: datetime) -> Disputes:
    """Return both for the results of an answer; one query, three where graders differ."""
    found = _disputed(attempt)
    return Disputes(
        appeal=_appeal_of_mine(attempt, found, at),
        debrief=debrief_for_results(attempt, getattr(found, "queue_entry", None), labels),
    )


def appeal_for_results(attempt: Attempt, at: datetime) -> AppealOfMine:
    """Return what a candidate's results say of their appeal; one query.

    One may be made once all reviews that are in are opened.
    """
    return _appeal_of_mine(attempt, _disputed(attempt), at)


def _disputed(attempt: Attempt) -> Any:
    return (
        Attempt.objects.filter(pk=attempt.pk)
        .select_related("queue_entry", "grade_appeal__review__grader")
        .annotate(
            is_readable=_is_readable(OuterRef("pk")),
            opened=ArraySubquery(
                opened_reviews()
                .filter(attempt=OuterRef("pk"))
                .order_by("submitted_at", "pk")
                .values(row=JSONObject(pk="pk", at="submitted_at"))
            ),
            unopened=Exists(unopened_reviews().filter(attempt=OuterRef("pk"))),
        )
        .get()
    )


def _appeal_of_mine(attempt: Attempt, found: Any, at: datetime) -> AppealOfMine:
    appeal: GradeAppeal | None = getattr(found, "grade_appeal", None)
    if appeal is None:
        moments = [parse_datetime(row["at"]) for row in found.opened]
        until = _until(attempt.submitted_at, [moment for moment in moments if moment])
        may = until is not None and at < until and found.is_readable and not found.unopened
        return AppealOfMine(None, None, False, "", until, may)
    appeal.attempt = attempt
    review = appeal.review
    is_open = review is not None and review.pk in {row["pk"] for row in found.opened}
    cohort = attempt.round.loop.cohort
    return AppealOfMine(
        appeal=appeal,
        stage=stage_of(appeal, at, is_readable=found.is_readable),
        is_review_in=review is not None and review.is_submitted,
        handler=cohort.called(review.grader) if review is not None and is_open else "",
        until=None,
        may_appeal=False,
    )


def appealable_until(attempt: Attempt) -> datetime | None:
    """Return until when the result may be appealed: 30 days from its newest review."""
    handed_in = attempt.reviews.in_results().values_list("submitted_at", flat=True)
    return _until(attempt.submitted_at, [moment for moment in handed_in if moment])


def _until(submitted_at: datetime | None, moments: list[datetime]) -> datetime | None:
    revealed = revealed_at(submitted_at, moments) if submitted_at else None
    return None if revealed is None else max(revealed, *moments) + GradeAppeal.OPEN_FOR


@dataclass(frozen=True)
class Errand:
    """What an appeal's handler is shown beside their review: where to look, and what comes next."""

    appeal: GradeAppeal

    @property
    def span(self) -> str:
        """Say which part of the recording is asked to be looked at."""
        return media_span_words(self.appeal.start_ms, self.appeal.end_ms)

    @property
    def start_seconds(self) -> int:
        """Return where that part begins."""
        return self.appeal.start_ms // 1000

    @property
    def is_to_answer(self) -> bool:
        """Say whether the review is in and the appeal waits for its handler's word."""
        return self.appeal.answered_at is None


def appeal_for_review(review: Review) -> Errand | None:
    """Return the errand of a review that was taken for an appeal, and is still the one for it.

    No query where the appeal was fetched with the review.
    """
    if review.purpose != Review.Purpose.APPEAL:
        return None
    appeal: GradeAppeal | None = getattr(review, "grade_appeal", None)
    return Errand(appeal) if appeal else None
