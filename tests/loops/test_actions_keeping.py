"""How long recordings are kept: told of before, erased after, and nothing left of them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import TestCase

from feedback.models import Review
from loops import blobs
from loops.actions import keeping, practice, recordings
from loops.models import (
    Attempt,
    Cohort,
    Cue,
    Event,
    Notice,
    Recording,
    Rendition,
    Transcript,
    User,
)
from loops.queries.keeping import erasure_of, plan_of
from loops.tasks import sweep
from tests import factories
from tests.clock import Clock
from tests.factories import NOW

DAY = timedelta(days=1)
WEEK = timedelta(days=7)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bell rings here."""
    monkeypatch.setattr("loops.actions.notices.enqueue", lambda *_args, **_ids: None)


@pytest.fixture
def ruled(cohort: Cohort) -> Cohort:
    """The cohort, with a rule of thirty days."""
    cohort.keep_recordings_days = 30
    cohort.save()
    return cohort


@pytest.fixture
def answer(candidate: User, ruled: Cohort, peer: User, second_peer: User) -> Recording:
    """The recording of an answer handed in at NOW and graded by two within the hour."""
    attempt = factories.answer(candidate, ruled)
    for grader in (peer, second_peer):
        factories.submitted_review(attempt, grader)
    return attempt.recordings.get()


@pytest.fixture
def look(clock: Clock) -> Callable[[timedelta], None]:
    """Let so much time pass since NOW, and the sweep look."""

    def look(after: timedelta) -> None:
        clock.at = NOW + after
        sweep()

    return look


def state_of(recording: Recording) -> str:
    return str(Recording.objects.values_list("state", flat=True).get(pk=recording.pk))


def told(person: User, kind: str = "erasing") -> list[Notice]:
    return list(Notice.objects.filter(person=person, kind=kind, withdrawn_at=None).order_by("pk"))


# The rule of a cohort


def test_a_recording_is_erased_by_the_rule_seven_days_after_it_was_told(
    answer: Recording, candidate: User, look: Callable[[timedelta], None]
) -> None:
    look(23 * DAY - timedelta(seconds=1))
    assert told(candidate) == []

    look(23 * DAY)
    (notice,) = told(candidate)
    (row,) = notice.data["recordings"]
    assert row["erases_at"] == (NOW + 30 * DAY).isoformat()
    assert notice.data["days"] == 30

    look(30 * DAY - timedelta(seconds=1))
    assert state_of(answer) == "ready"

    look(30 * DAY)
    assert state_of(answer) == "erased"
    erased = Event.objects.get(verb="erased", subject_id=answer.pk)
    assert (erased.actor_id, erased.at, erased.data) == (None, NOW + 30 * DAY, {"rule_days": 30})
    assert len(told(candidate)) == 1


def test_nothing_is_erased_without_a_rule(
    answer: Recording, ruled: Cohort, candidate: User, look: Callable[[timedelta], None]
) -> None:
    Cohort.objects.filter(pk=ruled.pk).update(keep_recordings_days=None)

    look(4000 * DAY)

    assert state_of(answer) == "ready"
    assert told(candidate) == []


def test_a_sweep_that_was_down_erases_no_sooner_than_a_week_after_telling(
    answer: Recording, candidate: User, look: Callable[[timedelta], None]
) -> None:
    look(100 * DAY)
    assert state_of(answer) == "ready"
    assert told(candidate)[0].data["recordings"][0]["erases_at"] == (NOW + 107 * DAY).isoformat()

    look(107 * DAY - timedelta(seconds=1))
    assert state_of(answer) == "ready"

    look(107 * DAY)
    assert state_of(answer) == "erased"


def test_a_shorter_rule_tells_the_members_and_gives_them_a_week(
    answer: Recording,
    ruled: Cohort,
    candidate: User,
    organiser: User,
    look: Callable[[timedelta], None],
) -> None:
    at = NOW + 10 * DAY

    due = keeping.set_rule(cohort=ruled, days=7, by=organiser, at=at)

    assert due == 1
    assert [notice.data["days"] for notice in told(candidate, "keeping")] == [7]
    assert told(organiser, "keeping") == []  # who did it knows

    look(10 * DAY)
    assert [row["erases_at"] for row in told(candidate)[0].data["recordings"]] == [
        (NOW + 17 * DAY).isoformat()
    ]
    look(17 * DAY - timedelta(seconds=1))
    assert state_of(answer) == "ready"
    look(17 * DAY)
    assert state_of(answer) == "erased"


