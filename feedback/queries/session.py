"""The session page of a mock as one of its two people sees it, its cards, and its notes."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from feedback.models import InterviewerCard, Review
from feedback.queries.reveal import is_revealed
from loops import promises
from loops.clocks import ForTwo, for_two
from loops.hours import Period
from loops.models import Attempt, Event, Mock, Recording, Seat, Turn, User
from loops.queries.practice import Step, guide_of
from loops.states import AttemptState, MockState, RecordingState

NOTE_OPENS_AFTER = timedelta(hours=48)
"""So long after a mock a practice note opens though its candidate has given no card."""
SAFE = {state.value for state in RecordingState.settled()}


@dataclass(frozen=True)
class TurnLine:
    """One turn as one of the two sees it; what of its review and card there is.

    `recording_state` is empty while nothing was recorded.
    """

    turn: Any
    is_mine: bool
    candidate: str
    interviewer: str

    @property
    def state(self) -> str:
        """Say where it stands: "ahead", "on" or "over"."""
        if self.turn.begun_at is None:
            return "ahead"
        return "on" if self.turn.ended_at is None else "over"

    @property
    def is_begun(self) -> bool:
        """Say whether its prompt was shown."""
        return self.turn.begun_at is not None

    @property
    def attempt(self) -> Attempt:
        """Return its answer; a turn that has begun has one."""
        attempt: Attempt | None = self.turn.attempt
        if attempt is None:
            raise ValueError("A turn that has not begun has no answer.")
        return attempt

    @property
    def recording_state(self) -> str:
        """Return where its recording stands; empty without one."""
        return self.turn.recording_state or ""

    @property
    def is_recording(self) -> bool:
        """Say whether it is being recorded, as far as the server knows."""
        return self.recording_state == RecordingState.RECORDING

    @property
    def is_failed(self) -> bool:
        """Say whether its recording could not be made playable."""
        return self.recording_state == RecordingState.FAILED

    @property
    def is_recorded(self) -> bool:
        """Say whether a recording of it is safe here."""
        return self.recording_state in SAFE

    @property
    def is_review_in(self) -> bool:
        """Say whether the interviewer has handed in."""
        return bool(self.turn.review_state == Review.State.SUBMITTED)

    @property
    def has_card(self) -> bool:
        """Say whether the candidate has given the interviewer's card."""
        return bool(self.turn.has_card)

    @property
    def is_note(self) -> bool:
        """Say whether the review can only be a practice note: the answer was put away."""
        return self.is_begun and self.attempt.state == AttemptState.WITHDRAWN

    def is_note_open(self, at: datetime) -> bool:
        """Say whether the candidate may read the practice note."""
        if not (self.is_note and self.is_review_in):
            return False
        return self.has_card or at >= self.turn.mock.ends_at + NOTE_OPENS_AFTER


