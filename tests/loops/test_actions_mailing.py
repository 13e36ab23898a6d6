"""Mailing: claimed before, marked after, sent again under one name, in order, or not at all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from loops.actions import bookings, mailing, notices
from loops.models import Cohort, Event, Mock, Notice, Proposal, User
from tests import factories
from tests.factories import NOW
from tests.threads import together

HOUR = timedelta(hours=1)
STARTS = NOW + timedelta(days=2)
SMTP = "tests.loops.test_actions_mailing.Server"

Write = Callable[..., Notice]


class Server(EmailBackend):
    """A mail server of which a test says how it behaves; what it took is in the outbox."""

    behave: Callable[[EmailMessage], None] = staticmethod(lambda message: None)
    dies_after: type[BaseException] | None = None

    def send_messages(self, messages: Any) -> int:
        """Take the messages, unless told otherwise."""
        for message in messages:
            Server.behave(message)
        count = super().send_messages(messages)
        if Server.dies_after is not None:
            raise Server.dies_after
        return count


class Killed(BaseException):
    """What a signal does to a worker: nothing of it goes on."""


@pytest.fixture(autouse=True)
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    """Hand mail to a server that behaves as the test says."""
    settings.EMAIL_BACKEND = SMTP
    monkeypatch.setattr(Server, "behave", staticmethod(lambda message: None))
    monkeypatch.setattr(Server, "dies_after", None)
    return Server


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For which notices a worker is rung, at once: no broker is asked."""
    bells: list[int] = []

    def enqueue(task: str, **ids: int) -> None:
        assert task == "loops.tasks.send_notice"
        bells.append(ids["notice_id"])

    monkeypatch.setattr(mailing, "enqueue", enqueue)
    monkeypatch.setattr(notices, "enqueue", enqueue)
    return bells


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A confirmed mock of the two, in two days."""
    return factories.mock(candidate, peer, cohort, starts_at=STARTS)


@pytest.fixture
def write(mock: Mock, peer: User, heard: list[int]) -> Write:
    """Tell the peer of the mock as it stands."""

    def write(kind: str = "agreed", person: User = peer, **when: Any) -> Notice:
        at = when.pop("at", NOW)
        return bookings.tell_of_mock(person, kind, mock, at, **when)

    return write


def send(notice: Notice, at: datetime = NOW) -> str:
    """Send a notice as a worker does; return where its mail stands then."""
    mailing.send(notice_id=notice.pk, at=at)
    notice.refresh_from_db()
    return str(notice.mail_state)


def sent_ids() -> list[str]:
    return [str(message.extra_headers["Message-ID"]) for message in mail.outbox]


def subjects() -> list[str]:
    return [str(message.subject).split(":")[0] for message in mail.outbox]


# Once


def test_a_notice_is_mailed_once(write: Write) -> None:
    notice = write()

    assert [send(notice), send(notice)] == ["sent", "sent"]
    assert sent_ids() == [notice.message_id]
    assert (notice.mailed_at, notice.mail_held_until, notice.mail_tries) == (NOW, None, 1)


def test_a_notice_that_is_gone_is_no_error(db: None) -> None:
    assert mailing.send(notice_id=0, at=NOW) is False


def test_a_notice_that_is_not_due_waits(write: Write) -> None:
    notice = write("reminder", due_at=NOW + HOUR)

    assert [send(notice), send(notice, NOW + HOUR)] == ["waiting", "sent"]


@pytest.mark.django_db(transaction=True)
def test_the_claim_is_committed_before_the_server_is_asked(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = write()
    seen: list[object] = []

    def look(message: EmailMessage) -> None:
        seen.append(connection.in_atomic_block)
        row = Notice.objects.filter(pk=notice.pk)
        facts = "mail_state", "mail_tries", "mail_held_until"
        seen.extend(together([lambda: row.values_list(*facts).get()]))

    monkeypatch.setattr(server, "behave", staticmethod(look))

    send(notice)

    assert seen == [False, ("sending", 1, NOW + mailing.HOLD)]


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_one_mail(write: Write) -> None:
    notice = write()

    told = together([lambda: mailing.send(notice_id=notice.pk, at=NOW)] * 6)

    assert sorted(told) == [False] * 5 + [True]
    assert sent_ids() == [notice.message_id]


# A worker that dies


def test_a_kill_after_the_server_took_it_sends_the_same_mail_again(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = write()
    monkeypatch.setattr(server, "dies_after", Killed)
    with pytest.raises(Killed):
        send(notice)
    monkeypatch.setattr(server, "dies_after", None)

    too_early = send(notice, NOW + mailing.HOLD - timedelta(seconds=1))
    later = send(notice, NOW + mailing.HOLD)

    assert (too_early, later) == ("sending", "sent")
    assert sent_ids() == [notice.message_id] * 2
    first, again = (message.message().as_bytes() for message in mail.outbox)
    assert _without_chance(first) == _without_chance(again)


def _without_chance(written: bytes) -> list[bytes]:
    """Leave out the date and the strings that part the parts."""
    of_chance = (b"Date:", b"--=", b"Content-Type: multipart", b" boundary=")
    return [line for line in written.splitlines() if not line.startswith(of_chance)]


def test_a_kill_before_the_server_took_it_loses_nothing(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = write()

    def kill(message: EmailMessage) -> None:
        raise Killed

    monkeypatch.setattr(server, "behave", staticmethod(kill))
    with pytest.raises(Killed):
        send(notice)
    monkeypatch.setattr(server, "behave", staticmethod(lambda message: None))

    assert send(notice, NOW + mailing.HOLD) == "sent"
    assert sent_ids() == [notice.message_id]


def test_a_mail_that_kills_each_worker_is_given_up(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = write()
    calls: list[object] = []

    def kill(message: EmailMessage) -> None:
        calls.append(message)
        raise Killed

    monkeypatch.setattr(server, "behave", staticmethod(kill))
    at = NOW
    for _ in range(5):
        with pytest.raises(Killed):
            send(notice, at)
        at += mailing.HOLD

    assert send(notice, at) == "failed"
    assert len(calls) == 5
    assert Event.objects.get(verb="mail_failed").data["tries"] == 5


# A server that will not


def test_a_server_that_is_down_is_asked_less_and_less_and_five_times(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    notice = write()
    calls: list[datetime] = []
    at = NOW

    def down(message: EmailMessage) -> None:
        calls.append(at)
        raise SMTPServerDisconnected("gone away")

    monkeypatch.setattr(server, "behave", staticmethod(down))
    states = []
    for minutes in (0, 1, 5, 30, 120):
        at += timedelta(minutes=minutes)
        assert send(notice, at - timedelta(seconds=1)) == "waiting"
        states.append(send(notice, at))

    assert states == ["waiting"] * 4 + ["failed"]
    assert len(calls) == 5
    event = Event.objects.get(verb="mail_failed")
    assert (event.subject_id, event.data["why"]) == (
        notice.pk,
        "SMTPServerDisconnected: gone away",
    )
    assert f"The mail of notice {notice.pk} is given up after 5 tries." in caplog.text
    assert not Notice.objects.to_mail(at + timedelta(days=9)).exists()


@pytest.mark.parametrize(("code", "state"), [(550, "failed"), (450, "waiting")])
def test_an_address_that_is_refused_for_good_is_not_asked_again(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch, code: int, state: str
) -> None:
    def refuse(message: EmailMessage) -> None:
        raise SMTPRecipientsRefused({message.to[0]: (code, b"no")})

    monkeypatch.setattr(server, "behave", staticmethod(refuse))

    assert send(write()) == state


def test_what_failed_may_be_sent_again(write: Write, heard: list[int], candidate: User) -> None:
    notice = write()
    Notice.objects.update(mail_state="failed", mail_tries=5)
    heard.clear()

    assert mailing.send_again(notice=notice, by=candidate, at=NOW)
    assert not mailing.send_again(notice=notice, by=candidate, at=NOW)

    assert heard == [notice.pk]
    assert send(notice) == "sent"
    assert sent_ids() == [notice.message_id]


def test_a_mail_that_cannot_be_written_counts_as_a_try(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise KeyError("was")

    monkeypatch.setattr(mailing, "compose", broken)
    notice = write()

    assert send(notice) == "waiting"
    assert notice.mail_tries == 1


# What is not useful any more


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("agreed", {"state": "cancelled"}),
        ("agreed", {"state": "expired"}),
        ("moved", {"state": "cancelled"}),
        ("changed", {"state": "cancelled"}),
        ("standby", {"state": "done"}),
        ("confirm", {"state": "confirmed"}),
        ("confirm", {"starts_at": STARTS + HOUR, "ends_at": STARTS + 2 * HOUR}),
        ("reminder", {"state": "cancelled"}),
        ("reminder", {"starts_at": STARTS + HOUR, "ends_at": STARTS + 2 * HOUR}),
        ("retimed", {"state": "cancelled"}),
    ],
)
def test_what_a_mock_has_outrun_is_not_mailed(
    write: Write, mock: Mock, kind: str, change: dict[str, Any]
) -> None:
    Mock.objects.update(state="accepted")
    mock.seats.update(confirmed_at=None)
    mock.refresh_from_db()
    reading = "2026-03-04 09:30"
    more = {"was": STARTS.isoformat() if kind == "moved" else reading, "now": reading}
    notice = write(kind, **more)
    other = write(kind, mock.seats.exclude(member=notice.person).get().member, **more)

    before = send(other)
    Mock.objects.update(**change)

    assert (before, send(notice)) == ("sent", "skipped")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("confirm", {"confirmed_at": NOW}),
        ("reminder", {"arrived_at": NOW}),
        ("absent", {"outcome": "excused"}),
    ],
)
def test_what_a_person_has_done_is_not_asked_of_them(
    write: Write, mock: Mock, peer: User, kind: str, change: dict[str, Any]
) -> None:
    Mock.objects.update(state="accepted")
    mock.seats.update(confirmed_at=None, outcome="no_show")
    mock.refresh_from_db()
    mock.seats.filter(member=peer).update(**change)
    partner = mock.seats.exclude(member=peer).get().member

    assert send(write(kind, peer)) == "skipped"
    assert send(write(kind, partner)) == "sent"


def test_a_person_who_is_gone_is_mailed_nothing(write: Write, peer: User) -> None:
    notice = write("cancelled")
    User.objects.filter(pk=peer.pk).update(is_active=False)

    assert send(notice) == "skipped"


def test_what_was_taken_back_is_not_mailed(write: Write) -> None:
    notice = write("cancelled")
    Notice.objects.update(withdrawn_at=NOW)

    assert send(notice) == "skipped"


@pytest.mark.parametrize("change", ["answered", "accepted", "over"])
def test_a_proposal_that_is_answered_asks_nobody(
    candidate: User, peer: User, cohort: Cohort, heard: list[int], change: str
) -> None:
    mock = factories.mock(candidate, peer, cohort, starts_at=STARTS, state="proposed")
    proposal = mock.proposals.get()
    notice = bookings._tell_of_proposal(peer, "proposed", mock, proposal, NOW)
    if change == "answered":
        Proposal.objects.update(state="withdrawn")
    elif change == "accepted":
        mock.seats.filter(member=peer).update(accepted=proposal)
    else:
        Mock.objects.update(state="expired")

    assert send(notice) == "skipped"


def test_an_open_proposal_is_mailed(
    candidate: User, peer: User, cohort: Cohort, heard: list[int]
) -> None:
    mock = factories.mock(candidate, peer, cohort, starts_at=STARTS, state="proposed")
    notice = bookings._tell_of_proposal(peer, "proposed", mock, mock.proposals.get(), NOW)

    assert send(notice) == "sent"


@pytest.mark.parametrize(
    ("hours_down", "state"),
    [(0, "sent"), (1, "sent"), (1.99, "sent"), (2, "skipped"), (3, "skipped")],
)
def test_a_reminder_that_was_held_up_is_mailed_while_it_is_of_use(
    write: Write, hours_down: float, state: str
) -> None:
    """The worker was down when it came due, two hours before the start."""
    due_at = STARTS - 2 * HOUR
    notice = write("reminder", due_at=due_at, useful_until=STARTS)

    mailing.ring_due(at=due_at + timedelta(hours=hours_down))

    assert send(notice, due_at + timedelta(hours=hours_down)) == state


def test_a_question_held_up_three_hours_is_still_asked(write: Write, mock: Mock) -> None:
    """Silence gives the seats back only four hours before the start."""
    Mock.objects.update(state="accepted")
    mock.seats.update(confirmed_at=None)
    mock.refresh_from_db()
    due_at = STARTS - 24 * HOUR
    notice = write("confirm", due_at=due_at, useful_until=STARTS - 4 * HOUR)

    assert send(notice, due_at + 3 * HOUR) == "sent"


# In order


def test_what_came_later_waits_for_what_came_before(write: Write, heard: list[int]) -> None:
    request = write("agreed")
    moved = write("moved", was=STARTS.isoformat())
    heard.clear()

    assert send(moved) == "waiting"
    assert send(request) == "sent"
    assert heard == [moved.pk]
    assert send(moved) == "sent"
    assert subjects() == ["Agreed", "Moved"]


def test_a_cancelling_waits_while_its_request_is_in_a_workers_hands(
    write: Write, mock: Mock, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server may have the request already: what comes after it comes after it."""
    request = write("agreed")
    monkeypatch.setattr(server, "dies_after", Killed)
    with pytest.raises(Killed):
        send(request)
    monkeypatch.setattr(server, "dies_after", None)
    Mock.objects.update(state="cancelled")
    cancelling = write("cancelled")

    held = send(cancelling)
    free = send(cancelling, NOW + mailing.HOLD)

    request.refresh_from_db()
    assert (held, free, request.mail_state) == ("waiting", "sent", "skipped")
    assert subjects() == ["Agreed", "Cancelled"]


