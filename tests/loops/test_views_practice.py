"""Loops, rounds and answers as a browser sees them: every state, every refusal, nothing lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.messages import get_messages
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops import blobs
from loops.models import (
    Artifact,
    Attempt,
    Cohort,
    Loop,
    Recording,
    Rendition,
    Round,
    Upload,
    User,
)
from rubrics.models import Preset, PresetRound
from tests import factories
from tests.factories import NOW


@pytest.fixture
def browser_(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture
def preset(db: None) -> Preset:
    """A preset of two rounds, made for the principal level."""
    made = Preset.objects.create(
        key="two", ladder="ic", position=1, title="Two rounds", description="d", target_rank=3
    )
    for position, key in enumerate(("coding", "sd_classic"), start=1):
        kind = factories.edition(key).round_kind
        PresetRound.objects.create(preset=made, position=position, round_kind=kind)
    return made


def words(response: Any) -> list[str]:
    """Return the messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def address(name: str, row: Loop | Round | Attempt) -> str:
    return reverse(f"loops:{name}", args=[row.public_id])


def kept(attempt: Attempt) -> list[Recording]:
    return list(Recording.objects.kept().filter(attempt=attempt))


# Starting a loop


def test_a_loop_starts_where_its_preset_aims(
    browser_: Client, preset: Preset, cohort: Cohort, candidate: User
) -> None:
    page = browser_.get(reverse("loops:loop_new"))
    sent = {"preset": "two", "cohort": cohort.public_id, "interview_on": ""}

    started = browser_.post(reverse("loops:loop_new"), sent)

    loop = Loop.objects.get()
    assert [line.target_label for line in page.context["presets"]] == ["L7"]
    assert started.url == address("loop", loop)  # type: ignore[attr-defined]
    assert (loop.member, loop.cohort, loop.target_rank) == (candidate, cohort, 3)
    assert loop.rounds.count() == 2


def test_one_form_starts_one_loop_and_another_choice_another(
    browser_: Client, preset: Preset, cohort: Cohort
) -> None:
    sent = {"preset": "two", "cohort": cohort.public_id, "form_id": uuid4(), "target_rank": "1"}

    urls = [browser_.post(reverse("loops:loop_new"), sent).url for _ in range(2)]  # type: ignore[attr-defined]
    browser_.post(reverse("loops:loop_new"), {**sent, "target_rank": "2"})

    assert urls[0] == urls[1]
    assert sorted(Loop.objects.values_list("target_rank", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"preset": "none"}, "preset"),
        ({"target_rank": "4"}, "target_rank"),
        ({"target_rank": "0"}, "target_rank"),
        ({"interview_on": "2020-01-01"}, "interview_on"),
        ({"interview_on": "soon"}, "interview_on"),
    ],
)
def test_a_mistake_starts_nothing_and_keeps_the_choices(
    browser_: Client, preset: Preset, cohort: Cohort, change: dict[str, str], field: str
) -> None:
    sent = {"preset": "two", "cohort": cohort.public_id, "target_rank": "1", **change}

    page = browser_.post(reverse("loops:loop_new"), sent)

    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert page.context["form"].data["cohort"] == str(cohort.public_id)
    assert not Loop.objects.exists()


def test_a_loop_belongs_to_a_cohort_of_ones_own(
    browser_: Client, preset: Preset, outsider: User
) -> None:
    foreign = outsider.cohorts.get()

    page = browser_.post(reverse("loops:loop_new"), {"preset": "two", "cohort": foreign.public_id})

    assert list(page.context["form"].errors) == ["cohort"]
    assert not Loop.objects.exists()


def test_without_a_cohort_one_is_told_what_to_do(client: Client, db: None, preset: Preset) -> None:
    client.force_login(factories.person())

    for name in ("loop_list", "loop_new"):
        page = client.get(reverse(f"loops:{name}")).content.decode()
        assert "Join a cohort first" in page
        assert 'name="preset"' not in page


# The pages, and what they cost


