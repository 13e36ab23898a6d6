"""The demo cohort as `seed_demo` makes it; the world is made once for all tests that read it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import av
import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Max
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.access import debrief_to_join
from feedback.actions.places import THIRD
from feedback.actions.reviews import problems_of
from feedback.demo import bank, players, speeches, story
from feedback.demo.cast import COHORT, PASSWORD, PEOPLE
from feedback.eligibility import Grader, Pool, Waiting, in_order
from feedback.models import (
    AttemptMeasure,
    DowncodeTick,
    Evidence,
    GradeAppeal,
    GraderMeasure,
    Rating,
    Review,
    Sitting,
    Snapshot,
    Unlock,
)
from feedback.queries.opening import is_opened
from feedback.queries.queue import held_review
from feedback.queries.queue_page import queue_page
from feedback.queries.readiness import readiness_page
from feedback.queries.reveal import REVIEWS_WANTED
from feedback.queries.side_by_side import side_by_side
from feedback.readiness import State, Step
from loops import blobs
from loops.actions import processing
from loops.models import (
    Appeal,
    Artifact,
    Attempt,
    Cohort,
    Cue,
    Event,
    Loop,
    MatchRequest,
    Membership,
    Mock,
    Notice,
    PromptExposure,
    Recording,
    Rendition,
    Seat,
    Standby,
    Track,
    Turn,
    Upload,
    User,
)
from loops.queries.reliability import reliability_of
from rubrics.actions import CATALOGUE
from tests.kept import kept_rows

TODAY = "2026-03-02"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = sorted(path.stem for path in bank.FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Made:
    """What two runs on the same day put into the database."""

    first: dict[str, list[Any]]
    second: dict[str, list[Any]]


def seed(*options: str) -> str:
    """Run the command and return what it printed."""
    output = StringIO()
    call_command("seed_demo", *options, stdout=output)
    return output.getvalue()


def facts() -> dict[str, list[Any]]:
    """Return all that the demo put into the database but keys, tokens and names of files."""
    attempt = "attempt__public_id"
    review = "review__public_id"
    of_evidence = ("start_ms", "end_ms", "quote", "note", "marked_at")
    rows = {
        "people": User.objects.values_list("public_id", "email", "name", "handle", "time_zone"),
        "places": Membership.objects.values_list("user__email", "role", "joined_at"),
        "loops": Loop.objects.values_list("public_id", "title", "started_at", "interview_on"),
        "rounds": Loop.objects.values_list("public_id", "rounds__public_id", "rounds__title"),
        "answers": Attempt.objects.values_list(
            "public_id",
            "number",
            "kind",
            "state",
            "prompt__key",
            "predicted_rank",
            "energy",
            "started_at",
            "submitted_at",
        ),
        "artifacts": Artifact.objects.values_list(attempt, "kind", "text", "updated_at"),
        "recordings": Recording.objects.values_list(
            "public_id", attempt, "state", "duration_ms", "started_at"
        ),
        "files": Rendition.objects.values_list("name", "content_type", "size_bytes", "facts"),
        "exposures": PromptExposure.objects.values_list("user__email", "prompt_key", "role", "at"),
        "reviews": Review.objects.values_list(
            "public_id",
            attempt,
            "grader__email",
            "state",
            "claimed_at",
            "submitted_at",
            "verdict",
            "confidence",
            "level_given_rank",
            "summary",
        ),
        "sittings": Sitting.objects.values_list(
            "public_id", "vignette__key", "number", "opened_at", "submitted_at", "exact"
        ),
        "unlocks": Unlock.objects.values_list("member__email", "round_kind__key", "at"),
        "ratings": Rating.objects.values_list(review, "dimension__key", "rank"),
        "ticks": DowncodeTick.objects.values_list(review, "downcode__key", "at_ms"),
        "evidence": Evidence.objects.values_list(
            review, "dimension__key", "downcode__key", *of_evidence
        ),
        "mocks": Mock.objects.values_list("public_id", "state", "starts_at", "ends_at"),
        "seats": Seat.objects.values_list("mock__public_id", "member__email", "outcome"),
        "turns": Turn.objects.values_list("public_id", "candidate__email", "prompt__key"),
        "events": Event.objects.values_list("at", "verb", "subject"),
        "levels": AttemptMeasure.objects.values_list(attempt, "level", "low", "high"),
    }
    return {name: sorted(found, key=repr) for name, found in rows.items()}


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """Make the demo twice in two transactions, from the same takes; keep the second."""
    takes = players.draw_takes(tmp_path_factory.mktemp("takes"))
    with pytest.MonkeyPatch.context() as patch, kept_rows(django_db_blocker):
        patch.setattr(players, "draw_takes", lambda folder: takes)
        call_command("import_rubrics", verbosity=0, stdout=StringIO())
        with transaction.atomic():
            seed(f"--today={TODAY}", "--force")
            first = facts()
            transaction.set_rollback(True)
        assert not User.objects.exists()
        seed(f"--today={TODAY}", "--force")
        yield Made(first, facts())


@pytest.fixture
def mara(made: Made) -> User:
    """The demo's candidate."""
    return User.objects.get(email="mara@demo.example")


