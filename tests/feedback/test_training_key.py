"""The key of a vignette is in no answer of the server before its member has handed in.

Every address is asked for as that member; then the key is exchanged for another one, and every
answer must be the same to the byte.
"""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import Sitting
from loops.models import User
from rubrics.models import Reference, Vignette
from tests import factories
from tests.factories import NOW
from tests.test_leaks import paths

pytestmark = pytest.mark.django_db

DRAWN_ANEW = re.compile(
    r'(?<=csrfmiddlewaretoken" value=")[^"]+|(?<=csrftoken=)[^;]+|(?<=form_id" value=")[^"]+'
    r"|(?i:(?<=expires=)|(?<=expires: ))[^;\n]+"
)
READ, OPEN, UNREAD = "read-one", "open-one", "unread-one"


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=1))


@pytest.fixture
def opened(peer: User) -> Sitting:
    """One vignette is handed in, one open, one unread; the first two are halves of a pair."""
    done = factories.vignette(READ, rank=1, shows="fluent-and-empty", pair_key=OPEN)
    half = factories.vignette(OPEN, rank=3, shows="halting-and-rich", pair_key=READ)
    factories.vignette(UNREAD, rank=0)
    factories.sitting(peer, done, exact=1, farthest=1)
    return factories.sitting(peer, half)


def answers(client: Client) -> dict[str, str]:
    """Ask for every address; return status, headers and body of each.

    What is drawn anew for every request is left out.
    """
    found = {}
    for path in paths():
        answer = client.get(path, HTTP_ACCEPT="*/*", HTTP_X_REQUEST_ID="the-same-one")
        body = "" if answer.streaming else answer.content.decode()
        head = "".join(f"{name}: {value}\n" for name, value in answer.items())
        cookies = answer.cookies.output(header="", sep="\n")
        told = f"{answer.status_code}\n{head}{cookies}\n{body}"
        found[path] = DRAWN_ANEW.sub("", told)
    return found


def exchange_the_key() -> None:
    """Give the vignettes that are not handed in other levels and other reasons."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE rubrics_reference DISABLE TRIGGER USER")
        hidden = Vignette.objects.filter(key__in=[OPEN, UNREAD])
        for reference in Reference.objects.filter(vignette__in=hidden):
            rank = 2 if reference.rank != 2 else None
            Reference.objects.filter(pk=reference.pk).update(
                rank=rank, reason="Quite another reason, and a longer one at that."
            )
        cursor.execute("ALTER TABLE rubrics_reference ENABLE TRIGGER USER")


def test_no_answer_tells_the_key_of_what_is_not_handed_in(
    client: Client, opened: Sitting, peer: User
) -> None:
    client.force_login(peer)
    hidden = Reference.objects.filter(vignette__key__in=[OPEN, UNREAD])
    reasons = [reference.reason for reference in hidden]
    assert len(reasons) == 8

    told = answers(client)

    own = reverse("feedback:sitting", args=[opened.public_id])
    assert "says open-one" in told[own]
    assert f"The words of {READ} carry discovery." in "".join(told.values())
    for path, answer in told.items():
        for secret in (*reasons, "fluent", "halting", "Fluent", "Halting"):
            assert secret not in answer, path
        assert UNREAD not in answer.replace(path, ""), path


def test_another_key_changes_no_byte_of_any_answer(
    client: Client, opened: Sitting, peer: User
) -> None:
    client.force_login(peer)
    client.get(reverse("feedback:training"))  # so that both walks are by a visitor of before
    before = answers(client)

    exchange_the_key()
    after = answers(client)

    assert len(before) > 50
    assert {path for path in before if before[path] != after[path]} == set()


def test_a_key_that_may_be_read_changes_them(client: Client, opened: Sitting, peer: User) -> None:
    """So the walk does see a key where there is one."""
    Sitting.objects.filter(pk=opened.pk).update(
        submitted_at=NOW, ratings=dict.fromkeys(factories.DIMENSIONS, 2), exact=2, rated=4
    )
    client.force_login(peer)
    client.get(reverse("feedback:training"))
    before = answers(client)

    exchange_the_key()
    after = answers(client)

    assert {path for path in before if before[path] != after[path]} == {
        reverse("feedback:sitting", args=[opened.public_id]),
        reverse("sitting-detail", args=[opened.public_id]),
    }


def test_the_key_is_not_even_asked_for(client: Client, opened: Sitting, peer: User) -> None:
    """What the server does not read can show in no answer, and in no time that one takes."""
    Sitting.objects.exclude(pk=opened.pk).delete()
    client.force_login(peer)
    form = {"dimension-discovery": "2"}

    with CaptureQueriesContext(connection) as asked:
        answers(client)
        submit = reverse("feedback:sitting_submit", args=[opened.public_id])
        assert client.post(submit, form).status_code == 422

    assert [one["sql"] for one in asked if Reference._meta.db_table in one["sql"]] == []


def test_the_key_of_another_member_is_nobody_elses(
    client: Client, opened: Sitting, second_peer: User
) -> None:
    client.force_login(second_peer)

    for path, answer in answers(client).items():
        assert "The words of" not in answer, path


def test_while_it_is_read_again_the_key_is_away(
    client: Client, opened: Sitting, peer: User
) -> None:
    done = Sitting.objects.get(vignette__key=READ)
    again = factories.sitting(peer, done.vignette, number=2)
    client.force_login(peer)
    reasons = f"The words of {READ} carry"

    assert all(reasons not in answer for answer in answers(client).values())
    page = client.get(reverse("feedback:sitting", args=[done.public_id])).text
    assert "You are reading this one again" in page

    Sitting.objects.filter(pk=again.pk).update(submitted_at=NOW)
    assert reasons in client.get(reverse("feedback:sitting", args=[done.public_id])).text
