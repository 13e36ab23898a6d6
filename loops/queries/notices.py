"""What a person was told, with all that its words are made of, and how much of it is unread."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, ExpressionWrapper, Prefetch, Q, QuerySet
from django.utils import timezone

from loops.models import Mock, Notice, NoticeWish, Proposal, Seat, Turn, User
from loops.states import MockState
from loops.telling import Told, period_told, told

A_PAGE = 20
DAILY_KINDS = frozenset(
    {
        Notice.Kind.NEEDS_GRADER,
        Notice.Kind.LATE_REVIEW,
        Notice.Kind.DEBRIEF_SAID,
        Notice.Kind.UNLOCKED,
        Notice.Kind.GRADE_APPEAL,
    }
)
"""Kinds that are good to know and ask for nothing at once."""


@dataclass(frozen=True)
class NoticeLine:
    """One notice in words."""

    notice: Notice
    told: Told


@dataclass(frozen=True)
class NoticeDay:
    """The notices of one local day, the newest first, either all unread or all read."""

    on: date
    is_unread: bool
    lines: list[NoticeLine]


@dataclass(frozen=True)
class NoticePage:
    """A page of notices: those unread come first, each part by day."""

    page: Page[Notice]
    days: list[NoticeDay]


def with_words(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Fetch with notices what their words are made of; three queries, however many."""
    return notices.select_related("person", "mock__cohort").prefetch_related(
        Prefetch("mock__seats", queryset=Seat.objects.select_related("member")),
        Prefetch("mock__turns", queryset=Turn.objects.select_related("round__round_kind")),
    )


def unread_of(user: User, at: datetime) -> QuerySet[Notice]:
    """Return what the person was told and has not read."""
    return Notice.objects.unread(at).filter(person=user)


def notice_page(user: User, at: datetime, number: str = "1") -> NoticePage:
    """Return a page of what the person was told up to an instant; a page too far is the last."""
    is_read = ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField())
    shown = (
        Notice.objects.shown(at)
        .filter(person=user)
        .annotate(is_read=is_read)
        .order_by("is_read", "-due_at", "-id")
    )
    page = Paginator(with_words(shown), A_PAGE).get_page(number)
    lines = [NoticeLine(notice, told(notice)) for notice in page]
    days = [
        NoticeDay(on, is_unread, list(group)) for (is_unread, on), group in groupby(lines, key=_day)
    ]
    return NoticePage(page=page, days=days)


def default_mail(kind: str) -> str:
    """Return when the mail of a kind comes to who never said otherwise."""
    return NoticeWish.Mail.DAILY if kind in DAILY_KINDS else NoticeWish.Mail.AT_ONCE


def wishes_of(user: User) -> dict[str, tuple[bool, str]]:
    """Return how a person is told of each kind: whether on the page, and when by mail."""
    kept = {
        wish.kind: (wish.is_on_page, wish.mail) for wish in NoticeWish.objects.filter(person=user)
    }
    kinds = [kind.value for kind in Notice.Kind if kind != Notice.Kind.DIGEST]
    return {kind: kept.get(kind, (True, default_mail(kind))) for kind in kinds}


def proposal_asked_about(notice: Notice) -> Proposal | None:
    """Return the proposal that a notice tells of, or None where it tells of none."""
    public_id = notice.data.get("proposal")
    if not public_id:
        return None
    return Proposal.objects.filter(public_id=public_id, mock=notice.mock_id).first()


def is_useful(notice: Notice, at: datetime) -> bool:
    """Say whether a notice still tells its person something: what it tells of is not over.

    Its person, mock and seats are fetched with it. What a mail tells is what was true when the
    notice was written, so this is asked just before it is sent.
    """
    if notice.withdrawn_at is not None or not notice.person.is_active:
        return False
    if notice.useful_until is not None and notice.useful_until <= at:
        return False
    if notice.mock is None or notice.kind not in STILL_SO:
        return True
    return STILL_SO[notice.kind](notice, notice.mock)


def _is_unanswered(notice: Notice, mock: Mock) -> bool:
    proposal = proposal_asked_about(notice)
    if proposal is None or not proposal.is_open or not mock.is_live:
        return False
    return mock.seat_of(notice.person).accepted_id != proposal.pk


def _is_agreed(notice: Notice, mock: Mock) -> bool:
    return mock.is_agreed


def _is_at_that_time(notice: Notice, mock: Mock) -> bool:
    period = period_told(notice)
    return mock.is_agreed and period is not None and mock.starts_at == period.starts_at


def _is_unconfirmed(notice: Notice, mock: Mock) -> bool:
    is_open = mock.state == MockState.ACCEPTED and _is_at_that_time(notice, mock)
    return is_open and mock.seat_of(notice.person).confirmed_at is None


def _is_expected(notice: Notice, mock: Mock) -> bool:
    has_arrived = mock.seat_of(notice.person).arrived_at is not None
    return _is_at_that_time(notice, mock) and not has_arrived


def _is_missed(notice: Notice, mock: Mock) -> bool:
    return mock.seat_of(notice.person).outcome == Seat.Outcome.NO_SHOW


STILL_SO: dict[str, Callable[[Notice, Mock], bool]] = {
    Notice.Kind.PROPOSED: _is_unanswered,
    Notice.Kind.COUNTERED: _is_unanswered,
    Notice.Kind.PAIRED: _is_unanswered,
    Notice.Kind.AGREED: _is_agreed,
    Notice.Kind.STANDBY: _is_agreed,
    Notice.Kind.MOVED: _is_agreed,
    Notice.Kind.CHANGED: _is_agreed,
    Notice.Kind.CONFIRM: _is_unconfirmed,
    Notice.Kind.REMINDER: _is_expected,
    Notice.Kind.RETIMED: _is_at_that_time,
    Notice.Kind.ABSENT: _is_missed,
}
"""What must still be so for a mail to be sent; a notice of another kind tells of the past."""


def _day(line: NoticeLine) -> tuple[bool, date]:
    return line.notice.read_at is None, timezone.localtime(line.notice.due_at).date()