# Refusals, in a database without the demo


@pytest.mark.django_db
def test_demo_is_refused_without_debug() -> None:
    with pytest.raises(CommandError, match="DEBUG is off"):
        seed()

    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_is_refused_without_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "draw_takes", lambda folder: [])

    with pytest.raises(CommandError, match=r"no preset “staff”\. .* import_rubrics"):
        seed("--force")

    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_is_refused_where_an_address_is_taken() -> None:
    User.objects.create_user("mara@demo.example", handle="wren-100")

    with pytest.raises(CommandError, match=r"mara@demo\.example \(wren-100\)"):
        seed("--force")

    assert User.objects.count() == 1


def test_sign_ins_are_printed_without_a_database() -> None:
    lines = seed("--sign-ins").splitlines()

    assert lines[0].endswith(f"{PASSWORD}:")
    assert [line.split()[0] for line in lines[1:]] == [person.email for person in PEOPLE]
    assert lines[1].split()[0] == "mara@demo.example"


# The world


def test_demo_has_eight_people_with_one_organiser(made: Made) -> None:
    roles = Counter(Membership.objects.values_list("role", flat=True))

    assert roles == {"member": 7, "organiser": 1}
    assert Cohort.objects.get().name == COHORT
    assert User.objects.values("time_zone").distinct().count() == 8


def test_demo_has_answers_in_every_state(made: Made) -> None:
    kinds = Counter(Attempt.objects.values_list("kind", flat=True))
    states = Counter(Attempt.objects.values_list("state", flat=True))

    assert states == {"submitted": len(story.ANSWERS), "draft": 1}
    assert kinds["live"] == sum(answer.is_live for answer in story.ANSWERS) >= 5


def test_demo_has_dozens_of_reviews_by_every_grader(made: Made) -> None:
    by_grader = Counter(Review.objects.submitted().values_list("grader__email", flat=True))

    assert 60 <= by_grader.total() <= 100
    assert len(by_grader) == len(PEOPLE)
    assert min(by_grader.values()) >= 6
    assert Review.objects.exclude(state="submitted").get().state == "draft"


def test_ratings_use_the_whole_scale(made: Made) -> None:
    ranks = Counter(Rating.objects.values_list("rank", flat=True))

    assert set(ranks) == {None, 0, 1, 2, 3}
    assert min(ranks.values()) >= 15


def test_manager_loop_is_half_done(made: Made) -> None:
    loop = Loop.objects.get(ladder="em")
    answered = loop.rounds.annotate(n=Count("attempts")).filter(n__gte=2)

    assert (loop.rounds.count(), answered.count()) == (6, 3)