def test_loops_cost_the_same_for_one_and_for_three(
    browser_: Client, queries: Callable[[str], int], candidate: User, cohort: Cohort
) -> None:
    def one_more() -> None:
        factories.attempt(factories.loop(candidate, cohort).rounds.get())

    one_more()
    one = queries(reverse("loops:loop_list"))
    one_more()
    one_more()

    assert queries(reverse("loops:loop_list")) == one <= 8


def test_a_loop_costs_the_same_with_one_round_and_with_three(
    browser_: Client, queries: Callable[[str], int], candidate: User, cohort: Cohort
) -> None:
    short = factories.loop(candidate, cohort, kinds=["coding"])
    long = factories.loop(candidate, cohort, kinds=["coding", "sd_classic", "xfn"])
    for loop in (short, long):
        for round_ in loop.rounds.all():
            factories.attempt(round_)
            factories.attempt(round_, state=Attempt.State.DRAFT)

    one = queries(address("loop", short))

    assert queries(address("loop", long)) == one <= 8


def test_a_round_costs_the_same_with_one_answer_and_with_three(
    browser_: Client, queries: Callable[[str], int], round_: Round
) -> None:
    factories.attempt(round_)
    one = queries(address("round", round_))
    for _ in range(2):
        factories.attempt(round_)

    assert queries(address("round", round_)) == one <= 8


def test_an_answer_costs_the_same_with_and_without_texts(
    browser_: Client, queries: Callable[[str], int], draft: Attempt, recorded: Recording
) -> None:
    bare = queries(address("attempt", draft))
    for kind in Artifact.Kind.values:
        factories.artifact(draft, kind=kind)

    assert queries(address("attempt", draft)) == bare <= 8


def test_a_round_lists_answers_by_the_opening_of_their_prompt(
    browser_: Client, round_: Round
) -> None:
    version = factories.in_force()
    prompt = version.prompts.model.objects.create(
        version=version,
        key="code",
        position=9,
        text="Read this.\n\n    def f(x):\n        return x",
    )
    attempt = factories.attempt(round_, prompt=prompt, state=Attempt.State.DRAFT)
    factories.attempt(round_, state=Attempt.State.WITHDRAWN)

    in_list = browser_.get(address("round", round_)).content.decode()
    whole = browser_.get(address("attempt", attempt)).content.decode()

    assert "Read this." in in_list
    assert "def f(x)" not in in_list
    assert "Answer 2" not in in_list
    assert '<pre class="prompt__code"><code>def f(x):\n    return x</code></pre>' in whole


# An answer, from prompt to queue


def test_drawing_a_prompt_opens_one_draft(browser_: Client, round_: Round) -> None:
    urls = [browser_.post(address("attempt_start", round_)).url for _ in range(2)]  # type: ignore[attr-defined]

    draft = round_.attempts.get()
    assert urls == [address("attempt", draft)] * 2
    assert draft.is_draft


def test_a_round_without_prompts_says_whom_to_ask(browser_: Client, round_: Round) -> None:
    round_.round_kind.versions.update(retired_at=NOW)

    refused = browser_.post(address("attempt_start", round_), follow=True)

    assert "Ask your organiser to import the rubrics." in refused.content.decode()
    assert not round_.attempts.exists()


STATES = {
    "unpredicted": ("Predict your level", ["Record in the browser", "Hand in my answer"]),
    "predicted": ("Record in the browser", ["This is my prediction", "Hand in my answer"]),
    "recording": ("Use what arrived", ["Record in the browser", "Hand in my answer"]),
    "begun": ("Record in the browser", ["Use what arrived", "Hand in my answer"]),
    "uploaded": ("Being made ready to play", ["<video", "Record in the browser"]),
    "processing": ("Being made ready to play", ["<video", "Record in the browser"]),
    "ready": ("<video", ["Being made ready", "Record in the browser", "not all of it is there"]),
    "ready_partial": ("not all of it is there", ["Being made ready", "Record in the browser"]),
    "failed": ("It was cut off before anything", ["<video", "Hand in my answer"]),
    "withdrawn": ("This answer was put away", ["Record in the browser", "Hand in my answer"]),
}


