"""The training pages and their API: how far one is, rating in one shot, and what it came to."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import GradingRules, Sitting, Unlock
from feedback.queries.training import Paragraph, paragraphs_of
from loops.models import Cohort, User
from rubrics.models import Vignette
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

TRAINING = reverse("feedback:training")
KIND = reverse("feedback:training_kind", args=["sd_ambiguous"])
NEXT = reverse("feedback:training_next", args=["sd_ambiguous"])
DAY = timedelta(days=1)
ALL_L6 = {f"dimension-{key}": "2" for key in factories.DIMENSIONS}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets what is read as now; NOW at first."""
    at = [NOW]
    monkeypatch.setattr(timezone, "now", lambda: at[0])
    return lambda moment: at.__setitem__(0, moment)


@pytest.fixture
def vignette() -> Vignette:
    """One vignette of three: L6 everywhere, but one dimension that cannot be seen."""
    made = factories.vignette("first-one", ranks={"adoption": None})
    factories.vignette("second-one")
    factories.vignette("third-one")
    return made


@pytest.fixture
def opened(vignette: Vignette, peer: User) -> Sitting:
    """The peer has it open."""
    return factories.sitting(peer, vignette)


@pytest.fixture
def member(client: Client, peer: User) -> Client:
    """A browser in which the peer is signed in."""
    client.force_login(peer)
    return client


def page_of(sitting: Sitting, name: str = "feedback:sitting") -> str:
    return reverse(name, args=[sitting.public_id])


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(unescape(response.text).split())


# How far one is


def test_overview_says_where_one_stands_with_every_round(
    member: Client, clock: Any, vignette: Vignette, peer: User
) -> None:
    factories.edition("coding")
    factories.vignette(kind="xfn")
    factories.unlock(peer, "deep_dive", is_by_repeat=True)
    factories.vignette("deep", kind="deep_dive")
    factories.vignette("org", kind="em_org")
    page = shown(member, TRAINING)
    assert "Nothing to train on yet" in page  # coding has no vignettes
    assert "Not begun" in page
    assert "Unlocked since 2 Mar 2026" in page
    assert "by repeat" in page

    factories.sitting(peer, vignette, exact=3)
    page = shown(member, TRAINING)
    assert "1 of 3" in page
    assert "Read the next" in page


def test_overview_names_cohorts_that_ask_for_it(
    member: Client, vignette: Vignette, cohort: Cohort
) -> None:
    assert "lets you grade a round only once" not in shown(member, TRAINING)

    GradingRules.objects.create(cohort=cohort, requires_unlock=True)

    assert "Thursday cohort lets you grade a round only once" in shown(member, TRAINING)


def test_overview_without_any_round(member: Client) -> None:
    assert "There are no rounds on this ladder yet." in shown(member, TRAINING)


def test_a_rounds_page_lists_what_was_read_and_reads_the_rule(
    member: Client, clock: Any, vignette: Vignette, peer: User
) -> None:
    assert "3 written answers wait" in shown(member, KIND)
    for place, one in enumerate(Vignette.objects.in_force()):
        factories.sitting(peer, one, exact=3, farthest=place, opened_at=NOW)
    clock(NOW + DAY)

    page = shown(member, KIND)

    assert "1 more vignette is to be handed in before the rule can be read." in page
    assert "3 of 4 exact · one or more off by two" in page
    assert "Repeat opens on 16 Mar 2026" in page
    assert "Begin the repeat" not in page
    clock(NOW + 15 * DAY)
    assert "Begin the repeat" in shown(member, KIND)
    member.post(NEXT)
    assert "Go on reading" in shown(member, KIND)
    factories.sitting(peer, vignette, number=3, exact=1, opened_at=NOW + 15 * DAY)
    page = shown(member, KIND)
    assert "In your last 4 vignettes 10 of 16 ratings were exact; 8 are needed." in page
    assert "1 vignette has a rating off by two or more; none may have." in page


def test_a_round_without_vignettes_says_so(member: Client) -> None:
    factories.edition()

    assert "Nothing to train on yet" in shown(member, KIND)
    response = member.post(NEXT, follow=True)
    assert "There are no vignettes for this round yet." in response.text