def test_first_screen_of_the_candidate_shows_every_state(mara: User) -> None:
    page = readiness_page(Loop.objects.get(member=mara), NOW)

    found = {
        line.round.round_kind.key: (line.reading.state, line.reading.next_step.code)
        for line in page.lines
    }
    assert found == {
        "coding": (State.AT_BAR, Step.KEEP_WARM),
        "sd_classic": (State.CANNOT_TELL, Step.OPEN_REVIEWS),
        "sd_ambiguous": (State.CANNOT_TELL, Step.NEW_PROMPT),
        "xfn": (State.TOO_LITTLE_EVIDENCE, Step.NEW_PROMPT),
        "ic_leadership": (State.BELOW_BAR, Step.REPAIR_CAP),
        "deep_dive": (State.NO_EVIDENCE, Step.AWAIT_REVIEWS),
    }
    assert [repair.downcode for repair in page.repairs] == ["hero"]
    assert page.weakest_line
    assert page.weakest_line.weakest_dimension == page.repairs[0].dimension


def test_candidate_has_answers_that_wait_and_one_in_the_making(mara: User) -> None:
    page = readiness_page(Loop.objects.get(member=mara), NOW)

    waiting = {
        line.round.round_kind.key: (line.waiting.reviews_in, line.waiting.reviews_wanted)
        for line in page.lines
        if line.waiting.answers
    }
    to_open = {line.round.round_kind.key: line.to_open for line in page.lines if line.to_open}
    drafts = [line.round.round_kind.key for line in page.lines if line.draft_id]
    draft = Attempt.objects.get(state="draft")
    assert waiting == {"deep_dive": (1, 2), "sd_ambiguous": (0, 2)}
    assert to_open == {"sd_classic": 2}
    assert drafts == ["xfn"]
    assert draft.predicted_rank is not None
    assert draft.artifacts.get().kind == "notes"


def test_candidate_has_answers_to_grade_and_one_begun(mara: User) -> None:
    page = queue_page(mara, NOW)
    held = held_review(mara, NOW)

    assert page.waiting_total == 3
    assert {kind.key for kind in page.kinds} == {"coding", "xfn", "deep_dive"}
    assert [line.review for line in page.held] == [held]
    assert held is not None
    assert held.lease_until > NOW
    assert 0 < held.ratings.count() < held.attempt.rubric_version.dimensions.count()
    assert page.given_total >= 6


def test_candidate_has_a_mock_to_come_a_kit_to_prepare_and_a_proposal_to_answer(mara: User) -> None:
    mine = Mock.objects.of(mara)

    assert mine.filter(state="accepted", turns__candidate=mara, starts_at__gt=NOW).exists()
    assert mine.filter(state="accepted", turns__interviewer=mara, turns__prepared_at=None).exists()
    assert mine.filter(state="proposed").exclude(asked_by=mara).count() == 1


def test_every_live_answer_has_its_mock_and_a_live_review(made: Made) -> None:
    live = Attempt.objects.filter(kind="live")

    assert live.count() > 4
    assert {attempt.turn.mock.state for attempt in live} == {"done"}
    for attempt in live:
        assert [review.grader for review in attempt.reviews.filter(is_live=True)] == [
            attempt.turn.interviewer
        ]


def test_no_mail_server_is_asked_for_people_who_are_nowhere(made: Made) -> None:
    assert set(Notice.objects.values_list("mail_state", flat=True)) == {"none"}


def test_organiser_has_something_to_organise(made: Made) -> None:
    yusuf = User.objects.get(email="yusuf@demo.example")

    assert MatchRequest.objects.filter(state="open").count() == 3
    assert Standby.objects.ready(NOW).count() == 1
    assert Appeal.objects.get().seat.member == yusuf
    assert reliability_of([yusuf], NOW)[yusuf.pk].missed == 1


def test_every_review_could_be_handed_in_again(made: Made) -> None:
    problems = [
        (review, problem)
        for review in Review.objects.submitted().select_related(
            "attempt__round__loop", "attempt__rubric_version"
        )
        for problem in problems_of(review)
    ]

    assert problems == []


