"""The readiness page through HTTP: who sees it, what it says, and that it gives nothing away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from loops.models import Attempt, Cohort, Loop, User
from rubrics.models import RoundKind
from tests import factories

KINDS = ("sd_ambiguous", "coding", "xfn")

Page = Callable[..., str]


@pytest.fixture
def page(client: Client, candidate: User) -> Page:
    """Return a function that reads the candidate's page of a loop, or of their newest one."""

    def read(loop: Loop | None = None, *, name: str = "readiness") -> str:
        client.force_login(candidate)
        url = (
            reverse("feedback:readiness_loop", args=[loop.public_id])
            if loop
            else reverse(f"feedback:{name}")
        )
        response = client.get(url)
        assert response.status_code == 200
        return _tidy(response.content.decode())

    return read


def _tidy(html: str) -> str:
    """Drop what differs from one answer to the next, and white space beyond one blank."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)
    return re.sub(r"\s+", " ", html)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def graded(
    loop: Loop,
    graders: list[User],
    *,
    position: int = 1,
    hours_ago: float = 1,
    is_opened: bool = True,
    **facts: Any,
) -> Attempt:
    """Hand in an answer that was reviewed half an hour later; two reviews are opened, too."""
    review_facts = {key: facts.pop(key) for key in ("rank", "downcodes") if key in facts}
    at = timezone.now() - timedelta(hours=hours_ago)
    made = factories.attempt(loop.rounds.get(position=position), submitted_at=at, **facts)
    factories.recording(made)
    for grader in graders:
        factories.submitted_review(
            made, grader, submitted_at=at + timedelta(minutes=30), **review_facts
        )
    if len(graders) > 1 and is_opened:
        factories.open_reviews(made)
    return made


def calibrated() -> None:
    for kind in RoundKind.objects.order_by("pk"):
        calibrate_round_kind(round_kind=kind, at=timezone.now())


# Who


@pytest.mark.parametrize(
    ("role", "status"), [("candidate", 200), ("peer", 404), ("organiser", 404), ("outsider", 404)]
)
def test_only_its_member_sees_a_loop(  # noqa: PLR0917 - two of them are parameters
    request: pytest.FixtureRequest,
    client: Client,
    candidate: User,
    cohort: Cohort,
    role: str,
    status: int,
) -> None:
    url = reverse("feedback:readiness_loop", args=[factories.loop(candidate, cohort).public_id])
    stranger = client.get(url)
    client.force_login(request.getfixturevalue(role))

    assert client.get(url).status_code == status
    assert stranger.headers["Location"].startswith(reverse("account_login"))


def test_the_page_is_read_and_not_written(client: Client, candidate: User) -> None:
    client.force_login(candidate)

    assert client.post(reverse("feedback:readiness")).status_code == 405


# What it says


def test_without_a_loop_it_leads_to_starting_one(page: Page) -> None:
    html = page()

    assert "You have no loop yet" in html
    assert f'href="{reverse("loops:loop_new")}"' in html


def test_it_opens_with_the_newest_loop_and_leads_to_the_others(
    page: Page, candidate: User, cohort: Cohort
) -> None:
    older = factories.loop(candidate, cohort, title="The first try")
    newest = factories.loop(candidate, cohort, title="The second try", started_at=timezone.now())

    html = page()

    assert "<h1>The second try</h1>" in html
    assert reverse("feedback:readiness_loop", args=[older.public_id]) in html
    assert "<h1>The first try</h1>" in page(older)
    assert "Your loops" in page(newest)


def test_one_loop_has_no_switcher(page: Page, candidate: User, cohort: Cohort) -> None:
    factories.loop(candidate, cohort)

    assert "Your loops" not in page()


def test_it_says_what_it_is_not(page: Page, candidate: User, cohort: Cohort) -> None:
    factories.loop(candidate, cohort)

    html = page()

    assert "It has not been checked against real interview results (n = 0 here)." in html
    assert f'href="{reverse("feedback:how_computed")}"' in html


def test_it_counts_down_to_the_interview(page: Page, candidate: User, cohort: Cohort) -> None:
    on = timezone.localdate() + timedelta(days=51)
    factories.loop(candidate, cohort, interview_on=on)

    assert "Target L6 · interview in 51 days" in text_of(page())


def test_a_new_loop_leads_to_its_first_round(page: Page, candidate: User, cohort: Cohort) -> None:
    loop = factories.loop(candidate, cohort, kinds=KINDS)

    html = page()

    first = loop.rounds.get(position=1)
    assert "No round has a graded answer yet." in html
    assert "record your first answer to System design, ambiguous" in html
    assert f'href="{reverse("loops:round", args=[first.public_id])}">Record your first</a>' in html
    assert text_of(html).count("No evidence") == 3


def test_a_draft_leads_back_to_it(page: Page, candidate: User, cohort: Cohort) -> None:
    loop = factories.loop(candidate, cohort)
    draft = factories.attempt(loop.rounds.get(), state=Attempt.State.DRAFT)

    html = page()

    link = reverse("loops:attempt", args=[draft.public_id])
    assert f'<a href="{link}">Finish your draft</a>' in html
    assert "finish the answer that you began in System design, ambiguous" in html


def test_a_waiting_answer_shows_its_count(
    page: Page, candidate: User, peer: User, cohort: Cohort
) -> None:
    loop = factories.loop(candidate, cohort)
    waiting = graded(loop, [peer])

    html = page()

    link = reverse("feedback:results", args=[waiting.public_id])
    assert f'<a href="{link}">1 of 2 reviews in</a>' in html
    assert "your answers wait for their reviews" in html


def test_a_graded_round_shows_level_counts_and_next_step(
    page: Page, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    loop = factories.loop(candidate, cohort)
    graded(loop, [peer, second_peer])
    calibrated()

    html = page()

    text = text_of(html)
    assert "No round is at the L6 bar yet; one has too little evidence." in text
    assert "1 answer · 2 graders" in text
    assert "1 of 1 met the bar by rule" in text
    assert "Two more prompts" in text
    assert "System design, ambiguous: estimate middle of L6; 80 % band" in text


def test_a_signal_leads_to_its_moment(
    page: Page, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    loop = factories.loop(candidate, cohort)
    made = graded(loop, [peer, second_peer], rank=1, downcodes=["unbounded"])
    downcode = made.rubric_version.downcodes.get(key="unbounded")
    factories.evidence(made.reviews.order_by("pk")[0], downcode=downcode, start_ms=250_000)
    calibrated()

    html = page()

    link = reverse("feedback:results", args=[made.public_id])
    assert f'href="{link}#t=250">2 of 2 · 4:10</a>' in html
    assert "caps at L5" in html


def test_a_revealed_answer_without_a_snapshot_is_being_calibrated(
    page: Page, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    loop = factories.loop(candidate, cohort)
    graded(loop, [peer, second_peer])

    assert "1 being calibrated" in page()


def test_titles_are_escaped(page: Page, candidate: User, cohort: Cohort) -> None:
    factories.loop(candidate, cohort, title="<b>Bold</b>")

    html = page()

    assert "<b>Bold</b>" not in html
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html


def test_how_it_is_computed_gives_the_rules_own_figures(page: Page) -> None:
    text = text_of(page(name="how_computed"))

    for said in (
        "fewer than 3 answers",
        "3 prompts, 3 graders, one live mock, the newest answer within 45 days",
        "0.6 of a live mock",
        "for every 60 days",
        "of 100 such bands 80 hold",
        "n = 0 here",
    ):
        assert said in text


# What it gives away


def test_a_first_review_moves_the_count_and_nothing_else(
    page: Page, candidate: User, peer: User, cohort: Cohort
) -> None:
    """With a review as low as can be, signals and all, beside a round that is already read."""
    loop = factories.loop(candidate, cohort, kinds=KINDS)
    second = factories.person("second-900")
    graded(loop, [peer, second], position=2)
    waiting = graded(loop, [], position=1)
    calibrated()
    before = page(loop)

    review = factories.submitted_review(
        waiting, peer, rank=0, downcodes=["unbounded", "draws_first"], summary="Nothing in it."
    )
    factories.evidence(review, downcode=review.ticks.all()[0].downcode)
    calibrated()
    after = page(loop)

    assert after != before
    assert after == before.replace(">0 of 2 reviews in<", ">1 of 2 reviews in<")


# At what price


def test_a_page_costs_eight_queries_however_much_is_on_it(
    client: Client, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    one = factories.loop(candidate, cohort, kinds=KINDS[:1])
    three = factories.loop(candidate, cohort, kinds=KINDS)
    graded(one, [peer, second_peer])
    for position in (1, 2, 3):
        for _answer in range(3):
            graded(three, [peer, second_peer], position=position, downcodes=["unbounded"])
    calibrated()
    client.force_login(candidate)

    def queries_of(loop: Loop) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("feedback:readiness_loop", args=[loop.public_id]))
        return len(captured)

    assert queries_of(one) == queries_of(three) == 8
