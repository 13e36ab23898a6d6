"""The grading page: drafts, marks, handing in; every refusal says why and keeps what was typed."""

import json
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import withdrawal
from feedback.actions.reviews import draft_of
from feedback.models import Evidence, Review
from feedback.queries.grading import Rubric, rubric_of
from loops.models import Artifact, Attempt, Cohort, Event, Rendition, User
from tests import factories
from tests.factories import DIMENSIONS

SUMMARY = "Asked who is hurt."
WHOLE = {
    **{f"dimension-{key}": "2" for key in DIMENSIONS},
    "downcodes": ["unbounded"],
    "verdict": "yes",
    "level_given": "2",
    "confidence": "fair",
    "summary": SUMMARY,
    "version": "0",
}
MARK = {"mark-about": "dimension:discovery", "mark-start": "1:05", "mark-end": "1:15"}


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer of ten minutes at target L6."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def review(answer: Attempt, peer: User) -> Review:
    """A review of it, claimed just now."""
    return factories.review(answer, peer, claimed_at=timezone.now())


@pytest.fixture
def marked(review: Review) -> Review:
    """The review with one mark on every dimension."""
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension)
    return review


@pytest.fixture
def grader(client: Client, peer: User) -> Client:
    """A browser in which the peer is signed in."""
    client.force_login(peer)
    return client


def address(name: str, review: Review, *more: Any) -> str:
    return reverse(f"feedback:{name}", args=[review.public_id, *more])


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def post(client: Client, name: str, review: Review, fields: dict[str, Any], **more: Any) -> Any:
    return client.post(address(name, review), fields, **more)


def post_for_json(client: Client, review: Review, fields: dict[str, Any]) -> tuple[int, Any]:
    response = post(client, "review_draft", review, fields, headers={"Accept": "application/json"})
    return response.status_code, json.loads(response.content)


def post_for_fragment(client: Client, name: str, review: Review, fields: dict[str, Any]) -> Any:
    return post(client, name, review, fields, headers={"HX-Request": "true"})


# The page


def test_page_shows_the_rubric_the_question_and_the_answer(
    grader: Client, review: Review, candidate: User
) -> None:
    factories.artifact(review.attempt, "who hurts: on-call\nwho decides: infra")

    page = text_of(grader.get(address("review", review)))

    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        assert f'id="dimension-{dimension.key}"' in page
        for anchor in dimension.anchors.order_by("rank"):
            assert anchor.text in page
    for downcode in review.attempt.rubric_version.downcodes.order_by("position"):
        assert downcode.text in page
    assert review.attempt.prompt.text in page
    assert review.attempt.prompt.intent in page
    assert "Builds a paging tool" in page
    assert 'id="notes-L2"' in page
    playable = Rendition.objects.get(track__recording__attempt=review.attempt)
    assert reverse("loops:media", args=[playable.public_id]) in page
    assert candidate.handle in page
    assert candidate.email not in page


def test_page_tells_nothing_that_would_colour_the_grade(
    grader: Client, review: Review, second_peer: User
) -> None:
    """Neither other reviews nor what the candidate predicted and felt."""
    Attempt.objects.update(predicted_rank=3, energy=-2)
    other = factories.submitted_review(review.attempt, second_peer, summary="Strong discovery!")

    page = text_of(grader.get(address("review", review)))

    assert "Strong discovery!" not in page
    assert second_peer.handle not in page
    assert str(other.public_id) not in page
    assert "predict" not in page.lower()
    assert page.count('class="note__at"') == 0


def test_page_calls_people_as_the_cohort_does(
    grader: Client, review: Review, cohort: Cohort, candidate: User
) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(is_named=True)
    User.objects.filter(pk=candidate.pk).update(name="Hal Incandenza")

    page = text_of(grader.get(address("review", review)))

    assert "Hal Incandenza" in page
    assert candidate.handle not in page


def test_page_keeps_the_verdict_last(grader: Client, review: Review) -> None:
    page = text_of(grader.get(address("review", review)))

    places = [page.index(f'id="dimension-{key}"') for key in DIMENSIONS]
    places += [page.index('id="signals"'), page.index('id="verdict"')]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["review", "review_draft", "evidence_add", "review_submit"])
@pytest.mark.parametrize("who", ["candidate", "second_peer", "organiser", "outsider"])
def test_foreign_review_is_not_there(
    client: Client, review: Review, request: pytest.FixtureRequest, who: str, name: str
) -> None:
    client.force_login(request.getfixturevalue(who))

    response = (
        client.get(address(name, review)) if name == "review" else post(client, name, review, WHOLE)
    )

    assert response.status_code == 404
    assert Review.objects.get().draft_version == 0


def test_grader_who_left_the_cohort_is_out(grader: Client, review: Review, peer: User) -> None:
    peer.memberships.all().delete()

    assert grader.get(address("review", review)).status_code == 404