@pytest.mark.parametrize("name", STATES)
def test_an_answer_shows_the_step_that_is_open(browser_: Client, round_: Round, name: str) -> None:
    predicted = None if name == "unpredicted" else 2
    state = Attempt.State.WITHDRAWN if name == "withdrawn" else Attempt.State.DRAFT
    draft = factories.attempt(round_, state=state, predicted_rank=predicted)
    if name in {"begun", *Recording.State.values}:
        recording = factories.recording(
            draft,
            state="recording" if name == "begun" else name,
            error_code="truncated" if name == "failed" else "",
            is_interrupted=name == "ready_partial",
        )
        factories.upload(recording, b"" if name == "begun" else b"bytes")

    html = browser_.get(address("attempt", draft)).content.decode()

    shown, hidden = STATES[name]
    assert shown in html
    assert [text for text in hidden if text in html] == []


def test_what_somebody_sends_this_minute_is_not_ended_by_one_press(
    browser_: Client, draft: Attempt
) -> None:
    recording = factories.recording(draft, state="recording")
    upload = factories.upload(recording, b"bytes", touched_at=timezone.now())
    sent_now = browser_.get(address("attempt", draft)).content.decode()
    Upload.objects.filter(pk=upload.pk).update(touched_at=timezone.now() - timedelta(minutes=2))
    left = browser_.get(address("attempt", draft)).content.decode()

    asks = "That window is gone: use what arrived"
    assert (asks in sent_now, asks in left) == (True, False)
    assert "Use what arrived" in sent_now


def test_an_answer_that_is_handed_in_leads_to_its_results(browser_: Client, round_: Round) -> None:
    attempt = factories.attempt(round_)

    for name in ("attempt", "attempt_submit"):
        assert browser_.get(address(name, attempt), follow=True).redirect_chain[-1] == (
            reverse("feedback:results", args=[attempt.public_id]),
            302,
        )


@pytest.mark.parametrize("state", ["ready", "ready_partial", "failed"])
def test_a_page_that_asks_again_gets_what_changed(
    browser_: Client, draft: Attempt, state: str
) -> None:
    factories.recording(draft, state=state)

    answer = browser_.get(address("attempt", draft), headers={"HX-Request": "true"})

    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.count('id="recorded"') == html.count('id="stage" hx-swap-oob="true"') == 1
    assert ("<html" in html, "hx-get" in html) == (False, False)
    assert ("Hand in my answer" in html) is (state != "failed")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("uploaded", "waits for its turn"),
        ("processing", 'max="100" value="40">40 %</progress>'),
    ],
)
def test_a_page_that_asks_too_early_gets_how_far_it_is(
    browser_: Client, draft: Attempt, state: str, shown: str
) -> None:
    recording = factories.recording(draft, state=state)
    steps = factories.upload(recording, b"bytes").track.steps
    steps.create(name="remux", state="running", progress=0.4, lease_until=NOW)

    page = browser_.get(address("attempt", draft)).content.decode()
    html = browser_.get(address("attempt", draft), headers={"HX-Request": "true"}).content.decode()

    assert shown in html
    assert shown in page
    assert "Look again" in page
    assert html.count("hx-get=") == html.count('id="recorded"') == 1
    assert ("<html" in html, 'id="stage"' in html) == (False, False)