@dataclass(frozen=True)
class SessionPage:
    """A mock on its evening. `lines` are its turns in order; both people are in each."""

    user: User
    at: datetime
    when: ForTwo
    lines: list[TurnLine]

    @property
    def mock(self) -> Mock:
        """Return the mock."""
        mock: Mock = self.lines[0].turn.mock
        return mock

    @property
    def partner(self) -> User:
        """Return the other."""
        turn = self.lines[0].turn
        other: User = turn.interviewer if turn.candidate_id == self.user.pk else turn.candidate
        return other

    @property
    def name(self) -> str:
        """Call the other as the cohort does."""
        return self.mock.cohort.called(self.partner)

    @property
    def own_arrived_at(self) -> datetime | None:
        """Return when the person said that they are here."""
        arrived: datetime | None = self.lines[0].turn.own_arrived_at
        return arrived

    @property
    def partner_arrived_at(self) -> datetime | None:
        """Return when the other did."""
        arrived: datetime | None = self.lines[0].turn.partner_arrived_at
        return arrived

    @property
    def was_absent(self) -> bool:
        """Say whether it is the reader who was reported absent."""
        return bool(self.lines[0].turn.own_outcome == Seat.Outcome.NO_SHOW)

    @property
    def opens_at(self) -> datetime:
        """Return from when on one can say that one is here."""
        return self.mock.starts_at - promises.ARRIVE_BEFORE

    @property
    def grace_ends_at(self) -> datetime:
        """Return from when on the other counts as absent."""
        return self.mock.starts_at + promises.GRACE

    @property
    def seconds_to_start(self) -> int:
        """Return how long it is to the start; 0 once it has begun."""
        return max(0, int((self.mock.starts_at - self.at).total_seconds()))

    @property
    def seconds_of_grace(self) -> int:
        """Return how long it is until the other counts as absent; 0 after that."""
        return max(0, int((self.grace_ends_at - self.at).total_seconds()))

    @cached_property
    def current(self) -> TurnLine | None:
        """Return the turn that is on, or the next one; None once all are over."""
        return next((line for line in self.lines if line.state != "over"), None)

    @cached_property
    def phase(self) -> str:
        """Say where the evening stands for the reader.

        Before it runs "proposed", "early", "doors" (time to say that one is here), "waiting" for
        the other, "absent" once their grace is over, or "late" where nobody said anything in
        time; then "ready" for a turn, "on", "talk" when all are over, "done"; else the state of
        a mock that will not be: "cancelled", "expired", "no_show" or "converted".
        """
        state = self.mock.state
        if state == MockState.RUNNING:
            if self.current is None:
                return "talk"
            return "on" if self.current.state == "on" else "ready"
        if state not in {MockState.ACCEPTED, MockState.CONFIRMED}:
            return str(state)
        if self.at >= self.mock.ends_at:
            return "late"
        if not self.own_arrived_at:
            return "early" if self.at < self.opens_at else "doors"
        return "waiting" if self.at < self.grace_ends_at else "absent"

    @property
    def shown(self) -> str:
        """Name what the page is made of: pages of one name differ only in parts that are swapped.

        "answering-1" is the candidate's of the first turn, with its recorder; "interviewing-1"
        the interviewer's with the scorecard.
        """
        line = self.current
        if line is not None and self.phase in {"waiting", "ready", "on"}:
            if line.is_mine and not line.is_recorded:
                return f"answering-{line.turn.position}"
            if self.phase == "on" and not line.is_mine:
                return f"interviewing-{line.turn.position}"
        return self.phase

    @cached_property
    def edition(self) -> str:
        """Digest all that moves on the page while it is open; another edition shows otherwise."""
        facts = [
            self.phase,
            self.own_arrived_at is not None,
            self.partner_arrived_at is not None,
            self.mock.video_url,
            *(
                (line.state, line.recording_state, line.is_review_in, line.has_card)
                + ((line.attempt.state, line.attempt.predicted_rank) if line.is_begun else ())
                for line in self.lines
            ),
        ]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]

    @property
    def poll_seconds(self) -> int:
        """Return how often the page asks for news; 0 where none is to come."""
        if self.phase == "early":
            return 30
        is_sending = any(line.is_recording for line in self.lines)
        is_live = self.phase in {"doors", "waiting", "absent", "ready", "on", "talk"}
        return 6 if is_live or is_sending else 0

    @property
    def mine(self) -> list[TurnLine]:
        """Return the turns that were begun in which the reader answered."""
        return [line for line in self.lines if line.is_mine and line.is_begun]

    @property
    def theirs(self) -> list[TurnLine]:
        """Return the turns that were begun in which the reader interviewed."""
        return [line for line in self.lines if not line.is_mine and line.is_begun]

    @property
    def turn_seconds(self) -> int:
        """Return for how long the turn that is on has run."""
        begun_at = self.current.turn.begun_at if self.current else None
        return max(0, int((self.at - begun_at).total_seconds())) if begun_at else 0