def test_lapsed_page_says_so_and_goes_on(grader: Client, answer: Attempt, peer: User) -> None:
    lapsed = factories.review(
        answer, peer, state="expired", drafted_at=factories.NOW, summary="So far."
    )

    page = text_of(grader.get(address("review", lapsed)))

    assert "Your lease ran out; your text is kept." in page
    assert ">So far.</textarea>" in page
    assert "lease ran out" in page


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("released", "You put this answer back."),
        ("void", "This review was closed"),
    ],
)
def test_closed_page_says_why_and_shows_what_was_written(
    grader: Client, answer: Attempt, peer: User, state: str, said: str
) -> None:
    closed = factories.submitted_review(answer, peer, state=state, summary="Kept words.")

    page = text_of(grader.get(address("review", closed)))

    assert said in page
    assert "Kept words." in page
    assert "Hand in" not in page


def test_void_review_no_longer_plays_or_shows_the_answer(
    grader: Client, answer: Attempt, peer: User
) -> None:
    factories.artifact(answer, "what the candidate has withdrawn")
    void = factories.submitted_review(answer, peer, state="void")

    page = text_of(grader.get(address("review", void)))

    assert "what the candidate has withdrawn" not in page
    assert "/play/" not in page


def test_submitted_review_is_read_only_for_its_grader(
    grader: Client, answer: Attempt, peer: User
) -> None:
    given = factories.submitted_review(
        answer, peer, rank=1, ranks={"options": None}, downcodes=["unbounded"]
    )

    page = text_of(grader.get(address("review", given)))

    assert "It stands as it is." in page
    assert "No at L6" in page
    assert "Asked who is hurt, then drew." in page
    assert "Draws the design before the problem has a bound" in page
    assert "Not observed" in page
    assert 'id="scorecard"' not in page


# Drafts


def test_draft_by_script_is_kept_and_says_when(grader: Client, review: Review, peer: User) -> None:
    User.objects.filter(pk=peer.pk).update(time_zone="Asia/Tokyo")

    status, said = post_for_json(grader, review, WHOLE)

    kept = Review.objects.get()
    tokyo = timezone.get_fixed_timezone(9 * 60)
    lease = kept.lease_until.astimezone(tokyo).strftime("%H:%M")
    assert (status, said["version"], said["is_held"]) == (200, 1, True)
    assert said["lease_until"] == lease or said["lease_until"].endswith(lease)
    assert said["message"].startswith("Draft saved ")
    assert draft_of(kept).ratings == dict.fromkeys(DIMENSIONS, 2)
    assert draft_of(kept).downcodes == {"unbounded"}


def test_draft_by_form_is_kept_and_comes_back(grader: Client, review: Review) -> None:
    part = {"version": "0", "dimension-options": "none", "summary": "Half\r\na word."}

    response = post(grader, "review_draft", review, part, follow=True)

    page = text_of(response)
    assert response.redirect_chain == [(address("review", review), 302)]
    assert ">Half\na word.</textarea>" in page
    assert 'name="dimension-options" value="none" data-key="0" checked' in page
    assert '<input type="hidden" name="version" value="1"' in page


def test_draft_by_script_and_by_form_are_the_same_draft(grader: Client, review: Review) -> None:
    """Browsers send other line ends with a form than with a script: still no conflict."""
    post_for_json(grader, review, {"version": "0", "summary": "Two\nlines."})

    status, said = post_for_json(grader, review, {"version": "0", "summary": "Two\r\nlines."})

    assert (status, said["version"]) == (200, 1)


def test_draft_of_two_tabs_keeps_both_texts(grader: Client, review: Review) -> None:
    post_for_json(grader, review, {"version": "0", "summary": "First tab."})

    status, said = post_for_json(grader, review, {"version": "0", "summary": "Second tab."})
    response = post(grader, "review_draft", review, {"version": "0", "summary": "Second tab."})

    assert (status, said["code"]) == (409, "draft_conflict")
    assert "changed in another window" in said["message"]
    assert response.status_code == 409
    assert ">Second tab.</textarea>" in text_of(response)
    assert '<input type="hidden" name="version" value="0"' in text_of(response)
    assert Review.objects.get().summary == "First tab."


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimension-no_such_thing": "2"},
        {"dimension-options": "7"},
        {"downcodes": ["no_such_signal"]},
        {"verdict": "maybe"},
        {"level_given": "9"},
        {"summary": "x" * 4001},
        {"version": "one"},
        {"version": ""},
    ],
)
def test_draft_with_what_the_rubric_does_not_have_is_422_and_changes_nothing(
    grader: Client, review: Review, wrong: dict[str, Any]
) -> None:
    fields = {**WHOLE, **wrong}

    status, said = post_for_json(grader, review, fields)
    responses = [post(grader, name, review, fields) for name in ("review_draft", "review_submit")]

    assert status == 422
    assert said["message"]
    assert [response.status_code for response in responses] == [422, 422]
    assert Review.objects.get().draft_version == 0