def test_the_next_opens_by_a_press_and_comes_back_until_handed_in(
    member: Client, vignette: Vignette, peer: User
) -> None:
    assert member.get(NEXT).url == KIND  # type: ignore[attr-defined]
    assert not Sitting.objects.exists()

    first, again = member.post(NEXT), member.post(NEXT)

    sitting = Sitting.objects.get()
    assert first.url == again.url == page_of(sitting)  # type: ignore[attr-defined]


def test_before_its_time_a_repeat_is_refused_in_words(
    member: Client, clock: Any, peer: User
) -> None:
    factories.sitting(peer, factories.vignette(), exact=0)
    clock(NOW + DAY)

    response = member.post(NEXT, follow=True)

    assert "The repeat opens on 16 March 2026; what you reached is kept." in response.text
    assert Sitting.objects.count() == 1


# Rating


def test_an_open_one_shows_text_and_anchors_alone(member: Client, opened: Sitting) -> None:
    page = shown(member, page_of(opened))

    assert "says first-one" in page
    assert "vignette 1 of 3" in page
    for rank in (1, 2, 3):
        assert f"Discovery as rank {rank} does it." in page
    for secret in ("The words of", "Written by", "The writers", "A second reader", "exact"):
        assert secret not in page


def test_what_is_missing_is_named_and_what_was_chosen_stays(
    member: Client, opened: Sitting
) -> None:
    response = member.post(
        page_of(opened, "feedback:sitting_submit"),
        {"dimension-discovery": "3", "dimension-options": "none", "dimension-adoption": "9"},
    )

    assert response.status_code == 422
    page = " ".join(response.text.split())
    assert "every dimension needs a level" in page
    assert 'name="dimension-discovery" value="3" data-key="4" checked' in page
    assert 'name="dimension-options" value="none" data-key="0" checked' in page
    assert page.count("Choose a level, or “not observed”.") == 2  # at the field and on top
    assert "Choose one of these levels" in page
    opened.refresh_from_db()
    assert (opened.submitted_at, opened.ratings) == (None, {})


def test_handed_in_it_shows_reference_and_reason_beside_ones_own(
    member: Client, clock: Any, opened: Sitting
) -> None:
    form = {
        "dimension-discovery": "2",
        "dimension-bounding": "1",
        "dimension-options": "0",
        "dimension-adoption": "3",
    }
    response = member.post(page_of(opened, "feedback:sitting_submit"), form, follow=True)

    page = " ".join(unescape(response.text).split())
    assert "Handed in: 1 of 4 ratings are exact." in page
    assert "1 of 4 exact" in page
    assert "1 within one level." in page
    assert "1 off by two or more." in page
    assert "Of 1 dimension only one of you observed something." in page
    assert "Written by The writers, read by A second reader." in page
    for key in factories.DIMENSIONS:
        assert f"The words of first-one carry {key}." in page
    assert "2 ratings: you low L5" not in page
    assert "2 ratings: you middle of L5, reference middle of L6." in page
    assert "1 rating: you middle of L7." in page  # the reference did not observe it
    assert "Read the next" in page


def test_twice_is_once_and_never_again(member: Client, opened: Sitting) -> None:
    submit = page_of(opened, "feedback:sitting_submit")
    member.post(submit, ALL_L6)

    response = member.post(submit, {**ALL_L6, "dimension-options": "0"}, follow=True)

    assert "You have handed this in before; your ratings stand as they are." in response.text
    opened.refresh_from_db()
    assert opened.ratings == dict.fromkeys(factories.DIMENSIONS, 2)
    assert member.get(submit).url == page_of(opened)  # type: ignore[attr-defined]


def test_the_fourth_good_one_says_that_it_unlocks(
    member: Client, vignette: Vignette, peer: User
) -> None:
    for one in Vignette.objects.in_force():
        factories.sitting(peer, one, exact=4)
    last = factories.sitting(peer, factories.vignette("last-one"))

    response = member.post(page_of(last, "feedback:sitting_submit"), ALL_L6, follow=True)

    assert "You have unlocked System design, ambiguous." in response.text
    assert Unlock.objects.get().member == peer
    assert "Your reviews of this round are those of a trained grader." in shown(member, KIND)