def test_each_change_of_the_rule_takes_back_what_was_told(
    answer: Recording,
    ruled: Cohort,
    candidate: User,
    organiser: User,
    look: Callable[[timedelta], None],
) -> None:
    look(23 * DAY)
    assert len(told(candidate)) == 1

    keeping.set_rule(cohort=ruled, days=60, by=organiser, at=NOW + 24 * DAY)

    assert told(candidate) == []
    assert Notice.objects.get(kind="erasing").mail_state == Notice.Mail.SKIPPED
    look(31 * DAY)
    assert state_of(answer) == "ready"
    look(53 * DAY)
    assert len(told(candidate)) == 1

    keeping.set_rule(cohort=ruled, days=None, by=organiser, at=NOW + 54 * DAY)
    look(400 * DAY)
    assert state_of(answer) == "ready"


def test_what_was_told_of_to_nobody_is_not_erased(answer: Recording) -> None:
    """A rule may change between the sweep's look and its hold on the recording."""
    assert not keeping.erase_due(recording_id=answer.pk, at=NOW + 100 * DAY)

    assert state_of(answer) == "ready"


def test_the_same_rule_again_tells_nobody(ruled: Cohort, candidate: User, organiser: User) -> None:
    keeping.set_rule(cohort=ruled, days=30, by=organiser, at=NOW)

    assert told(candidate, "keeping") == []
    assert not Event.objects.filter(verb="keeping_set").exists()


@pytest.mark.parametrize("days", [0, 6, 1096])
def test_a_rule_has_bounds(ruled: Cohort, organiser: User, days: int) -> None:
    with pytest.raises(keeping.NoSuchDays):
        keeping.set_rule(cohort=ruled, days=days, by=organiser, at=NOW)


def test_one_notice_tells_of_all_that_go_within_a_day(
    answer: Recording, candidate: User, look: Callable[[timedelta], None]
) -> None:
    round_ = answer.attempt.round
    for hours in (2, 20, 30):
        attempt = factories.attempt(round_, submitted_at=NOW + timedelta(hours=hours))
        factories.recording(attempt, state=Recording.State.FAILED)

    look(23 * DAY)
    (notice,) = told(candidate)
    assert [row["number"] for row in notice.data["recordings"]] == [1, 2, 3]

    look(23 * DAY + timedelta(hours=29))
    assert len(told(candidate)) == 1
    look(23 * DAY + timedelta(hours=30))
    assert [row["number"] for row in told(candidate)[1].data["recordings"]] == [4]


def test_a_draft_nobody_hands_in_is_discarded_by_the_rule(
    draft: Attempt, ruled: Cohort, candidate: User, look: Callable[[timedelta], None]
) -> None:
    recording = factories.recording(draft, started_at=NOW)

    look(23 * DAY)
    assert told(candidate)[0].data["recordings"][0]["is_draft"] is True
    look(30 * DAY)

    assert state_of(recording) == "discarded"
    assert Event.objects.get(verb="discarded").data == {"rule_days": 30}


def test_a_draft_handed_in_meanwhile_is_told_of_anew(  # noqa: PLR0917 - fixtures
    draft: Attempt,
    ruled: Cohort,
    candidate: User,
    peer: User,
    second_peer: User,
    look: Callable[[timedelta], None],
) -> None:
    recording = factories.recording(draft, started_at=NOW)
    look(23 * DAY)
    practice.submit(attempt=draft, energy=0, by=candidate, at=NOW + 25 * DAY)
    for grader in (peer, second_peer):
        factories.submitted_review(draft, grader, submitted_at=NOW + 26 * DAY)
    recording.refresh_from_db()
    plan = plan_of(recording, NOW + 25 * DAY)
    assert plan is not None
    assert plan.erases_at == NOW + 55 * DAY

    look(30 * DAY)
    assert state_of(recording) == "ready"

    look(48 * DAY)
    assert len(told(candidate)) == 2
    look(55 * DAY)
    assert state_of(recording) == "erased"


# What waits for its reviews


def test_an_answer_waits_for_its_reviews_and_a_week_more(
    candidate: User, ruled: Cohort, peer: User, look: Callable[[timedelta], None]
) -> None:
    attempt = factories.answer(candidate, ruled)
    recording = attempt.recordings.get()

    look(200 * DAY)
    assert told(candidate) == []
    plan = plan_of(recording, NOW + 200 * DAY)
    assert plan is not None
    assert (plan.days, plan.erases_at) == (30, None)

    factories.submitted_review(attempt, peer, submitted_at=NOW + 200 * DAY)  # alone: revealed
    look(200 * DAY + timedelta(minutes=1))
    (notice,) = told(candidate)
    assert (
        notice.data["recordings"][0]["erases_at"]
        == (NOW + 207 * DAY + timedelta(minutes=1)).isoformat()
    )
    look(207 * DAY + timedelta(minutes=1))
    assert state_of(recording) == "erased"