@pytest.mark.parametrize("state", ["released", "void", "submitted"])
def test_draft_of_a_closed_review_is_refused_with_the_typed_text_on_the_page(
    grader: Client, answer: Attempt, peer: User, state: str
) -> None:
    closed = factories.submitted_review(answer, peer, state=state, summary="Kept.")
    typed = {**WHOLE, "version": "1", "summary": "Typed since."}

    status, said = post_for_json(grader, closed, typed)
    response = post(grader, "review_draft", closed, typed)

    assert (status, said["code"]) == (409, "review_closed")
    assert response.status_code == 409
    assert ">Typed since.</textarea>" in text_of(response)
    # what was typed as the answer went is kept, though there is nothing left to grade
    written = "Typed since." if state == "void" else "Kept."
    assert Review.objects.get().summary == written


# Marks


def test_mark_by_script_returns_the_lists_that_changed(grader: Client, review: Review) -> None:
    response = post_for_fragment(grader, "evidence_add", review, {**MARK, "mark-note": "Who?"})

    mark = Evidence.objects.get()
    assert (mark.start_ms, mark.end_ms, mark.note) == (65_000, 75_000, "Who?")
    assert mark.dimension is not None
    assert mark.dimension.key == "discovery"
    page = text_of(response)
    for part in ("notes", "timeline", "evidence-discovery", "evidence-options", "mark"):
        assert f'id="{part}"' in page
    assert "1:05–1:15" in page
    assert "<html" not in page


def test_mark_by_form_keeps_the_scorecard_too(grader: Client, review: Review) -> None:
    fields = {"version": "0", "summary": "Typed meanwhile.", "mark-about": "signal:unbounded"}

    response = post(grader, "evidence_add", review, {**fields, "mark-start": "3:02"})

    assert response.status_code == 302
    kept = draft_of(Review.objects.get())
    assert (kept.summary, set(kept.downcodes)) == ("Typed meanwhile.", {"unbounded"})
    assert Evidence.objects.get().downcode is not None


def test_mark_typed_but_not_pressed_is_kept_by_every_other_button(
    grader: Client, review: Review
) -> None:
    post(grader, "review_draft", review, {"version": "0", **MARK})

    assert Evidence.objects.count() == 1


def test_mark_of_a_quote_leads_to_its_line(grader: Client, review: Review) -> None:
    factories.artifact(
        review.attempt, "def retry():\n    sleep(2 ** attempt)", kind=Artifact.Kind.CODE
    )
    quote = {"mark-about": "dimension:options", "mark-quote": "sleep(2 ** attempt)"}

    page = text_of(post_for_fragment(grader, "evidence_add", review, quote))

    assert '<a class="note__at" href="#code-L2">code 2</a>' in page


def test_words_said_at_a_time_are_a_mark_of_both(grader: Client, review: Review) -> None:
    typed = {
        "mark-about": "dimension:options",
        "mark-start": "1:05",
        "mark-end": "1:12",
        "mark-quote": "Who decides?\r\nThe group does.",
    }
    page = text_of(post_for_fragment(grader, "evidence_add", review, typed))

    mark = review.evidence.get()
    assert (mark.start_ms, mark.end_ms) == (65_000, 72_000)
    assert mark.quote == "Who decides?\nThe group does."
    assert 'data-start-ms="65000">1:05–1:12</a>' in page
    assert '<q class="note__quote">Who decides?\nThe group does.</q>' in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mark-start": "soon"}, "“soon” is not a time."),
        ({"mark-start": "1:75"}, "“1:75” is not a time."),
        ({"mark-start": "2:00", "mark-end": "1:00"}, "The end lies before the beginning."),
        ({"mark-end": "1:00"}, "Say where it begins, too."),
        ({"mark-note": "Said so."}, "Give a time in the recording, or quote some words."),
        ({"mark-start": "10:30"}, "after the end of the recording"),
        ({"mark-start": "1:00", "mark-about": "dimension:other"}, "Select a valid choice"),
    ],
)
def test_mark_without_sense_is_refused_at_its_field_and_kept_as_typed(
    grader: Client, review: Review, fields: dict[str, str], said: str
) -> None:
    typed = {"mark-about": "dimension:options", **fields}
    whole = {**typed, "version": "0", "summary": "Typed meanwhile."}

    by_script = post_for_fragment(grader, "evidence_add", review, typed)
    by_form = post(grader, "evidence_add", review, whole)

    for response in (by_script, by_form):
        assert response.status_code == 422
        assert said in text_of(response)
        for name in {"mark-start", "mark-end", "mark-note"} & set(fields):
            assert f'value="{fields[name]}"' in text_of(response)
    assert ">Typed meanwhile.</textarea>" in text_of(by_form)
    assert not Evidence.objects.exists()


