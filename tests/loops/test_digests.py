"""How people wish to be told, and the one mail a day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from loops.actions import digests, mailing
from loops.actions.notices import mark_read, save_wishes, tell
from loops.models import Notice, NoticeWish, User
from tests.factories import NOW

As = Callable[[User], Client]

WISHES = reverse("loops:notice_wishes")
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
KATHMANDU_MORNING = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def wish(person: User, kind: str, *, mail: str = "at_once", is_on_page: bool = True) -> None:
    save_wishes(person=person, wishes={kind: (is_on_page, mail)}, by=person, at=NOW)


def said(person: User, kind: str = "revealed", subject: str = "attempt:1", **facts: Any) -> Notice:
    facts = {"at": NOW, "round": "Coding", "reviews": 2, **facts}
    return tell(person, kind, subject, **facts)


@pytest.mark.parametrize(
    ("chosen", "state"), [("at_once", "waiting"), ("daily", "digest"), ("never", "none")]
)
def test_a_mail_follows_its_wish(peer: User, chosen: str, state: str) -> None:
    wish(peer, "revealed", mail=chosen)

    assert said(peer).mail_state == state
    assert said(peer, "reported", "attempt:2").mail_state == "waiting", "another kind"


def test_off_the_page_it_is_neither_listed_nor_counted(as_: As, peer: User) -> None:
    wish(peer, "revealed", is_on_page=False)
    said(peer)

    assert "Nothing to tell yet" in as_(peer).get(reverse("loops:notice_list")).text
    assert Notice.objects.unread(NOW).count() == 0


def test_what_waits_for_its_hour_follows_a_later_wish(peer: User) -> None:
    reminder = said(peer, due_at=NOW + timedelta(hours=5))
    wish(peer, "revealed", mail="never", is_on_page=False)

    reminder.refresh_from_db()

    assert (reminder.mail_state, reminder.is_on_page) == ("none", False)


@pytest.mark.parametrize(
    ("zone", "morning"), [("UTC", MORNING), ("Asia/Kathmandu", KATHMANDU_MORNING)]
)
def test_the_digest_comes_at_eight_of_its_reader(peer: User, zone: str, morning: datetime) -> None:
    peer.time_zone = zone
    peer.save()
    wish(peer, "revealed", mail="daily")
    said(peer, at=morning - timedelta(hours=20))

    assert digests.due_people(morning - timedelta(minutes=1)) == []
    assert digests.due_people(morning) == [peer.pk]


def test_a_digest_is_one_mail_of_what_is_unread(peer: User) -> None:
    wish(peer, "revealed", mail="daily")
    said(peer)
    read = said(peer, subject="attempt:2", round="Read")
    said(peer, subject="attempt:3", round="Design")
    mark_read(person=peer, at=NOW, notice=read)

    digest = digests.write_digest(person_id=peer.pk, at=MORNING + timedelta(days=30))
    assert digest is not None
    assert mailing.send(notice_id=digest.pk, at=MORNING + timedelta(days=30))

    (letter,) = mail.outbox
    assert letter.subject == "Your day at Plumbline: 2 things"
    assert "Coding: your reviews can be read" in letter.body
    assert "Design: your reviews can be read" in letter.body
    assert "Read: your" not in letter.body
    assert f"http://testserver{WISHES}" in letter.body
    assert Notice.objects.filter(kind="revealed", mail_state="digest").count() == 0
    assert digest.is_on_page is False


def test_a_digest_is_written_once_a_day_and_loses_nothing(peer: User) -> None:
    wish(peer, "revealed", mail="daily")
    said(peer, at=MORNING - timedelta(hours=1))

    assert digests.write_digest(person_id=peer.pk, at=MORNING) is not None
    late = said(peer, subject="attempt:9", at=MORNING - timedelta(minutes=1))
    assert digests.write_digest(person_id=peer.pk, at=MORNING + timedelta(hours=1)) is None
    late.refresh_from_db()
    assert late.mail_state == "digest"
    assert digests.write_digest(person_id=peer.pk, at=MORNING + timedelta(days=1)) is not None


def test_nothing_unread_is_no_digest(peer: User) -> None:
    wish(peer, "revealed", mail="daily")
    mark_read(person=peer, at=NOW, notice=said(peer))

    assert digests.write_digest(person_id=peer.pk, at=MORNING + timedelta(days=30)) is None
    assert not Notice.objects.filter(kind="digest").exists()


def test_the_page_keeps_what_is_chosen_and_shows_it_again(as_: As, peer: User) -> None:
    client = as_(peer)
    form = client.get(WISHES).context["form"]
    data = {name: field.initial for name, field in form.fields.items()}
    chosen = {name: "on" if value is True else value for name, value in data.items() if value}
    chosen["revealed-mail"] = "daily"
    del chosen["reminder-page"]

    saved = client.post(WISHES, chosen)

    assert saved.status_code == 302
    kept = NoticeWish.objects.get(person=peer, kind="revealed")
    assert (kept.mail, kept.is_on_page) == ("daily", True)
    assert NoticeWish.objects.get(person=peer, kind="reminder").is_on_page is False
    again = client.get(WISHES).context["form"]
    assert again["revealed-mail"].initial == "daily"


def test_a_wish_that_is_none_is_refused_and_nothing_kept(as_: As, peer: User) -> None:
    answer = as_(peer).post(WISHES, {"revealed-mail": "hourly"})

    assert answer.status_code == 422
    assert not NoticeWish.objects.exists()


def test_every_kind_but_the_digest_can_be_chosen(as_: As, peer: User) -> None:
    form = as_(peer).get(WISHES).context["form"]

    shown = {line.page.name.removesuffix("-page") for group in form.groups for line in group.lines}
    assert shown == {kind for kind in Notice.Kind.values if kind != "digest"}