def test_a_grader_at_work_is_waited_for(
    candidate: User, ruled: Cohort, peer: User, second_peer: User, look: Callable[[timedelta], None]
) -> None:
    attempt = factories.answer(candidate, ruled)
    recording = attempt.recordings.get()
    factories.submitted_review(attempt, peer)
    look(23 * DAY)
    review = factories.review(
        attempt, second_peer, lease_until=NOW + 30 * DAY + timedelta(minutes=40)
    )

    look(30 * DAY)
    assert state_of(recording) == "ready"
    look(30 * DAY + timedelta(minutes=39))
    assert state_of(recording) == "ready"
    assert len(told(candidate)) == 1

    Review.objects.filter(pk=review.pk).update(state=Review.State.EXPIRED)
    look(30 * DAY + timedelta(minutes=41))
    assert state_of(recording) == "erased"


def test_what_failed_waits_for_nobody(
    candidate: User, ruled: Cohort, look: Callable[[timedelta], None]
) -> None:
    attempt = factories.answer(candidate, ruled)
    Recording.objects.update(state=Recording.State.FAILED)

    look(23 * DAY)
    look(30 * DAY)

    assert state_of(attempt.recordings.get()) == "erased"


# Erasing


@pytest.fixture
def whole(answer: Recording) -> Recording:
    """A recording with every kind of file and words, beside the files of somebody else."""
    track = answer.tracks.get()
    for number, kind in enumerate(Rendition.Kind.values):
        if kind != Rendition.Kind.PLAYABLE:
            factories.rendition(track, b"made" * (number + 1), kind=kind)
    storages["recordings"].save(track.renditions.get(kind="playable").name, ContentFile(b"film"))
    factories.upload(answer, received_bytes=4)
    screen = factories.upload(answer, role="screen", received_bytes=4)
    factories.rendition(screen.track, b"screen")
    words = Transcript.objects.create(recording=answer, source="typed", made_at=NOW)
    Cue.objects.create(transcript=words, position=1, start_ms=0, end_ms=1, text="hush")
    return answer


def files() -> set[Path]:
    """Return every file of media there is."""
    root = Path(blobs.staged_path("0" * 32)).parents[2]
    return {path for path in root.rglob("*") if path.is_file()}


def test_erasing_leaves_no_file_on_the_disk(whole: Recording, candidate: User) -> None:
    before = files()
    track = whole.tracks.order_by("pk")[0]
    # a worker died between storing this one and writing down that it did
    storages["recordings"].save(
        blobs.name_for(track.public_id, "log", ".mp4"), ContentFile(b"lost")
    )
    mine = files() - before
    names = {f"{t.public_id.hex}" for t in whole.tracks.all()}

    with TestCase.captureOnCommitCallbacks(execute=True):
        recordings.erase(recording=whole, by=candidate, at=NOW + DAY)

    left = files()
    assert mine & left == set()
    assert [path for path in left if path.parent.name in names] == []
    assert [u.is_kept for t in whole.tracks.all() for u in t.uploads.all()] == [False, False]
    assert not Rendition.objects.filter(track__recording=whole).exists()
    assert not Cue.objects.exists()
    erasure = erasure_of(Recording.objects.get(pk=whole.pk))
    assert erasure is not None
    assert (erasure.at, erasure.rule_days, erasure.is_over) == (NOW + DAY, None, True)


def test_a_storage_that_is_down_is_tried_again_until_nothing_is_left(
    whole: Recording,
    candidate: User,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[timedelta], None],
) -> None:
    def is_down(name: str) -> None:
        raise OSError(f"{name} cannot be reached")

    raw = [blobs.staged_path(u.staging_key) for t in whole.tracks.all() for u in t.uploads.all()]
    with monkeypatch.context() as patch:
        patch.setattr(type(storages["recordings"]), "delete", lambda _self, name: is_down(name))
        with TestCase.captureOnCommitCallbacks(execute=True):
            recordings.erase(recording=whole, by=candidate, at=NOW)
        look(timedelta(minutes=1))
        left = erasure_of(Recording.objects.get(pk=whole.pk))

    assert left is not None
    assert not left.is_over
    assert [path for path in raw if path.exists()] == []  # another storage, and not down
    look(timedelta(minutes=2))
    over = erasure_of(Recording.objects.get(pk=whole.pk))
    assert over is not None
    assert over.is_over


