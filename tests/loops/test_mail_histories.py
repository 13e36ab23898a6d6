"""Whatever two people do to a mock, and however late mail goes out: what their calendars get.

Read from the mails that were sent. Mail servers fail, workers die with a mail in their hands, and
notices are taken up in any order.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from icalendar import Calendar, Event

from loops.actions import bookings, mailing, sessions
from loops.errors import Refused
from loops.models import Mock, MockLimits, Notice, User
from loops.states import MockState
from tests import factories
from tests.factories import NOW

DAY = timedelta(days=1)
people = st.sampled_from([0, 1])


class Killed(BaseException):
    """What a signal does to a worker."""


class Server(EmailBackend):
    """A mail server. `fate` is how the next mail fares: taken, refused, taken as a worker dies."""

    fate = "taken"

    def send_messages(self, messages: Any) -> int:
        """Take the messages or not."""
        if Server.fate == "refused":
            raise ConnectionRefusedError
        count = super().send_messages(messages)
        if Server.fate == "killed":
            raise Killed
        return count


class MailHistories(RuleBasedStateMachine):
    """One mock of two, a clock that only goes on, and a worker that is not to be relied on."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        mail.outbox.clear()
        self.now = NOW
        self.people: list[User] = []

    def teardown(self) -> None:
        """Let the worker catch up, look at what calendars ended with, and forget the history."""
        try:
            if self.people:
                self.catch_up()
                self.calendars_end_where_the_mock_does()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @initialize()
    def agree(self) -> None:
        """Have two people of a cohort propose and accept a mock in nine days."""
        factories.edition("sd_ambiguous", prompts=4)
        cohort = factories.cohort()
        for _ in range(2):
            person = factories.person()
            factories.join(cohort, person)
            factories.week(person, start=0, end=1440)
            MockLimits.objects.create(user=person, most_a_day=8, most_a_week=30, horizon_days=90)
            self.people.append(person)
        round_ = factories.loop(self.people[0], cohort).rounds.get()
        mock = bookings.propose(
            partner=self.people[1],
            round_=round_,
            starts_at=NOW.replace(minute=0) + 9 * DAY,
            by=self.people[0],
            at=self.now,
        )
        bookings.accept(mock=mock, proposal=mock.proposals.get(), by=self.people[1], at=self.now)

    @property
    def mock(self) -> Mock:
        return Mock.objects.get()

    def attempt(self, action: Callable[..., Any], **given: Any) -> None:
        with suppress(Refused), transaction.atomic():
            action(**given, at=self.now)

    @rule(who=people, days=st.integers(1, 6), hour=st.sampled_from([9, 10, 12]))
    def move(self, who: int, days: int, hour: int) -> None:
        """Propose another time and have it accepted."""
        starts_at = (self.now + days * DAY).replace(hour=hour, minute=0)
        standing = self.mock.proposals.filter(state="open").first()
        self.attempt(
            bookings.propose_time,
            mock=self.mock,
            starts_at=starts_at,
            by=self.people[who],
            answers=standing,
        )
        proposal = self.mock.proposals.filter(state="open").first()
        if proposal is not None:
            self.attempt(
                bookings.accept, mock=self.mock, proposal=proposal, by=self.people[1 - who]
            )

    @rule(who=people, room=st.sampled_from(["", "https://a.example/", "https://b.example/"]))
    def change_room(self, who: int, room: str) -> None:
        """Talk elsewhere."""
        self.attempt(bookings.set_video_room, mock=self.mock, video_url=room, by=self.people[who])

    @rule(who=people)
    def confirm(self, who: int) -> None:
        """Say that one comes."""
        self.attempt(bookings.confirm, mock=self.mock, by=self.people[who])

    @rule(who=people)
    def cancel(self, who: int) -> None:
        """Call it off; seldom is it the first thing that happens."""
        if len(mail.outbox) > 2:
            self.attempt(bookings.cancel, mock=self.mock, by=self.people[who])

    @rule(hours=st.sampled_from([1, 3, 23]))
    def wait(self, hours: int) -> None:
        """Let time pass, and the clock do what it does to mocks."""
        self.now += timedelta(hours=hours)
        for what, pk in bookings.due_to_settle(self.now):
            act = bookings.release_silent if what == "release" else bookings.lapse
            act(mock_id=pk, at=self.now)
        for pk in sessions.due_to_close(self.now):
            sessions.close_over(mock_id=pk, at=self.now)

    @rule(
        order=st.randoms(use_true_random=False),
        fates=st.lists(st.sampled_from(["taken", "taken", "refused", "killed"]), max_size=6),
    )
    def work(self, order: Any, fates: list[str]) -> None:
        """Take up what is due, in any order; each mail fares as it may."""
        due = list(Notice.objects.to_mail(self.now).values_list("pk", flat=True))
        order.shuffle(due)
        for pk, fate in zip(due, fates, strict=False):
            self.send(pk, fate)

    def send(self, pk: int, fate: str = "taken") -> None:
        Server.fate = fate
        with suppress(Killed):
            mailing.send(notice_id=pk, at=self.now)

    def catch_up(self) -> None:
        """Let an hour pass in which the worker runs and the server takes everything."""
        for _ in range(4):
            self.now += timedelta(hours=3)
            for _ in range(4):
                for pk in Notice.objects.to_mail(self.now).values_list("pk", flat=True):
                    self.send(pk)
        waiting = Notice.objects.filter(due_at__lte=self.now)
        assert not waiting.filter(mail_state__in=["waiting", "sending"]).exists()

    # What holds

    def entries(self) -> dict[str, list[tuple[str, str, Event]]]:
        """Return by person what their calendar was sent, as Message-ID, method and entry."""
        told: dict[str, list[tuple[str, str, Event]]] = defaultdict(list)
        for message in mail.outbox:
            for attached in message.attachments:
                calendar = Calendar.from_ical(attached.content)
                (entry,) = calendar.events
                name = str(message.extra_headers["Message-ID"])
                told[message.to[0]].append((name, str(calendar.method), entry))
        return told

    @invariant()
    def sequence_strictly_rises_from_mail_to_mail(self) -> None:
        """A mail that was sent twice is the same one, under the same name."""
        for mails in self.entries().values():
            for (name, _method, before), (next_name, _next, after) in pairwise(mails):
                assert before.uid == after.uid
                if name == next_name:
                    assert before == after
                else:
                    assert after.sequence > before.sequence

    @invariant()
    def nothing_comes_after_a_cancelling(self) -> None:
        """And nobody is sent two."""
        for mails in self.entries().values():
            methods = {name: method for name, method, _entry in mails}
            assert "CANCEL" not in [*methods.values()][:-1]

    @invariant()
    def each_mail_goes_to_one_and_names_nobody_else(self) -> None:
        """Not even in the entry."""
        for address, mails in self.entries().items():
            for _name, _method, entry in mails:
                assert [attendee.email for attendee in entry.attendees] == [address]

    def calendars_end_where_the_mock_does(self) -> None:
        """Whose calendar has the mock has it as it is; whose mock is off has it no more."""
        mock = self.mock
        entries = self.entries()
        off = Notice.objects.filter(kind__in=["cancelled", "released"])
        for person in self.people:
            mails = entries[person.email]
            if person.notices.filter(mail_state="failed").exists():
                continue  # given up after five refusals: the admin's now
            if mock.state in MockState.agreed():
                _name, method, entry = mails[-1]
                assert (method, entry.sequence) == ("REQUEST", mock.sequence)
                assert (entry.start, entry.end) == (mock.starts_at, mock.ends_at)
                assert entry.get("LOCATION", "") == mock.video_url
            elif off.filter(person=person).exists():
                _name, method, entry = mails[-1]
                assert (method, entry.sequence) == ("CANCEL", mock.sequence)


@pytest.mark.django_db
def test_calendars_follow_whatever_happens(settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    run_state_machine_as_test(MailHistories, settings=FEW)


FEW = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