def test_reviews_never_outnumber_their_places(made: Made) -> None:
    most = Attempt.objects.annotate(n=Count("reviews")).aggregate(most=Max("n"))["most"]

    assert most == THIRD, "a split has a third reader"


def test_evidence_lies_inside_its_recording_and_before_the_hand_in(made: Made) -> None:
    marks = Evidence.objects.annotate(duration_ms=F("review__attempt__recordings__duration_ms"))

    assert marks.filter(start_ms__isnull=False).count() > 400
    assert not marks.filter(end_ms__gte=F("duration_ms")).exists()
    assert not marks.filter(marked_at__gt=F("review__submitted_at")).exists()
    assert not marks.filter(marked_at__gt=NOW).exists()


def test_words_lie_inside_their_recording(made: Made) -> None:
    spoken = Cue.objects.filter(transcript__recording__state="ready")

    assert {
        cue["transcript__recording__attempt__round__loop__member__email"].partition("@")[0]
        for cue in spoken.values("transcript__recording__attempt__round__loop__member__email")
    } == {"mara", "priya"}
    assert spoken.values("transcript").distinct().count() == len(speeches.SAID)
    assert not spoken.filter(end_ms__gt=F("transcript__recording__duration_ms")).exists()


def test_quotes_stand_in_what_they_quote(made: Made) -> None:
    quoted = Evidence.objects.exclude(quote="").select_related("review")
    texts = dict(Artifact.objects.values_list("attempt_id", "text"))

    assert quoted.count() >= 6
    assert [mark for mark in quoted if mark.quote not in texts[mark.review.attempt_id]] == []


def test_some_signals_are_in_force_and_some_are_not(made: Made) -> None:
    ticks = Counter(DowncodeTick.objects.values_list("review__attempt", "downcode__key"))

    assert {1, 2} == set(ticks.values())
    assert not DowncodeTick.objects.filter(at_ms=None).exists()


def test_every_recording_plays_for_as_long_as_it_says(made: Made) -> None:
    tracks = Track.objects.select_related("recording")
    playable = Rendition.objects.filter(kind="playable").select_related("track")

    for rendition in playable:
        with (
            blobs.open_stored(rendition.name) as file,
            av.open(file, "r", format="matroska") as media,
        ):
            kinds = {stream.type for stream in media.streams}
            duration_ms = (media.duration or 0) / 1000
            assert next(media.decode(media.streams[0])) is not None
            assert file.seek(0, 2) == rendition.size_bytes
        assert abs(duration_ms - (rendition.track.duration_ms or 0)) < 100
        assert kinds == ({"audio", "video"} if rendition.track.video_codec else {"audio"})
    assert tracks.count() == playable.count() == len(story.ANSWERS) + 1
    mains = tracks.exclude(role="screen")
    assert mains.filter(duration_ms=F("recording__duration_ms")).count() == len(story.ANSWERS)
    assert tracks.filter(video_codec="").exists()
    assert Upload.objects.filter(received_bytes=F("length_bytes")).count() == tracks.count()


def test_every_recording_has_what_its_player_shows(made: Made) -> None:
    for track in Track.objects.prefetch_related("renditions", "steps"):
        sizes = {one.kind: blobs.size_stored(one.name) for one in track.renditions.all()}
        pictures = {"poster", "strip"} if track.video_codec else set()
        assert set(sizes) == {"playable", "peaks"} | pictures
        assert sizes == {one.kind: one.size_bytes for one in track.renditions.all()}
        assert {step.state for step in track.steps.all()} == {"done"}
        assert track.loudness_lufs is not None
    partial = Recording.objects.get(state="ready_partial").tracks.get()
    ((gap_from, gap_to),) = partial.gaps
    assert gap_to - gap_from > 20_000
    assert Track.objects.exclude(silences=[]).exists()
    assert processing.catch_up(at=timezone.now()) == 0, "nothing is left for a worker to do"