def test_a_recording_is_clear_for_good_when_no_worker_can_be_at_it(
    answer: Recording, candidate: User, look: Callable[[timedelta], None]
) -> None:
    recordings.erase(recording=answer, by=candidate, at=NOW)
    look(timedelta(minutes=1))
    track = answer.tracks.get()
    name = blobs.name_for(track.public_id, "strip", ".jpeg")
    storages["recordings"].save(name, ContentFile(b"by a worker that died after that"))

    look(timedelta(minutes=119))
    assert Recording.objects.get(pk=answer.pk).cleared_at is None

    look(timedelta(hours=2))
    assert Recording.objects.get(pk=answer.pk).cleared_at == NOW + timedelta(hours=2)
    assert Event.objects.filter(verb="cleared", subject_id=answer.pk).exists()
    assert not storages["recordings"].exists(name)


def test_one_that_cannot_be_cleared_holds_up_no_other(
    candidate: User,
    cohort: Cohort,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[timedelta], None],
) -> None:
    attempts = [factories.answer(candidate, cohort) for _ in range(2)]
    stuck, other = (attempt.recordings.get() for attempt in attempts)
    name = stuck.tracks.get().public_id.hex
    clear = blobs.delete_stored_of

    def clear_but_one(owner: Any) -> None:
        if owner.hex == name:
            raise OSError("read-only")
        clear(owner)

    monkeypatch.setattr(blobs, "delete_stored_of", clear_but_one)
    for recording in (stuck, other):
        recordings.erase(recording=recording, by=candidate, at=NOW)

    look(timedelta(minutes=1))

    erasures = [erasure_of(Recording.objects.get(pk=one.pk)) for one in (stuck, other)]
    assert [erasure.is_over for erasure in erasures if erasure] == [False, True]


def test_erasing_twice_is_once_and_that_of_a_draft_is_discarded(
    answer: Recording, draft: Attempt, candidate: User
) -> None:
    of_draft = factories.recording(draft)

    for recording in (answer, of_draft, answer, of_draft):
        recordings.erase(recording=recording, by=candidate, at=NOW)

    assert (state_of(answer), state_of(of_draft)) == ("erased", "discarded")
    assert Event.objects.filter(verb__in=["erased", "discarded"]).count() == 2
    upload = recordings.begin(
        attempt=draft, role="upload", content_type="video/webm", by=candidate, at=NOW
    )
    assert upload.track.recording.attempt == draft


def test_the_files_of_others_stay(answer: Recording, peer: User, cohort: Cohort) -> None:
    theirs = factories.answer(peer, cohort).recordings.get()
    name = theirs.tracks.get().renditions.get().name
    storages["recordings"].save(name, ContentFile(b"theirs"))

    with TestCase.captureOnCommitCallbacks(execute=True):
        recordings.erase(recording=answer, by=answer.attempt.round.loop.member, at=NOW)

    assert storages["recordings"].exists(name)


# The disk's floor


def test_organisers_are_told_of_a_full_disk_once_a_day(
    organiser: User,
    candidate: User,
    outsider: User,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[timedelta], None],
) -> None:
    look(timedelta())
    assert told(organiser, "disk_full") == []

    monkeypatch.setattr(blobs, "room_bytes", lambda: -1)
    assert [keeping.tell_of_full_disk(at=NOW) for _ in range(2)] == [1, 0]
    for minutes in (1, 2, 600):
        look(timedelta(minutes=minutes))
    assert len(told(organiser, "disk_full")) == 1
    assert told(candidate, "disk_full") == told(outsider, "disk_full") == []

    look(DAY)
    assert len(told(organiser, "disk_full")) == 2
    monkeypatch.setattr(blobs, "room_bytes", lambda: 0)
    look(2 * DAY)
    assert len(told(organiser, "disk_full")) == 2


def test_the_floor_is_a_setting_or_a_tenth_of_a_small_disk(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISK_FLOOR_BYTES = 500
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Disk(total=10_000, free=700))

    assert blobs.room_bytes() == 200
    assert (blobs.has_room(200), blobs.has_room(201)) == (True, False)

    settings.DISK_FLOOR_BYTES = 5000  # more than a tenth
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Disk(total=10_000, free=900))
    assert blobs.room_bytes() == -100
    assert not blobs.has_room(0)


@dataclass(frozen=True)
class _Disk:
    """What the system tells of a disk."""

    total: int
    free: int