def test_mark_form_without_anything_asks_for_a_time(grader: Client, review: Review) -> None:
    response = post(
        grader, "evidence_add", review, {"version": "0", "mark-about": "signal:unbounded"}
    )

    assert response.status_code == 422
    assert "Give a time in the recording, or quote some words." in text_of(response)


def test_mark_is_removed_by_script_and_by_form(grader: Client, marked: Review) -> None:
    first, second = marked.evidence.order_by("pk")[:2]

    by_script = grader.post(
        address("evidence_remove", marked, first.public_id), headers={"HX-Request": "true"}
    )
    by_form = grader.post(
        address("evidence_remove", marked, second.public_id), {"version": "0", "summary": "Kept."}
    )

    assert (by_script.status_code, by_form.status_code) == (200, 302)
    assert 'id="notes"' in text_of(by_script)
    assert marked.evidence.count() == len(DIMENSIONS) - 2
    assert Review.objects.get().summary == "Kept."


def test_mark_of_another_review_is_not_there(
    grader: Client, review: Review, second_peer: User
) -> None:
    foreign = factories.submitted_review(review.attempt, second_peer).evidence.first()
    assert foreign is not None

    for public_id in (foreign.public_id, uuid4()):
        response = grader.post(address("evidence_remove", review, public_id), {"version": "0"})
        assert response.status_code == 404

    assert Evidence.objects.filter(pk=foreign.pk).exists()


@pytest.mark.parametrize("state", ["released", "void"])
def test_mark_on_a_closed_review_is_refused_and_kept_as_typed(
    grader: Client, answer: Attempt, peer: User, state: str
) -> None:
    closed = factories.review(answer, peer, state=state)

    by_script = post_for_fragment(grader, "evidence_add", closed, MARK)
    by_form = post(grader, "evidence_add", closed, {**MARK, "version": "0"})

    for response in (by_script, by_form):
        assert response.status_code == 409
        assert "This review is closed" in text_of(response)
        assert 'value="1:05"' in text_of(response)
    assert not Evidence.objects.exists()


# Handing in


def test_submit_hands_in_and_says_what_happens_now(grader: Client, marked: Review) -> None:
    response = post(grader, "review_submit", marked, WHOLE, follow=True)

    assert response.redirect_chain == [(address("review", marked), 302)]
    assert "Your review is in, thank you." in text_of(response)
    assert Review.objects.get().state == "submitted"


def test_submit_twice_answers_alike(grader: Client, marked: Review) -> None:
    answers = [post(grader, "review_submit", marked, WHOLE) for _n in range(2)]

    assert [(a.status_code, a["Location"]) for a in answers] == [
        (302, address("review", marked))
    ] * 2
    assert Review.objects.get().draft_version == 1


def test_submit_of_other_words_afterwards_is_refused_with_them_on_the_page(
    grader: Client, marked: Review
) -> None:
    post(grader, "review_submit", marked, WHOLE)

    response = post(grader, "review_submit", marked, {**WHOLE, "summary": "Second thoughts."})

    assert response.status_code == 409
    assert ">Second thoughts.</textarea>" in text_of(response)
    assert Review.objects.get().summary == "Asked who is hurt."


def test_submit_takes_a_mark_that_was_typed_but_not_pressed(grader: Client, marked: Review) -> None:
    marked.evidence.filter(dimension__key="discovery").delete()

    response = post(grader, "review_submit", marked, {**WHOLE, **MARK})

    assert response.status_code == 302
    assert marked.evidence.count() == len(DIMENSIONS)


def test_submit_without_evidence_is_refused_at_the_field_and_keeps_everything(
    grader: Client, review: Review
) -> None:
    response = post(grader, "review_submit", review, WHOLE)

    page = text_of(response)
    assert response.status_code == 422
    assert page.count('id="dimension-discovery-error"') == 1
    assert "A level needs evidence" in page
    assert ">Asked who is hurt.</textarea>" in page
    assert 'name="dimension-options" value="2" data-key="3" checked' in page
    assert '<input type="hidden" name="version" value="1"' in page
    kept = Review.objects.get()
    assert (kept.state, kept.summary) == ("draft", "Asked who is hurt.")