def test_a_request_that_waits_for_another_try_is_overtaken_by_its_cancelling(
    write: Write, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(message: EmailMessage) -> None:
        raise ConnectionRefusedError

    request = write("agreed")
    monkeypatch.setattr(server, "behave", staticmethod(down))
    send(request)
    monkeypatch.setattr(server, "behave", staticmethod(lambda message: None))
    Mock.objects.update(state="cancelled")

    assert send(write("cancelled")) == "sent"
    request.refresh_from_db()
    assert request.mail_state == "skipped"
    assert subjects() == ["Cancelled"]


def test_a_request_given_up_holds_nothing_up(write: Write, heard: list[int]) -> None:
    request, moved = write("agreed"), write("moved", was=STARTS.isoformat())
    Notice.objects.filter(pk=request.pk).update(mail_tries=5)
    heard.clear()

    assert send(request) == "failed"
    assert heard == [moved.pk]
    assert send(moved) == "sent"


def test_a_reminder_waits_for_nothing_and_holds_nothing_up(write: Write) -> None:
    write("agreed")
    reminder = write("reminder", due_at=NOW)

    assert send(reminder) == "sent"


def test_one_persons_order_is_nobody_elses(
    write: Write, candidate: User, peer: User, cohort: Cohort
) -> None:
    write("agreed", peer)
    other_mock = factories.mock(candidate, peer, cohort, starts_at=STARTS + 5 * HOUR)
    other = bookings.tell_of_mock(peer, "moved", other_mock, NOW, was=STARTS.isoformat())

    assert send(write("cancelled", candidate)) == "sent"
    assert send(other) == "sent"


@pytest.mark.django_db(transaction=True)
def test_workers_in_a_race_keep_the_order(write: Write) -> None:
    written = [
        write("agreed"),
        write("moved", was=STARTS.isoformat()),
        write("changed"),
        write("cancelled"),
    ]

    def work() -> None:
        for _ in range(4):
            for notice in reversed(written):
                mailing.send(notice_id=notice.pk, at=NOW)

    together([work] * 4)
    work()  # as the sweep does: what waited for another's mail may have been asked for too early

    assert subjects() == ["Agreed", "Moved", "Changed", "Cancelled"]


# Bells


def test_the_sweep_rings_for_what_is_due_and_in_nobodys_hands(
    write: Write, candidate: User, heard: list[int]
) -> None:
    due = write("reminder", due_at=NOW)
    lapsed = write("agreed", candidate)
    Notice.objects.filter(pk=lapsed.pk).update(mail_state="sending", mail_held_until=NOW)
    held = write("agreed")
    Notice.objects.filter(pk=held.pk).update(mail_state="sending", mail_held_until=NOW + HOUR)
    write("reminder", candidate, due_at=NOW + HOUR)
    done = write("changed")
    Notice.objects.filter(pk=done.pk).update(mail_state="sent")
    heard.clear()

    assert mailing.ring_due(at=NOW) == 2
    assert heard == [due.pk, lapsed.pk]


@pytest.mark.django_db(transaction=True)
def test_telling_rings_after_commit(
    mock: Mock, peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bells: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda task, *, kwargs: bells.append((task, kwargs))
    )

    with transaction.atomic():
        notice = bookings.tell_of_mock(peer, "agreed", mock, NOW)
        before = list(bells)
    bookings.tell_of_mock(peer, "reminder", mock, NOW, due_at=NOW + HOUR)

    assert (before, bells) == ([], [("loops.tasks.send_notice", {"notice_id": notice.pk})])