def test_every_graded_round_kind_is_calibrated(made: Made) -> None:
    graded = Review.objects.submitted().values("attempt__rubric_version__round_kind")

    assert Snapshot.objects.count() == graded.distinct().count() == len(KINDS)


def test_severities_are_found_again(made: Made) -> None:
    coding = GraderMeasure.objects.filter(snapshot__round_kind__key="coding")
    in_order = list(coding.order_by("severity_levels").values_list("grader__email", flat=True))

    assert (in_order[0], in_order[-1]) == ("priya@demo.example", "kenji@demo.example")


def test_candidate_seldom_reads_a_note_twice(mara: User) -> None:
    notes = Counter(
        Evidence.objects.filter(
            quote="", review__attempt__round__loop__member=mara, review__state="submitted"
        ).values_list("note", flat=True)
    )

    assert sum(count - 1 for count in notes.values()) <= 0.05 * notes.total()


def test_same_day_gives_the_same_world(made: Made) -> None:
    assert all(made.first.values())
    assert made.first == made.second


def test_second_run_changes_nothing(made: Made) -> None:
    said = seed("--force")
    said_once = seed("--once", "--force")

    assert said == "The demo cohort is there already. Nothing was changed.\n"
    assert said_once == ""
    assert facts() == made.second


def test_candidate_signs_in_to_the_board(mara: User, client: Client) -> None:
    is_in = client.login(username=mara.email, password=PASSWORD)
    page = client.get(reverse("feedback:readiness"))

    assert is_in
    assert page.status_code == 200
    assert b"System design, ambiguous" in page.content


def test_people_have_trained_each_to_another_point(made: Made) -> None:
    unlocked = defaultdict(set)
    for unlock in Unlock.objects.select_related("member", "round_kind"):
        unlocked[unlock.member.email.partition("@")[0]].add(unlock.round_kind.key)

    assert unlocked == {
        "mara": {"coding"},
        "tomas": {"xfn", "ic_leadership", "sd_ambiguous", "em_org"},
        "adaeze": {"em_design", "em_technical"},
        "kenji": {"coding", "sd_classic", "sd_ambiguous"},
        "priya": {"coding"},
        "eilidh": {"deep_dive"},
    }
    assert Unlock.objects.get(is_by_repeat=True).round_kind.key == "em_technical"
    (open_one,) = Sitting.objects.filter(submitted_at=None)
    assert open_one.member.email == "mara@demo.example"
    given = Review.objects.submitted().filter(attempt__round__round_kind__key="coding")
    assert {review.is_untrained for review in given.filter(grader__email__startswith="kenji")} == {
        False
    }
    assert given.filter(is_untrained=True).exists()


# The story, without a database


def test_queue_gives_graders_what_the_story_says() -> None:
    for hours in range(0, 24 * 400, 53):  # every hour of the day, both changes of the clock
        check_story(NOW + timedelta(hours=hours))