def test_submit_after_a_refusal_goes_through(grader: Client, review: Review) -> None:
    """The page that a refusal returns carries the version that the draft has now."""
    post(grader, "review_submit", review, WHOLE)
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension)

    response = post(grader, "review_submit", review, {**WHOLE, "version": "1", "summary": "More."})

    assert response.status_code == 302
    assert Review.objects.get().summary == "More."


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"dimension-adoption": ""}, "dimension-adoption-error"),
        ({"verdict": ""}, "verdict-error"),
        ({"confidence": ""}, "confidence-error"),
        ({"level_given": ""}, "level_given-error"),
        ({"verdict": "no", "level_given": "2"}, "level_given-error"),
        ({"verdict": "yes", "level_given": "1"}, "level_given-error"),
        ({f"dimension-{key}": "none" for key in DIMENSIONS}, "verdict-error"),
    ],
)
def test_submit_names_what_is_missing_at_its_field(
    grader: Client, marked: Review, wrong: dict[str, str], error: str
) -> None:
    response = post(grader, "review_submit", marked, {**WHOLE, **wrong})

    assert response.status_code == 422
    assert f'id="{error}"' in text_of(response)
    assert Review.objects.get().state == "draft"


def test_two_levels_from_the_target_asks_for_more_and_refuses_nothing(
    grader: Client, marked: Review
) -> None:
    far = {**WHOLE, "dimension-options": "0"}
    post(grader, "review_draft", marked, far)

    page = text_of(grader.get(address("review", marked)))
    response = post(grader, "review_submit", marked, {**far, "version": "1"})

    far_hints = page.count('data-hint="far"') - page.count('data-hint="far" hidden')
    assert far_hints == 1
    assert response.status_code == 302


def test_submit_of_a_released_review_keeps_the_typed_text_on_the_page(
    grader: Client, marked: Review
) -> None:
    post(grader, "review_release", marked, {**WHOLE, "summary": "Before putting it back."})

    response = post(grader, "review_submit", marked, {**WHOLE, "version": "1", "summary": "After."})

    kept = Review.objects.get()
    assert (kept.state, kept.summary) == ("released", "Before putting it back.")
    assert response.status_code == 409
    assert ">After.</textarea>" in text_of(response)


def test_submit_for_a_withdrawn_answer_says_so(grader: Client, marked: Review) -> None:
    Attempt.objects.update(state=Attempt.State.WITHDRAWN)

    response = post(grader, "review_submit", marked, WHOLE)

    assert response.status_code == 410
    assert "The candidate has withdrawn this answer." in text_of(response)
    assert Review.objects.get().summary == "Asked who is hurt."


def test_submit_long_after_the_lease_is_taken(
    grader: Client, marked: Review, second_peer: User, organiser: User
) -> None:
    now = timezone.now()
    Review.objects.update(lease_until=now - timedelta(hours=5), state="expired")
    factories.submitted_review(marked.attempt, second_peer)
    factories.review(marked.attempt, organiser, claimed_at=now)

    response = post(grader, "review_submit", marked, WHOLE)

    assert response.status_code == 302
    assert Review.objects.get(pk=marked.pk).state == "submitted"


def test_put_back_keeps_what_was_typed(grader: Client, review: Review) -> None:
    response: HttpResponse = post(
        grader, "review_release", review, {"version": "0", "summary": "Half a thought.", **MARK}
    )

    kept = Review.objects.get()
    assert (response.status_code, kept.state, kept.summary) == (302, "released", "Half a thought.")
    assert Evidence.objects.count() == 1


# What it costs


def test_queries_of_the_page_do_not_grow_with_what_is_on_it(
    grader: Client, review: Review, django_assert_max_num_queries: Any
) -> None:
    grader.get(address("review", review))
    with django_assert_max_num_queries(8) as bare:
        grader.get(address("review", review))
    bare_count = len(bare)
    post(grader, "review_draft", review, WHOLE)
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        for start_ms in (10_000, 20_000, 30_000):
            factories.evidence(review, dimension, start_ms=start_ms)

    with django_assert_max_num_queries(bare_count):
        grader.get(address("review", review))


