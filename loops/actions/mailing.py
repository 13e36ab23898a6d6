"""Mail what people are told: claim a notice, hand its mail over outside any transaction, mark it.

The try is counted before the work and the claim is committed before the mail server is asked. A
worker that dies in between leaves a hold that lapses; whoever claims the notice then sends the
same mail under the same Message-ID. What is not useful any more is never sent.

What one person is told of one mock goes out in the order in which it happened, so that no
calendar drops an entry before it has it. Questions and reminders wait for nothing.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused

from django.db import transaction
from django.db.models import Q, QuerySet

from loops.actions.events import record
from loops.background import enqueue
from loops.emails import compose
from loops.models import Notice, User
from loops.queries.notices import is_useful, proposal_asked_about, with_words

HOLD = timedelta(minutes=2)
"""How long a worker may take to hand one mail over; EMAIL_TIMEOUT bounds each step of it."""
MOST_TRIES = 5
NEXT_TRY = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
RING_AT_MOST = 500
UNORDERED = (Notice.Kind.CONFIRM, Notice.Kind.REMINDER)

log = logging.getLogger(__name__)


def send(*, notice_id: int, at: datetime) -> bool:
    """Mail one notice that is due. Safe to run twice, late, or to die half-way.

    Says whether the mail server took it.
    """
    notice = _claim(notice_id, at)
    if notice is None:
        return False
    try:
        compose(notice, proposal=proposal_asked_about(notice)).send()
    except Exception as error:
        log.exception("The mail of notice %s was not sent.", notice.pk)
        _put_back(notice, error, at)
        return False
    Notice.objects.filter(pk=notice.pk, mail_state=Notice.Mail.SENDING).update(
        mail_state=Notice.Mail.SENT, mailed_at=at, mail_held_until=None
    )
    _ring_next(notice, at)
    return True


def ring_due(*, at: datetime) -> int:
    """Ring for notices whose mail is due, or was left by a dead worker; returns how many."""
    ids = list(Notice.objects.to_mail(at).values_list("pk", flat=True)[:RING_AT_MOST])
    for notice_id in ids:
        enqueue("loops.tasks.send_notice", notice_id=notice_id)
    return len(ids)


@transaction.atomic
def send_again(*, notice: Notice, by: User, at: datetime) -> bool:
    """Give a notice whose mail failed another five tries. Says whether it had failed."""
    failed = Notice.objects.filter(pk=notice.pk, mail_state=Notice.Mail.FAILED)
    if not failed.update(mail_state=Notice.Mail.WAITING, mail_tries=0, mail_held_until=None):
        return False
    record("mail_again", notice, by=by, at=at)
    enqueue("loops.tasks.send_notice", notice_id=notice.pk)
    return True


@transaction.atomic
def _claim(notice_id: int, at: datetime) -> Notice | None:
    """Take a notice to be sent, or settle it: None where nothing is to be sent now."""
    notice = _free(Notice.objects.to_mail(at).filter(pk=notice_id)).first()
    if notice is None:
        return None
    if not is_useful(notice, at):
        _skip(notice, at)
        return None
    ahead = _ahead_of(notice)
    for earlier in _free(ahead.filter(Q(mail_state="waiting") | Q(mail_held_until__lte=at))):
        if not is_useful(earlier, at):
            _skip(earlier, at)
    if ahead.exists():
        return None
    if notice.mail_tries >= MOST_TRIES:
        _give_up(notice, "each try ended with its worker", at)
        return None
    notice.mail_state = Notice.Mail.SENDING
    notice.mail_held_until = at + HOLD
    notice.mail_tries += 1
    notice.save(update_fields=["mail_state", "mail_held_until", "mail_tries"])
    return notice


def _free(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Lock those that no other worker has locked."""
    return with_words(notices).select_for_update(of=("self",), skip_locked=True)


def _line(notice: Notice) -> QuerySet[Notice]:
    """Return what else the same person is to be mailed of the same mock, in order."""
    if notice.mock_id is None or notice.kind in UNORDERED:
        return Notice.objects.none()
    return (
        Notice.objects.filter(
            person=notice.person_id,
            mock=notice.mock_id,
            mail_state__in=[Notice.Mail.WAITING, Notice.Mail.SENDING],
        )
        .exclude(kind__in=UNORDERED)
        .exclude(pk=notice.pk)
        .order_by("due_at", "pk")
    )


def _ahead_of(notice: Notice) -> QuerySet[Notice]:
    return _line(notice).filter(
        Q(due_at__lt=notice.due_at) | Q(due_at=notice.due_at, pk__lt=notice.pk)
    )


def _ring_next(notice: Notice, at: datetime) -> None:
    """Ring for what waited for this one; the sweep would, a little later."""
    following = _line(notice).filter(due_at__lte=at).first()
    if following is not None:
        enqueue("loops.tasks.send_notice", notice_id=following.pk)


def _skip(notice: Notice, at: datetime) -> None:
    notice.mail_state = Notice.Mail.SKIPPED
    notice.mail_held_until = None
    notice.save(update_fields=["mail_state", "mail_held_until"])
    _ring_next(notice, at)


@transaction.atomic
def _put_back(notice: Notice, error: Exception, at: datetime) -> None:
    """Let a notice wait for its next try, or give it up; what others did meanwhile stands."""
    held = Notice.objects.select_for_update().filter(pk=notice.pk, mail_state=Notice.Mail.SENDING)
    current = held.first()
    if current is None:
        return
    if current.mail_tries >= MOST_TRIES or _is_refused_for_good(error):
        _give_up(current, f"{type(error).__name__}: {error}", at)
        return
    current.mail_state = Notice.Mail.WAITING
    current.mail_held_until = at + NEXT_TRY[current.mail_tries - 1]
    current.save(update_fields=["mail_state", "mail_held_until"])


def _give_up(notice: Notice, why: str, at: datetime) -> None:
    notice.mail_state = Notice.Mail.FAILED
    notice.mail_held_until = None
    notice.save(update_fields=["mail_state", "mail_held_until"])
    record("mail_failed", notice, by=None, at=at, tries=notice.mail_tries, why=why[:280])
    log.error("The mail of notice %s is given up after %s tries.", notice.pk, notice.mail_tries)
    _ring_next(notice, at)


def _is_refused_for_good(error: Exception) -> bool:
    """Say whether the server knows no such address: asking again would be answered alike."""
    return isinstance(error, SMTPRecipientsRefused) and all(
        code >= 500 for code, _words in error.recipients.values()
    )
