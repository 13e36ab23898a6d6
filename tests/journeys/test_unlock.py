"""From *untrained* to unlocked on the shipped vignettes, and the long way round for who misses."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.actions import training
from feedback.actions.queue import claim
from feedback.models import Sitting, Unlock
from loops.models import Cohort, User
from rubrics.models import Prompt, RubricVersion, Vignette
from tests import factories
from tests.browser.world import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

KIND = "em_design"
TITLE = "System design as a manager"
NEXT = reverse("feedback:training_next", args=[KIND])
PAGE = reverse("feedback:training_kind", args=[KIND])
FORTNIGHT = timedelta(days=14)


def _references(sitting: Sitting) -> dict[str, int | None]:
    """Return the key; a test may know it."""
    return training.references_of(sitting.vignette)


def _one_off(rank: int | None) -> int | None:
    return rank if rank is None else rank + 1 if rank < 3 else 2


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_four_vignettes_by_keyboard_unlock_a_round(
    new_page: Callable[..., "Page"], candidate: User, peer: User, cohort: Cohort
) -> None:
    call_command("import_rubrics", stdout=io.StringIO())
    version = RubricVersion.objects.in_force().get(round_kind__key=KIND)
    prompt = Prompt.objects.filter(version=version)[0]
    for _answer in range(2):
        factories.answer(
            candidate,
            cohort,
            kind=KIND,
            prompt=prompt,
            rubric_version=version,
            submitted_at=timezone.now(),
        )
    before = claim(by=peer, at=timezone.now())
    assert before.is_untrained
    page = _signed_in(new_page(), peer)

    page.get_by_role("link", name="Grade").first.click()
    page.get_by_role("link", name="Training").first.click()
    page.get_by_role("row").filter(has_text=TITLE).get_by_role("button", name="Begin").click()
    for place in range(4):
        # The heading of the page is the vignette's, and no word of the key is on it.
        sitting = Sitting.objects.select_related("vignette").get(member=peer, submitted_at=None)
        expect(page.get_by_role("heading", level=1)).to_have_text(sitting.vignette.title)
        reasons = sitting.vignette.references.values_list("reason", flat=True)
        told = " ".join(unescape(page.content()).split())
        assert not any(reason in told for reason in reasons)
        _rate(page, _references(sitting), miss_one=place == 2)
        page.get_by_role("button", name="Hand in").click()
        expect(page.get_by_text("Written by Plumbline maintainers")).to_be_visible()
        told = " ".join(page.locator("main").inner_text().split())
        assert all(reason in told for reason in reasons)
        if place < 3:
            expect(page.get_by_text("You have unlocked")).to_have_count(0)
            page.get_by_role("button", name="Read the next").click()

    expect(page.get_by_text(f"You have unlocked {TITLE}.")).to_be_visible()
    unlock = Unlock.objects.get()
    assert (unlock.member, unlock.round_kind.key, unlock.is_by_repeat) == (peer, KIND, False)
    page.goto("/notices/")
    expect(page.get_by_text(f"You have unlocked {TITLE}").first).to_be_visible()
    page.goto("/training/")
    expect(page.get_by_role("row").filter(has_text=TITLE)).to_contain_text("Unlocked since")

    # What is taken from now on is graded by a trained grader; what was taken before stays marked.
    before.state = "released"
    before.save()
    after = claim(by=peer, at=timezone.now())
    assert not after.is_untrained


def _rate(page: "Page", references: dict[str, int | None], *, miss_one: bool) -> None:
    """Rate by the keys of the grading page alone."""
    expect(page.locator(".scorecard--steps")).to_be_visible()
    for place, rank in enumerate(references.values()):
        given = _one_off(rank) if miss_one and place == 0 else rank
        page.keyboard.press("0" if given is None else str(given + 1))
        page.keyboard.press("j")


def _signed_in(page: "Page", user: User) -> "Page":
    user.set_password(PASSWORD)
    user.save()
    page.goto(reverse("account_login"))
    page.locator("input[name=login]").fill(user.email)
    page.locator("input[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("main form button").first.click()
    return page


@pytest.mark.django_db
def test_who_misses_reads_again_in_14_days_and_it_shows(
    client: Client, peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC)]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    call_command("import_rubrics", stdout=io.StringIO())
    client.force_login(peer)

    # The fluent half of the pair is taken for what it sounds like: off by two, and shut.
    for _item in range(4):
        sitting = _opened(client, peer)
        fluent = bool(sitting.vignette.shows)
        _hand_in(client, sitting, {
            key: 3 if fluent and rank is not None else _one_off(rank)
            for key, rank in _references(sitting).items()
        })  # fmt: skip
        now[0] += timedelta(hours=1)
    last_at = now[0] - timedelta(hours=1)
    assert not Unlock.objects.exists()
    page = _shown(client, PAGE)
    assert "Repeat opens on 16 Mar 2026" in page
    assert re.search(r"vignettes? ha(s|ve) a rating off by two or more; none may have", page)

    # No press opens it before its time.
    now[0] = last_at + FORTNIGHT - timedelta(seconds=1)
    client.force_login(peer)  # the session has ended meanwhile
    assert client.post(NEXT).headers["Location"] == PAGE
    assert "The repeat opens on 16 March 2026" in _shown(client, PAGE)
    assert Sitting.objects.count() == 4

    # On the day it opens, marked; the key of the first reading is away while it is read again.
    now[0] = last_at + FORTNIGHT
    first = Sitting.objects.order_by("pk")[0]
    again = _opened(client, peer)
    assert (again.vignette, again.number) == (first.vignette, 2)
    assert "repeat" in _shown(client, reverse("feedback:sitting", args=[again.public_id]))
    old = reverse("feedback:sitting", args=[first.public_id])
    assert "You are reading this one again" in _shown(client, old)

    # Four good ones in a row unlock it, and what was repeated stays marked for good.
    for _item in range(4):
        sitting = _opened(client, peer)
        _hand_in(client, sitting, _references(sitting))
        now[0] += timedelta(hours=1)
    assert Unlock.objects.get().is_by_repeat
    page = _shown(client, PAGE)
    assert "by repeat" in page
    assert page.count(">repeat<") == 4
    assert Vignette.objects.in_force().filter(round_kind__key=KIND).count() == 4


def _opened(client: Client, member: User) -> Sitting:
    client.post(NEXT)
    return Sitting.objects.select_related("vignette").get(member=member, submitted_at=None)


def _hand_in(client: Client, sitting: Sitting, ratings: dict[str, int | None]) -> None:
    form = {
        f"dimension-{key}": "none" if rank is None else str(rank) for key, rank in ratings.items()
    }
    answer = client.post(reverse("feedback:sitting_submit", args=[sitting.public_id]), form)
    assert answer.status_code == 302


def _shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(unescape(answer.text).split())