@dataclass(frozen=True)
class CardPage:
    """The card of one turn as its candidate gives it, or its interviewer reads it.

    `card` is None where there is none, or none that the reader may see yet. The `review` is the
    interviewer's; whether its candidate may read it as a practice note says `is_note_open`.
    """

    turn: Turn
    is_mine: bool
    card: InterviewerCard | None
    review: Review | None
    is_given: bool
    is_closed: bool
    is_note_open: bool

    @property
    def is_review_in(self) -> bool:
        """Say whether the interviewer has handed in."""
        return self.review is not None and self.review.is_submitted

    @property
    def said(self) -> list[tuple[str, int]]:
        """Return what the card says: each item in words, and its mark."""
        items = InterviewerCard.LABELS.items()
        return [(str(label), getattr(self.card, item)) for item, label in items]

    @property
    def interviewer(self) -> str:
        """Call the interviewer as the cohort does."""
        return self.turn.mock.cohort.called(self.turn.interviewer)

    @property
    def candidate(self) -> str:
        """Call the candidate as the cohort does."""
        return self.turn.mock.cohort.called(self.turn.candidate)


@dataclass(frozen=True)
class ItemCount:
    """How often one item of the card held, partly held and did not."""

    label: str
    yes: int
    partly: int
    no: int

    @property
    def all(self) -> int:
        """Return how many said anything."""
        return self.yes + self.partly + self.no


def session_turns(user: User) -> QuerySet[Turn]:
    """Return the turns of a person's mocks with all that the session page tells of them."""
    seats = Seat.objects.filter(mock=OuterRef("mock"))
    own, other = seats.filter(member=user), seats.exclude(member=user)
    live = Review.objects.filter(attempt=OuterRef("attempt"), is_live=True)
    kept = Recording.objects.kept().filter(attempt=OuterRef("attempt"))
    redrawn = Event.objects.filter(
        verb="redrawn", subject=Turn._meta.label_lower, subject_id=OuterRef("pk")
    )
    return (
        Turn.objects.filter(Q(candidate=user) | Q(interviewer=user))
        .select_related(
            "mock__cohort",
            "mock__replaced_by",
            "candidate",
            "interviewer",
            "round__round_kind",
            "round__loop__cohort",
            "prompt",
            "rubric_version",
            "attempt__round__round_kind",
            "attempt__round__loop__cohort",
            "attempt__prompt",
            "attempt__rubric_version",
        )
        .annotate(
            own_arrived_at=Subquery(own.values("arrived_at")[:1]),
            partner_arrived_at=Subquery(other.values("arrived_at")[:1]),
            own_outcome=Subquery(own.values("outcome")[:1]),
            recording_state=Subquery(kept.values("state")[:1]),
            review_state=Subquery(live.values("state")[:1]),
            review_id=Subquery(live.values("public_id")[:1]),
            has_card=Exists(InterviewerCard.objects.filter(turn=OuterRef("pk"))),
            is_redrawn=Exists(redrawn),
        )
        .order_by("position")
    )


def session_page(turns: Sequence[Turn], user: User, at: datetime) -> SessionPage:
    """Return the page of the turns that `access.session_to_join` let one of its two have."""
    mock, cohort = turns[0].mock, turns[0].mock.cohort
    lines = [
        TurnLine(
            turn=turn,
            is_mine=turn.candidate_id == user.pk,
            candidate=cohort.called(turn.candidate),
            interviewer=cohort.called(turn.interviewer),
        )
        for turn in turns
    ]
    first = turns[0]
    partner = first.interviewer if first.candidate_id == user.pk else first.candidate
    return SessionPage(
        user=user,
        at=at,
        when=for_two(
            Period(mock.starts_at, mock.ends_at),
            user.time_zone,
            partner.time_zone,
            cohort.called(partner),
            at,
        ),
        lines=lines,
    )


def guide_of_turn(turn: Turn) -> list[Step]:
    """Return the time guide of a turn."""
    version = turn.rubric_version
    return guide_of(turn.round, version.phases.order_by("position")) if version else []