def check_story(now: datetime) -> None:
    """Play the queue's rules over the story that ends now; luck may decide nothing in it.

    Where the story has three graders the first two are split, which the made world shows.
    """
    numbers = {person.key: number for number, person in enumerate(PEOPLE)}
    pools = {1: Pool(cohort=1, size=len(PEOPLE))}
    handed_in: dict[str, story.Turn] = {}
    given: dict[str, list[story.Turn]] = defaultdict(list)
    busy: dict[str, datetime] = {}

    def graded(member: str, grader: str, at: datetime) -> datetime | None:
        """Say when a person last graded another, or took an answer of theirs in hand."""
        ends = [
            turn.at
            for turns in given.values()
            for turn in turns
            if (turn.answer.member, turn.grader) == (member, grader)
        ]
        return max(ends, default=None)

    def credit(member: str, at: datetime) -> int:
        done = [turn for turns in given.values() for turn in turns if turn.at + story.GRADING <= at]
        gave = sum(turn.grader == member for turn in done)
        return gave - sum(turn.answer.member == member for turn in done)

    for turn in story.turns(now):
        answer = turn.answer
        if not turn.grader:
            assert turn.at < now
            handed_in[answer.key] = turn
            continue
        waiting = [
            Waiting(
                entry=number,
                attempt=number,
                cohort=1,
                candidate=numbers[one.answer.member],
                round_kind=KINDS.index(answer.kind),
                prompt=one.answer.prompt,
                since=one.at,
                reviews=len(given[key]),
                in_results=sum(other.at + story.GRADING <= turn.at for other in given[key]),
                credit=credit(one.answer.member, turn.at),
                is_graded=turn.grader in [other.grader for other in given[key]],
                graded_them_at=graded(turn.grader, one.answer.member, turn.at),
            )
            for number, (key, one) in enumerate(handed_in.items())
            if one.answer.kind == answer.kind
            and len(given[key]) < max(REVIEWS_WANTED, len(one.answer.graders))
        ]
        grader = Grader(person=numbers[turn.grader])
        for seed in "abc":
            found = in_order(waiting, grader, pools, turn.at, seed=seed).items
            assert [*handed_in][found[0].attempt] == answer.key
        assert busy.get(turn.grader, turn.at) <= turn.at
        assert turn.at + story.GRADING < now
        given[answer.key].append(turn)
        busy[turn.grader] = turn.at + story.GRADING


def test_nobody_answers_a_prompt_that_they_have_graded() -> None:
    met: set[tuple[str, str, str]] = set()

    for turn in story.turns(NOW):
        prompt = (turn.answer.kind, turn.answer.prompt)
        if turn.grader:
            met.add((turn.grader, *prompt))
        else:
            assert (turn.answer.member, *prompt) not in met


@pytest.mark.parametrize("kind", KINDS)
def test_texts_fit_the_catalogue(kind: str) -> None:
    rubric = yaml.safe_load((CATALOGUE / f"{kind}.yaml").read_text())
    texts = bank.bank_of(kind)
    prompts = {prompt["key"] for prompt in rubric["prompts"]}
    downcodes = {downcode["key"] for downcode in rubric["downcodes"]}
    dimensions = {dimension["key"] for dimension in rubric["dimensions"]}

    assert texts.notes.keys() == dimensions
    assert texts.signals.keys() <= downcodes
    assert {answer.prompt for answer in story.ANSWERS if answer.kind == kind} <= prompts
    assert texts.notes_on_prompts.keys() <= prompts
    for notes in (texts.notes, *texts.notes_on_prompts.values()):
        assert notes.keys() <= dimensions
    assert min(len(sides[side]) for sides in texts.notes.values() for side in ("good", "weak")) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_stands_twice(kind: str) -> None:
    texts = bank.bank_of(kind)
    notes = [
        note
        for dimensions in (texts.notes, *texts.notes_on_prompts.values())
        for sides in dimensions.values()
        for side in ("good", "weak", "top")
        for note in sides.get(side, [])
    ]

    assert [note for note, count in Counter(notes).items() if count > 1] == []


def test_every_quote_is_of_its_paper() -> None:
    papers = [paper for kind in KINDS for paper in bank.bank_of(kind).papers]

    assert len(papers) >= 4
    for paper in papers:
        assert [quote for quote in paper.quotes if quote.quote not in paper.text] == []


def test_candidate_has_an_appeal_answered_and_a_debrief_to_join(mara: User) -> None:
    appeal = GradeAppeal.objects.get()
    split = Attempt.objects.get(debrief__isnull=False, debrief__author__email__startswith="yusuf")

    assert appeal.attempt.round.loop.member == mara
    assert appeal.review is not None
    assert (appeal.outcome, appeal.review.purpose) == ("higher", "appeal")
    assert is_opened(appeal.attempt, NOW)
    assert debrief_to_join(mara, split.public_id).grader == mara
    assert [column.who for column in side_by_side(split).revised] == ["shrike-883"]