def test_submit_twice_with_a_mark_answers_alike(grader: Client, marked: Review) -> None:
    fields = {**WHOLE, **MARK}

    answers = [post(grader, "review_submit", marked, fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert marked.evidence.filter(start_ms=65_000).count() == 1


def test_a_malformed_mark_says_so_to_a_script(grader: Client, review: Review) -> None:
    status, answer = post_for_json(grader, review, {**WHOLE, **MARK, "mark-start": "soon"})

    assert (status, answer["code"]) == (422, "invalid")
    assert answer["message"] != ""


@pytest.mark.parametrize("name", ["review_draft", "review_submit", "review_release"])
def test_a_form_opened_as_a_page_leads_to_the_review(
    grader: Client, review: Review, name: str
) -> None:
    """As it is after signing in again, when the press of the button found nobody signed in."""
    response = grader.get(address(name, review))

    assert response.headers["Location"] == address("review", review)


def test_submit_that_a_twin_overtakes_answers_alike(
    grader: Client, peer: User, marked: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An impatient double click: the twin hands in after this one has read the open review."""
    fields = {**WHOLE, **MARK}
    twins: list[int] = []

    def overtaken(found: Review) -> Rubric:
        if not twins:
            twins.append(0)
            twin = Client()
            twin.force_login(peer)
            twins[0] = post(twin, "review_submit", marked, fields).status_code
        return rubric_of(found)

    monkeypatch.setattr("feedback.views.grading.rubric_of", overtaken)

    response = post(grader, "review_submit", marked, fields)

    assert (response.status_code, twins) == (302, [302])
    assert marked.evidence.filter(start_ms=65_000).count() == 1
    assert Event.objects.filter(verb="submitted", subject="feedback.review").count() == 1


@pytest.mark.parametrize("others", [0, 1])
def test_handing_in_says_whether_the_results_are_open(
    grader: Client, marked: Review, second_peer: User, others: int
) -> None:
    Attempt.objects.filter(pk=marked.attempt.pk).update(submitted_at=timezone.now())
    if others:
        factories.submitted_review(marked.attempt, second_peer)

    response = post(grader, "review_submit", marked, WHOLE, follow=True)

    assert ("The results are open" in text_of(response)) is bool(others)


# Phases, rungs and whys


@pytest.fixture
def deep(candidate: User, peer: User, cohort: Cohort) -> Review:
    """A review, claimed just now, by a rubric with a depth ladder and a why-chain."""
    factories.edition("deep_dive", is_deep=True)
    answer = factories.answer(candidate, cohort, kind="deep_dive")
    return factories.review(answer, peer, claimed_at=timezone.now())


def moments(review: Review) -> list[tuple[str, int, int | None]]:
    return [*review.moments.order_by("at_ms", "pk").values_list("kind", "key", "at_ms")]


def test_page_offers_what_the_rubric_has(grader: Client, review: Review, deep: Review) -> None:
    plain, rich = (text_of(grader.get(address("review", one))) for one in (review, deep))

    for page in (plain, rich):
        assert 'value="phase:1"' in page
        assert "the next phase begins" in page
    assert 'value="rung:1"' not in plain
    assert 'value="why:new"' not in plain
    assert "where it stops" in rich
    assert "depth rung reached" in rich
    assert 'value="why:new"' in rich


def test_moment_by_script_returns_panel_and_ribbon(grader: Client, review: Review) -> None:
    for what, ms in (("phase", "0"), ("phase", "180000")):
        response = post_for_fragment(
            grader, "moment_add", review, {"moment-what": what, "moment-ms": ms}
        )

    parts = text_of(response)
    assert response.status_code == 200
    assert 'id="moments"' in parts
    assert 'id="ribbon"' in parts
    assert "First slice begins at 3:00." in parts
    assert "3 of 15 minutes on discovery" in parts
    assert 'data-stretches="1:0 2:180000"' in parts
    assert moments(review) == [("phase", 1, 0), ("phase", 2, 180_000)]


def test_moment_by_form_takes_a_typed_time_and_keeps_the_scorecard(
    grader: Client, review: Review
) -> None:
    fields = {"version": "0", "summary": "So far.", "moment-what": "phase:2", "moment-at": "3:05"}

    response = post(grader, "moment_add", review, fields, follow=True)

    assert "First slice begins at 3:05." in text_of(response)
    assert moments(review) == [("phase", 2, 185_000)]
    assert Review.objects.get().summary == "So far."


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"moment-what": "phase:1"}, "Say when it begins"),
        ({"moment-what": "phase:1", "moment-at": "soon"}, "“soon” is not a time."),
        ({"moment-what": "phase:1", "moment-at": "11:00"}, "after the end of the recording"),
        ({"moment-what": "phase:7", "moment-at": "1:00"}, "The rubric of this answer does not"),
        ({"moment-what": "rung:2", "moment-at": "1:00"}, "The rubric of this answer does not"),
        ({"moment-what": "rung:5", "moment-at": "1:00"}, "There is no such thing"),
        ({"moment-what": "verdict", "moment-at": "1:00"}, "Enter a valid value."),
        ({"moment-at": "1:00"}, "Press what begins then"),
    ],
)
def test_moment_without_sense_is_refused_and_all_is_kept_as_typed(
    grader: Client, review: Review, fields: dict[str, str], said: str
) -> None:
    by_form = post(grader, "moment_add", review, {"version": "0", "summary": "Kept.", **fields})
    by_script = post_for_fragment(grader, "moment_add", review, fields)

    assert by_form.status_code == by_script.status_code == 422
    assert said in text_of(by_form)
    assert ">Kept.</textarea>" in text_of(by_form)
    assert said in json.loads(by_script.content)["message"]
    assert moments(review) == []


def test_moment_is_removed_and_put_back(grader: Client, deep: Review) -> None:
    for ms in ("1000", "2000"):
        fields = {"moment-what": "why:new", "moment-ms": ms}
        post_for_fragment(grader, "moment_add", deep, fields)
    second = deep.moments.get(at_ms=2000)

    removed = grader.post(
        address("moment_remove", deep, second.public_id), headers={"HX-Request": "true"}
    )
    by_script = text_of(removed)
    assert "Removed: why answered, line 2, 0:02." in by_script
    assert 'value="why:2@2000"' in by_script
    post_for_fragment(grader, "moment_add", deep, {"moment-what": "why:2@2000"})
    assert moments(deep) == [("why", 1, 1000), ("why", 2, 2000)]

    first = deep.moments.get(at_ms=1000)
    by_form = grader.post(
        address("moment_remove", deep, first.public_id), {"version": "0"}, follow=True
    )
    assert "Put it back" in text_of(by_form)
    assert 'value="why:1@1000"' in text_of(by_form)
    assert moments(deep) == [("why", 2, 2000)]


def test_moment_of_another_review_is_not_there(
    grader: Client, review: Review, second_peer: User
) -> None:
    other = factories.review(review.attempt, second_peer)
    moment = other.moments.create(kind="phase", key=1, at_ms=0, marked_at=factories.NOW)

    response = grader.post(address("moment_remove", review, moment.public_id), {"version": "0"})

    assert response.status_code == 404
    assert other.moments.exists()


def test_moment_of_a_closed_review_is_refused_to_a_script(
    grader: Client, answer: Attempt, peer: User
) -> None:
    given = factories.submitted_review(answer, peer)

    response = post_for_fragment(
        grader, "moment_add", given, {"moment-what": "phase", "moment-ms": "0"}
    )

    assert response.status_code == 409
    assert json.loads(response.content)["code"] == "review_closed"


def test_kept_review_shows_where_the_time_went(grader: Client, answer: Attempt, peer: User) -> None:
    given = factories.submitted_review(answer, peer)
    given.moments.create(kind="phase", key=1, at_ms=0, marked_at=factories.NOW)
    given.moments.create(kind="phase", key=2, at_ms=180_000, marked_at=factories.NOW)

    page = text_of(grader.get(address("review", given)))

    assert "Where the time went" in page
    assert "3 of 15 minutes on discovery" in page
    assert "7 of 30 minutes on first slice" in page


# The lease


def alive(client: Client, review: Review) -> tuple[int, Any]:
    response = client.post(address("review_alive", review), headers={"Accept": "application/json"})
    return response.status_code, json.loads(response.content)


def test_playing_keeps_the_answer_theirs(grader: Client, answer: Attempt, peer: User) -> None:
    claimed_at = timezone.now() - timedelta(minutes=40)
    review = factories.review(answer, peer, claimed_at=claimed_at)

    status, said = alive(grader, review)

    review.refresh_from_db()
    assert status == 200
    assert said["is_held"]
    assert said["lapsed"] == ""
    assert said["message"].startswith("Yours until")
    assert review.lease_until > timezone.now() + timedelta(minutes=44)


def test_a_place_given_away_says_what_becomes_of_the_text(
    grader: Client, answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    review = factories.review(answer, peer, state="expired")
    for other in (second_peer, organiser):
        factories.review(answer, other, claimed_at=timezone.now())

    status, said = alive(grader, review)
    page = text_of(grader.get(address("review", review)))

    assert status == 200
    assert not said["is_held"]
    for words in (said["lapsed"], page):
        assert "the place went to somebody else; your text is kept." in words
        assert "your review counts as one more" in words


def test_a_closed_review_is_not_kept_alive(grader: Client, answer: Attempt, peer: User) -> None:
    status, said = alive(grader, factories.submitted_review(answer, peer))

    assert (status, said["code"]) == (409, "review_closed")


# Two windows


def test_two_windows_are_laid_side_by_side(grader: Client, review: Review) -> None:
    first = {"version": "0", "dimension-discovery": "1", "summary": "First.", "verdict": "no"}
    second = {"version": "0", "dimension-discovery": "3", "summary": "Second.", "verdict": "no"}
    post_for_json(grader, review, first)

    _status, said = post_for_json(grader, review, second)
    by_form = text_of(post(grader, "review_submit", review, second))

    for page in (unescape(said["html"]), by_form):
        assert 'name="pick-dimension-discovery" value="theirs" data-values="["1"]"' in page
        assert 'name="pick-summary" value="both"' in page
        assert 'name="pick-verdict"' not in page
        assert 'name="over" value="1"' in page
        assert "First." in page
        assert "Second." in page
    assert Review.objects.get().summary == "First."


@pytest.mark.parametrize(
    ("picks", "rank", "summary"),
    [
        ({}, 3, "Second."),
        ({"pick-summary": "theirs"}, 3, "First."),
        ({"pick-summary": "both", "pick-dimension-discovery": "theirs"}, 1, "First.\n\nSecond."),
    ],
)
def test_what_is_chosen_of_two_windows_is_kept(
    grader: Client, review: Review, picks: dict[str, str], rank: int, summary: str
) -> None:
    first = {"version": "0", "dimension-discovery": "1", "summary": "First."}
    second = {"version": "0", "dimension-discovery": "3", "summary": "Second."}
    post_for_json(grader, review, first)

    response = post(grader, "review_draft", review, {**second, "over": "1", **picks})

    assert response.status_code == 302
    kept = draft_of(Review.objects.get())
    assert (kept.ratings, kept.summary) == ({"discovery": rank}, summary)


def test_a_third_window_is_a_conflict_again(grader: Client, review: Review) -> None:
    for place, words in enumerate(["First.", "Third."]):
        post_for_json(grader, review, {"version": str(place), "summary": words})

    response = post(
        grader, "review_draft", review, {"version": "0", "summary": "Second.", "over": "1"}
    )

    assert response.status_code == 409
    assert 'name="over" value="2"' in text_of(response)
    assert Review.objects.get().summary == "Third."


# By rule, and what would colour a grade


def test_the_rule_stands_beside_the_verdict_once_it_is_in(
    grader: Client, answer: Attempt, peer: User
) -> None:
    given = factories.submitted_review(answer, peer, rank=2, downcodes=["unbounded"])

    page = text_of(grader.get(address("review", given)))

    assert "By rule, from this review alone" in page
    assert "No at L6" in page
    assert "is in force and caps the round." in page
    assert "The two differ" in page


def test_nothing_adds_up_before_it_is_in(grader: Client, marked: Review) -> None:
    post_for_json(grader, marked, WHOLE)

    page = text_of(grader.get(address("review", marked)))

    assert "By rule" not in page
    assert "two thirds" not in page


@pytest.mark.parametrize("is_in", [False, True])
def test_no_date_of_the_recording_whether_or_not_the_review_is_in(
    is_in: bool, grader: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    """How old an answer is would tell a calibration item from a fresh one."""
    answer = factories.answer(candidate, cohort, submitted_at=factories.NOW - timedelta(days=90))
    answer.recordings.update(started_at=factories.NOW - timedelta(days=91))
    now = timezone.now()
    review = (
        factories.submitted_review(answer, peer, claimed_at=now, submitted_at=now)
        if is_in
        else factories.review(answer, peer, claimed_at=now)
    )
    dates = ("1 Dec", "2 Dec", "2025-12", "30 Nov", "recorded")

    page = text_of(grader.get(address("review", review)))
    api = grader.get(reverse("review-detail", args=[review.public_id])).content.decode()

    assert [date for date in dates if date in page] == []
    assert [date for date in dates if date in api] == []


# What is typed when the answer is gone


@pytest.fixture
def gone(review: Review, candidate: User) -> Review:
    """A review whose answer its candidate has just taken back."""
    withdrawal.withdraw(attempt=review.attempt, by=candidate, at=timezone.now())
    return review


@pytest.mark.parametrize("name", ["review_submit", "evidence_add", "review_draft"])
def test_a_begun_mark_does_not_cost_the_text_beside_it(
    grader: Client, gone: Review, name: str
) -> None:
    response = post(grader, name, gone, WHOLE | MARK)

    assert response.status_code == 410
    assert "withdrawn this answer" in text_of(response)
    gone.refresh_from_db()
    assert gone.summary == WHOLE["summary"]
    assert not gone.evidence.exists()


@pytest.mark.parametrize("name", ["review_release", "report"])
def test_leaving_the_scorecard_of_an_answer_that_is_gone_keeps_its_text(
    grader: Client, gone: Review, name: str
) -> None:
    response = post(grader, name, gone, {**WHOLE, "kind": "unusable"})

    assert response.status_code == 410
    assert SUMMARY in text_of(response)
    gone.refresh_from_db()
    assert gone.summary == WHOLE["summary"]


def test_a_first_save_that_changes_nothing_can_be_typed_on_too(
    grader: Client, gone: Review
) -> None:
    status, said = post_for_json(grader, gone, {"version": "0"})
    assert (status, said["version"]) == (410, 0)


def test_removing_a_mark_of_a_closed_review_answers_a_script_in_words(
    grader: Client, marked: Review, candidate: User
) -> None:
    evidence = marked.evidence.order_by("pk")[0]
    withdrawal.withdraw(attempt=marked.attempt, by=candidate, at=timezone.now())

    response = grader.post(
        address("evidence_remove", marked, evidence.public_id), headers={"HX-Request": "true"}
    )

    assert response.status_code == 410
    assert "withdrawn" in json.loads(response.content)["message"]


def test_a_version_without_end_is_no_version(grader: Client, review: Review) -> None:
    assert post(grader, "review_draft", review, {**WHOLE, "over": "9" * 5000}).status_code < 500