def card_page(turn: Turn, user: User, at: datetime) -> CardPage:
    """Return the card of a turn that `access.turn_to_speak_of` let one of its two have.

    Each reads what the other says once both have said it.
    """
    is_mine = turn.candidate_id == user.pk
    card: InterviewerCard | None = getattr(turn, "card", None)
    review = live_review(turn)
    is_review_in = review is not None and review.is_submitted
    return CardPage(
        turn=turn,
        is_mine=is_mine,
        card=card if is_mine or is_review_in else None,
        review=review,
        is_given=card is not None,
        is_closed=card is None and card_is_closed(turn, review, at),
        is_note_open=_is_note_open(turn, review, card, at),
    )


def turn_without_card(attempt: Attempt) -> Turn | None:
    """Return the turn of a live answer while its interviewer's card is to be given."""
    turns = Turn.objects.select_related("mock__cohort", "interviewer").filter(attempt=attempt)
    return turns.filter(card=None).first()


def card_is_closed(turn: Turn, review: Review | None, at: datetime) -> bool:
    """Say whether the candidate of a turn can read its interviewer's review without a card."""
    if turn.attempt is not None and turn.attempt.state == AttemptState.SUBMITTED:
        return is_revealed(turn.attempt, at)
    return _is_note_open(turn, review, None, at)


def live_review(turn: Turn) -> Review | None:
    """Return the interviewer's review of a turn, as far filled in as a page of it needs."""
    reviews = Review.objects.select_related(
        "attempt__prompt",
        "attempt__rubric_version",
        "attempt__round__round_kind",
        "attempt__round__loop__cohort",
        "attempt__round__loop__member",
    )
    return (
        reviews.filter(attempt=turn.attempt_id, is_live=True).first() if turn.attempt_id else None
    )


def as_interviewer(user: User) -> list[ItemCount]:
    """Return how a person's interviewing was found, item by item; one query."""
    return item_counts(list(cards_counted(user)))


def cards_counted(user: User) -> QuerySet[Any, Any]:
    """Return, in one row or none, how often each mark was given to each item of a person's cards.

    Only cards that they may read count: those of turns of which their review is in.
    """
    readable = InterviewerCard.objects.filter(
        turn__interviewer=user,
        turn__attempt__reviews__grader=user,
        turn__attempt__reviews__state=Review.State.SUBMITTED,
    )
    counts = {
        f"{item}_{mark.name}": Count("pk", filter=Q(**{item: mark.value}))
        for item in InterviewerCard.ITEMS
        for mark in InterviewerCard.Mark
    }
    counted = readable.order_by().values("turn__interviewer").annotate(**counts)
    return counted.values_list(JSONObject(**{name: name for name in counts}), flat=True)


def item_counts(rows: Sequence[Mapping[str, int]]) -> list[ItemCount]:
    """Read the row of `cards_counted`; where there is none, nothing was counted."""
    marks = InterviewerCard.Mark
    counts: Counter[str] = Counter(rows[0] if rows else {})
    return [
        ItemCount(
            label=str(InterviewerCard.LABELS[item]),
            yes=counts[f"{item}_{marks.YES.name}"],
            partly=counts[f"{item}_{marks.PARTLY.name}"],
            no=counts[f"{item}_{marks.NO.name}"],
        )
        for item in InterviewerCard.ITEMS
    ]


def _is_note_open(
    turn: Turn, review: Review | None, card: InterviewerCard | None, at: datetime
) -> bool:
    """Say whether a candidate may read what was written of an answer that was put away.

    With their card they may as soon as it is in; without, two days after the mock.
    """
    is_away = turn.attempt is not None and turn.attempt.state == AttemptState.WITHDRAWN
    if not is_away or review is None or not review.is_submitted:
        return False
    return card is not None or at >= turn.mock.ends_at + NOTE_OPENS_AFTER