@pytest.mark.parametrize("state", [Attempt.State.SUBMITTED, Attempt.State.WITHDRAWN])
def test_a_page_that_asks_again_is_loaded_anew_when_its_answer_is_closed(
    browser_: Client, round_: Round, state: str
) -> None:
    attempt = factories.attempt(round_, state=state)

    answer = browser_.get(address("attempt", attempt), headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Refresh"]) == (200, "true")


def test_the_prediction_is_kept_and_then_locked(browser_: Client, round_: Round) -> None:
    draft = factories.attempt(round_, state=Attempt.State.DRAFT)
    url = address("attempt_predict", draft)

    nothing = browser_.post(url, {})
    browser_.post(url, {"rank": "1"})
    factories.recording(draft)
    late = browser_.post(url, {"rank": "3"})

    draft.refresh_from_db()
    assert nothing.status_code == 422
    assert "Choose the level you expect." in nothing.content.decode()
    assert draft.predicted_rank == 1
    assert words(late) == [
        "Your prediction is locked since you began to record. It was kept as it was."
    ]


def test_camera_and_microphone_are_lent_to_the_recorder_alone(
    browser_: Client, draft: Attempt
) -> None:
    lent = {
        name: browser_.get(address(name, draft))["Permissions-Policy"]
        for name in ("record", "attempt")
    }

    assert lent == {
        "record": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        "attempt": "camera=(), microphone=(), display-capture=(), geolocation=()",
    }


def test_the_recorder_opens_where_there_is_something_to_record(
    browser_: Client, round_: Round
) -> None:
    draft = factories.attempt(round_, state=Attempt.State.DRAFT)
    page = address("attempt", draft)

    unpredicted = browser_.get(address("record", draft))
    Attempt.objects.update(predicted_rank=2)
    status = browser_.get(address("record", draft)).status_code
    factories.recording(draft)
    recorded = browser_.get(address("record", draft))
    Attempt.objects.update(state="withdrawn")
    withdrawn = browser_.get(address("record", draft))

    assert status == 200
    assert [answer.url for answer in (unpredicted, recorded, withdrawn)] == [page] * 3  # type: ignore[attr-defined]
    assert words(unpredicted) == [
        "Predict your level first: it cannot be asked once you have answered."
    ]


# A file handed in


@pytest.fixture
def send(browser_: Client, draft: Attempt) -> Callable[..., Any]:
    """Hand in a file by the plain form."""

    def send(content: bytes, name: str = "evening.webm") -> Any:
        file = SimpleUploadedFile(name, content, content_type="video/webm")
        return browser_.post(address("upload", draft), {"file": file})

    return send


def test_a_file_is_handed_in(send: Callable[..., Any], draft: Attempt, film: bytes) -> None:
    sent = send(film)

    recording = draft.recordings.get()
    track = recording.tracks.get()
    assert sent.url == address("attempt", draft)
    assert (recording.state, track.role) == ("uploaded", "upload")
    assert blobs.staged_path(track.uploads.get().staging_key).read_bytes() == film


@pytest.mark.parametrize(
    ("content", "limit", "status", "message"),
    [
        (b"%PDF-1.7 a curriculum vitae", None, 415, "not a video or sound file that we can play"),
        (b"", None, 422, "This file is empty."),
        (b"\x1a\x45\xdf\xa3" + bytes(5000), 3000, 413, "the limit is 2.9"),
    ],
)
def test_a_file_that_is_refused_leaves_all_as_it_was(
    send: Callable[..., Any],
    draft: Attempt,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
    *,
    content: bytes,
    limit: int | None,
    status: int,
    message: str,
) -> None:
    factories.artifact(draft, text="my notes")
    if limit:
        settings.UPLOAD_MAX_BYTES = limit

    before = set(_staged())

    with django_capture_on_commit_callbacks(execute=True):
        refused = send(content)

    draft.refresh_from_db()
    (told,) = refused.context["upload_form"].errors["file"]
    assert refused.status_code == status
    assert message in told
    assert "Nothing was kept" in told
    assert "my notes" in refused.content.decode()
    assert (kept(draft), draft.predicted_rank, draft.is_draft) == ([], 2, True)
    assert set(_staged()) == before


def test_a_file_within_the_limit_and_a_request_beyond_it_is_told_alike(
    browser_: Client, draft: Attempt, film: bytes, settings: Any
) -> None:
    """The form around the file counts too where a request is measured before it is read."""
    settings.UPLOAD_MAX_BYTES = len(film)
    file = SimpleUploadedFile("evening.webm", film)

    refused = browser_.post(address("upload", draft), {"file": file, "note": "x" * 500})

    assert refused.status_code == 413
    assert "Nothing was kept" in refused.context["upload_form"].errors["file"][0]


def test_a_full_disk_is_told_at_the_field(
    send: Callable[..., Any], draft: Attempt, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "has_room", lambda _size: False)

    refused = send(film)

    assert refused.status_code == 507
    assert "The server's disk is full" in refused.context["upload_form"].errors["file"][0]
    assert kept(draft) == []


def test_a_second_file_does_not_take_the_place_of_the_first(
    send: Callable[..., Any], draft: Attempt, film: bytes
) -> None:
    send(film)
    (first,) = kept(draft)

    again = send(film)

    assert again.url == address("attempt", draft)
    assert "has a recording already, and it is kept" in words(again)[-1]
    assert kept(draft) == [first]


def test_no_file_is_told_at_the_field(browser_: Client, draft: Attempt) -> None:
    refused = browser_.post(address("upload", draft), {})

    assert refused.status_code == 422
    assert refused.context["upload_form"].errors["file"] == ["Choose a file first."]


# Code and notes


def test_texts_are_kept_as_they_were_typed(browser_: Client, draft: Attempt) -> None:
    text = "def f(x):\r\n\treturn  x\r\n\r\n"

    saved = browser_.post(address("artifact", draft), {"kind": "code", "text": text})
    html = browser_.get(address("attempt", draft)).content.decode()

    assert saved.url == address("attempt", draft)  # type: ignore[attr-defined]
    assert draft.artifacts.get().text == "def f(x):\n\treturn  x\n\n"
    assert "def f(x):\n\treturn  x\n\n</textarea>" in html


def test_a_text_that_is_too_long_comes_back_whole(browser_: Client, draft: Attempt) -> None:
    factories.artifact(draft, text="the saved one")
    text = "x" * (Artifact.LIMIT_CHARACTERS + 1)

    refused = browser_.post(address("artifact", draft), {"kind": "notes", "text": text})

    assert refused.status_code == 422
    assert text in refused.content.decode()
    assert "longer than the 100000 characters" in refused.content.decode()
    assert draft.artifacts.get().text == "the saved one"


def test_a_text_for_an_answer_that_is_closed_is_handed_back(
    browser_: Client, round_: Round
) -> None:
    attempt = factories.attempt(round_)

    refused = browser_.post(address("artifact", attempt), {"kind": "notes", "text": "too <late>"})

    assert refused.status_code == 409
    assert "too &lt;late&gt;</textarea>" in refused.content.decode()
    assert not attempt.artifacts.exists()


@pytest.mark.parametrize("sent", [{"kind": "poem", "text": "roses"}, {"text": "roses"}, {}])
def test_a_text_of_no_kind_is_not_kept(
    browser_: Client, draft: Attempt, sent: dict[str, str]
) -> None:
    assert browser_.post(address("artifact", draft), sent).status_code == 422
    assert not draft.artifacts.exists()


# Handing in, putting away


def test_an_answer_is_handed_in_once(browser_: Client, draft: Attempt, recorded: Recording) -> None:
    url = address("attempt_submit", draft)
    results = reverse("feedback:results", args=[draft.public_id])

    asked = browser_.get(url)
    nothing = browser_.post(url, {})
    first = browser_.post(url, {"energy": "-2"})
    second = browser_.post(url, {"energy": "2"}, follow=True)

    draft.refresh_from_db()
    assert (asked.status_code, nothing.status_code) == (200, 422)
    assert "it cannot be asked once results are in" in nothing.content.decode()
    assert first.url == results  # type: ignore[attr-defined]
    assert second.redirect_chain[-1] == (results, 302)
    assert (draft.is_submitted, draft.energy) == (True, -2)


@pytest.mark.parametrize("state", [None, "recording", "failed", "discarded"])
def test_nothing_is_handed_in_without_a_recording(
    browser_: Client, draft: Attempt, state: str | None
) -> None:
    if state:
        factories.recording(draft, state=state)

    answers = [
        browser_.get(address("attempt_submit", draft)),
        browser_.post(address("attempt_submit", draft), {"energy": "0"}),
    ]

    draft.refresh_from_db()
    assert [answer.url for answer in answers] == [address("attempt", draft)] * 2  # type: ignore[attr-defined]
    assert "There is no finished recording in this answer yet" in words(answers[0])[0]
    assert draft.is_draft


def test_an_answer_is_put_away_with_its_bytes(
    browser_: Client,
    draft: Attempt,
    round_: Round,
    django_capture_on_commit_callbacks: Any,
) -> None:
    made = Rendition.objects.get(track__recording=factories.recording(draft, content=b"film"))

    with django_capture_on_commit_callbacks(execute=True):
        away = browser_.post(address("attempt_withdraw", draft))
    again = browser_.post(address("attempt_withdraw", draft))

    draft.refresh_from_db()
    assert (away.url, draft.state) == (address("round", round_), "withdrawn")  # type: ignore[attr-defined]
    assert not storages["recordings"].exists(made.name)
    assert "no longer a draft" in words(again)[-1]


def test_what_is_handed_in_is_not_put_away(browser_: Client, round_: Round) -> None:
    attempt = factories.attempt(round_)
    factories.recording(attempt, content=b"film")

    browser_.post(address("attempt_withdraw", attempt))

    attempt.refresh_from_db()
    assert attempt.is_submitted
    assert kept(attempt) != []


def test_an_answer_taken_back_leads_to_what_is_left_of_its_results(
    browser_: Client, round_: Round
) -> None:
    attempt = factories.attempt(round_, state=Attempt.State.WITHDRAWN, submitted_at=factories.NOW)

    answer = browser_.get(address("attempt", attempt))

    assert answer.url == reverse("feedback:results", args=[attempt.public_id])  # type: ignore[attr-defined]


def test_a_form_sent_for_a_closed_answer_leads_to_what_is_left_of_it(
    browser_: Client, round_: Round
) -> None:
    attempt = factories.attempt(round_, state=Attempt.State.WITHDRAWN)

    for name in ("attempt_predict", "upload"):
        refused = browser_.post(address(name, attempt), {})
        assert refused.url == address("attempt", attempt)  # type: ignore[attr-defined]
        assert "no longer a draft" in words(refused)[-1]


def test_a_form_that_is_opened_as_a_page_leads_to_its_page(
    browser_: Client, round_: Round, draft: Attempt
) -> None:
    """After signing in again, or by a reload, a browser asks with GET for where it posted."""
    forms = {
        address(name, draft): address("attempt", draft)
        for name in ("attempt_predict", "upload", "artifact", "attempt_withdraw")
    }
    forms[address("attempt_start", round_)] = address("round", round_)

    assert {url: browser_.get(url).url for url in forms} == forms  # type: ignore[attr-defined]


def test_days_are_shown_in_the_persons_zone(
    browser_: Client, round_: Round, candidate: User
) -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=NOW.tzinfo)
    factories.attempt(round_, submitted_at=late, started_at=late - timedelta(hours=1))

    in_utc = browser_.get(address("round", round_)).content.decode()
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Tokyo")
    in_tokyo = browser_.get(address("round", round_)).content.decode()

    assert "handed in 2 Mar 2026" in in_utc
    assert "handed in 3 Mar 2026" in in_tokyo


def _staged() -> list[Path]:
    return [
        path for path in (Path(django_settings.MEDIA_DIR) / "staging").rglob("*") if path.is_file()
    ]


def test_the_back_button_shows_no_stale_answer(
    as_: Callable[[User], Client], draft: Attempt, candidate: User
) -> None:
    """Else an answer that was handed in would look like a draft again."""
    page = as_(candidate).get(reverse("loops:attempt", args=[draft.public_id]))

    assert "no-store" in page.headers["Cache-Control"]