def test_a_pair_is_told_once_both_halves_are_in(member: Client, peer: User) -> None:
    one = factories.vignette("one", shows="fluent-and-empty", pair_key="other")
    other = factories.vignette("other", shows="halting-and-rich", pair_key="one")
    first = factories.sitting(peer, one, exact=4)
    page = shown(member, page_of(first))
    assert "This is half of a pair." in page
    assert "Fluent" not in page
    second = factories.sitting(peer, other)
    assert "of a pair" not in shown(member, page_of(second))

    member.post(page_of(second, "feedback:sitting_submit"), ALL_L6)

    assert "<b>Fluent and empty.</b> The words run well" in shown(member, page_of(first))
    page = shown(member, page_of(second))
    assert "<b>Halting and rich.</b>" in page
    assert f'Its other half is <a href="{page_of(first)}">One</a>' in page


@pytest.mark.parametrize("role", ["candidate", "organiser", "outsider"])
def test_a_sitting_is_its_members_alone(
    request: pytest.FixtureRequest, client: Client, opened: Sitting, role: str
) -> None:
    client.force_login(request.getfixturevalue(role))

    assert client.get(page_of(opened)).status_code == 404
    assert client.post(page_of(opened, "feedback:sitting_submit"), ALL_L6).status_code == 404
    assert client.get(f"/api/v1/sittings/{opened.public_id}/").status_code == 404


def test_pages_are_kept_by_no_cache_and_cost_eight_queries(
    member: Client, clock: Any, opened: Sitting, peer: User
) -> None:
    for one in Vignette.objects.exclude(key="first-one"):
        factories.sitting(peer, one, exact=2)
    done = Sitting.objects.exclude(pk=opened.pk)[0]
    for address in (TRAINING, KIND, page_of(opened), page_of(done)):
        member.get(address)
        with CaptureQueriesContext(connection) as asked:
            response = member.get(address)
        assert len(asked) <= 8, [one["sql"] for one in asked]
        if "sittings" in address:
            assert "no-store" in response.headers["Cache-Control"]


def test_text_is_parted_into_talk_questions_and_code() -> None:
    text = (
        "[00:10] One line\nand another.\n\nInterviewer: Why?\n\n[12:05] Interviewer: And then?\n\n"
        "    def f():\n        return 1\n\nDone."
    )

    assert paragraphs_of(text) == [
        Paragraph("One line and another.", time="00:10"),
        Paragraph("Why?", speaker="Interviewer"),
        Paragraph("And then?", time="12:05", speaker="Interviewer"),
        Paragraph("def f():\n    return 1", is_code=True),
        Paragraph("Done."),
    ]


# The API


def test_the_api_says_how_far_one_is(
    member: Client, clock: Any, vignette: Vignette, peer: User
) -> None:
    factories.sitting(peer, vignette, exact=3)
    factories.unlock(peer)

    assert member.get("/api/v1/training/").json() == [
        {
            "round_kind": "sd_ambiguous",
            "title": "System design, ambiguous",
            "state": "unlocked",
            "vignettes": 3,
            "handed_in": 1,
            "unlocked_at": "2026-03-02T09:30:00Z",
            "is_by_repeat": False,
            "repeat_opens_at": None,
        }
    ]


def test_the_api_gives_references_of_what_was_handed_in(
    member: Client, opened: Sitting, second_peer: User, vignette: Vignette
) -> None:
    factories.sitting(second_peer, vignette, exact=1)
    address = f"/api/v1/sittings/{opened.public_id}/"
    before = member.get(address).json()
    assert before["text"].startswith("[00:10]")
    assert (before["exact"], before["rated"], before["farthest"]) == (None, None, None)
    assert before["ratings"] == []
    assert "author" not in before

    member.post(page_of(opened, "feedback:sitting_submit"), ALL_L6)

    after = member.get(address).json()
    assert (after["exact"], after["rated"], after["farthest"]) == (3, 4, 0)
    assert after["ratings"][3] == {
        "dimension": "adoption",
        "rank": 2,
        "reference_rank": None,
        "reason": "The words of first-one carry adoption.",
    }
    (listed,) = member.get("/api/v1/sittings/").json()["results"]
    assert listed["id"] == str(opened.public_id)
    assert listed.keys() & {"text", "ratings", "prompt"} == set()
