"""Plays the demo world through the actions that people's clicks call. Nothing is made up here."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.files import File

from feedback.actions.calibration import calibrate_round_kind
from feedback.actions.opening import Word, open_reviews
from feedback.actions.queue import claim
from feedback.actions.reviews import Draft, save_draft, submit
from feedback.demo import story
from feedback.demo.asking import ask
from feedback.demo.bank import Picker, bank_of
from feedback.demo.cast import COHORT, COHORT_ID, ORGANISER, PASSWORD, PEOPLE, id_of
from feedback.demo.chance import fraction, whole
from feedback.demo.disputes import dispute
from feedback.demo.grading import Dimension, Graded, Mark, Sheet, Signal, Sitting
from feedback.demo.meetings import Evenings
from feedback.demo.school import School
from feedback.demo.speeches import speech_of
from feedback.demo.story import AnswerPlan, Turn
from feedback.models import Evidence, Review
from feedback.queries.ratings import round_kinds_to_calibrate
from loops import blobs, media
from loops.actions import events, people, practice, transcripts
from loops.actions.processing import PRODUCER
from loops.models import (
    Attempt,
    Cohort,
    Loop,
    Recording,
    Rendition,
    Round,
    Step,
    Track,
    Transcript,
    Upload,
    User,
)
from loops.states import RecordingState
from rubrics.models import Preset, RoundKind, RubricVersion
from rubrics.queries import version_in_force

FOUNDED_DAYS_AGO = 62
TAKES = (
    (122, True, range(0)),
    (147, True, range(0)),
    (171, True, range(88, 97)),
    (134, False, range(0)),
)
"""The recordings that are drawn, of which answers share copies: seconds, whether with a picture,
and during which seconds nothing is said.
"""
WITH_SCREEN = "priya/sd_classic/flag_delivery"
"""The answer of which the screen was recorded beside the camera; its takes are the longest."""
WITH_GAP = "mara/xfn/put_right"
"""The answer of which some seconds are missing."""
MOST_IDS = 50_000


class StoryError(Exception):
    """The installation is not the one that the story was written for; the text says in what."""


@dataclass(frozen=True)
class Take:
    """A drawn recording on the local disk, with all that processing makes of one, by kind."""

    path: Path
    facts: media.Media
    sound: media.Sound
    files: dict[Rendition.Kind, "TakeFile"]


@dataclass(frozen=True)
class TakeFile:
    """One file of a take."""

    path: Path
    content_type: str
    suffix: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Takes:
    """All that is drawn for the demo."""

    shared: list[Take]
    gapped: Take


def draw_takes(folder: Path) -> Takes:
    """Draw the recordings of the demo; takes some seconds."""

    def draw(seed: int) -> Take:
        seconds, has_picture, hush = TAKES[seed]
        path = folder / f"take-{seed}"
        media.synthesise_demo(path, seconds, seed=seed, has_picture=has_picture, hush=hush)
        return _looked_into(path, media.probe(path))

    def break_off(first: Take) -> Take:
        path = folder / "gapped"
        later = media.Part(first.path, first.facts.duration_ms + 23_000)
        return _looked_into(path, media.remux([media.Part(first.path), later], path))

    with ThreadPoolExecutor(max_workers=2) as drawers:
        shared = drawers.map(draw, range(len(TAKES)))
        first = next(shared)
        gapped = drawers.submit(break_off, first)
        return Takes([first, *shared], gapped.result())


def _looked_into(path: Path, facts: media.Media) -> Take:
    """Make of a drawn recording what processing makes of one that came in."""
    peaks, poster, strip = (path.with_suffix(f".{kind}") for kind in ("peaks", "poster", "strip"))
    sound = media.sound(path, peaks)
    files = {
        Rendition.Kind.PLAYABLE: TakeFile(path, facts.content_type, facts.suffix, {}),
        Rendition.Kind.PEAKS: TakeFile(peaks, "application/json", ".json", sound.peaks),
    }
    if facts.video_codec:
        seen = media.picture(path, poster, strip)
        files[Rendition.Kind.POSTER] = TakeFile(poster, "image/jpeg", ".jpg", seen.poster)
        files[Rendition.Kind.STRIP] = TakeFile(strip, "image/jpeg", ".jpg", seen.strip)
    return Take(path, facts, sound, files)


class World:
    """The demo world in the making. `stored` are the files it has put into the storage."""

    def __init__(self, *, now: datetime, takes: Takes) -> None:
        self.now = now
        self.takes = takes
        self.stored: list[str] = []
        self.attempts: dict[str, Attempt] = {}
        self._people: dict[str, User] = {}
        self._loops: dict[str, Loop] = {}
        self._sheets: dict[tuple[int, int], Sheet] = {}
        self._picker = Picker()

    def play(self) -> Cohort:
        """Make the cohort and everything that its people have done up to now."""
        cohort = self._gather()
        for plan in story.LOOPS:
            self._start_loop(plan, cohort)
        school = School(self.now, self._people)
        for turn in story.turns(self.now):
            school.hold(until=turn.at)
            if turn.grader:
                self._review(turn)
            else:
                self._answer(turn)
        school.hold(until=self.now)
        ask(self.attempts, self._people, self.now)
        self._begin_an_answer(story.DRAFT)
        self._hold_a_review(story.HELD)
        dispute(self.attempts, self._people, self.now, self._read_anew)
        for round_kind in RoundKind.objects.filter(pk__in=round_kinds_to_calibrate(self.now)):
            calibrate_round_kind(round_kind=round_kind, at=self.now)
        Evenings(now=self.now, cohort=cohort, people=self._people, attempts=self.attempts).play()
        return cohort

    # People and loops

    def _gather(self) -> Cohort:
        founded_at = self.now - timedelta(days=FOUNDED_DAYS_AGO)
        password = make_password(PASSWORD)  # one hash for all: hashing is slow on purpose
        for person in PEOPLE:
            user = User.objects.create_user(
                person.email,
                public_id=id_of("person", person.key),
                name=person.name,
                handle=person.handle,
                time_zone=person.time_zone,
                date_joined=founded_at,
            )
            user.password = password
            user.save(update_fields=["password"])
            self._people[person.key] = user
        organiser = self._people[ORGANISER]
        cohort = people.create_cohort(name=COHORT, by=organiser, at=founded_at)
        _name(cohort, COHORT_ID)
        invitation = people.invite(cohort=cohort, by=organiser, at=founded_at)
        for hours, person in enumerate(PEOPLE, start=1):
            joined_at = founded_at + timedelta(hours=3 * hours)
            people.join(invitation=invitation, by=self._people[person.key], at=joined_at)
        people.invite(cohort=cohort, by=organiser, at=self.now - timedelta(days=2))
        return cohort

    def _start_loop(self, plan: story.LoopPlan, cohort: Cohort) -> None:
        preset = Preset.objects.filter(key=plan.preset).first()
        if preset is None:
            raise StoryError(f"The catalogue has no preset “{plan.preset}”.")
        loop = practice.start_loop(
            preset=preset,
            title=plan.title,
            cohort=cohort,
            target_rank=plan.target_rank,
            by=self._people[plan.member],
            at=self.now - timedelta(days=plan.days_ago),
            interview_on=story.interview_day(plan, self.now),
        )
        _name(loop, id_of("loop", plan.member))
        self._loops[plan.member] = loop
        seen: dict[int, int] = {}
        for round_ in loop.rounds.select_related("round_kind").order_by("position"):
            nth = seen[round_.round_kind_id] = seen.get(round_.round_kind_id, 0) + 1
            _name(round_, _id_that_deals(round_, plan.member, nth))

    # Answers

    def _answer(self, turn: Turn) -> None:
        plan, by = turn.answer, self._people[turn.answer.member]
        version = self._version(plan.kind)
        attempt = self._open(plan, at=turn.at - timedelta(minutes=version.minutes + 6))
        if plan.is_live:  # its mock is told of afterwards, by Evenings
            attempt.kind = Attempt.Kind.LIVE
            attempt.save(update_fields=["kind"])
        practice.predict(
            attempt=attempt,
            rank=plan.predicted_rank,
            by=by,
            at=attempt.started_at + timedelta(minutes=2),
        )
        self._record(attempt, plan, by, attempt.started_at + timedelta(minutes=4))
        self._put_words_beside(attempt, plan, by, turn.at - timedelta(minutes=1))
        self._write_down(attempt, plan, turn.at - timedelta(minutes=3))
        practice.submit(attempt=attempt, energy=plan.felt, by=by, at=turn.at)

    def _open(self, plan: AnswerPlan, *, at: datetime) -> Attempt:
        kind = {"round_kind__key": plan.kind}
        rounds = self._loops[plan.member].rounds.filter(**kind).order_by("position")
        by = self._people[plan.member]
        attempt = practice.start_attempt(round_=rounds[plan.nth - 1], by=by, at=at)
        if attempt.prompt.key != plan.prompt:
            raise StoryError(f"{plan.key} was dealt the prompt “{attempt.prompt.key}”.")
        _name(attempt, id_of("answer", plan.key))
        self.attempts[plan.key] = attempt
        return attempt

    def _record(self, attempt: Attempt, plan: AnswerPlan, by: User, at: datetime) -> None:
        """Put copies of takes where processing would have put the recording.

        The actions would take seconds for each answer, in child processes.
        """
        shared = self.takes.shared
        take = shared[whole(0, len(shared) - 1, "take", plan.key)]
        if plan.key == WITH_GAP:
            take = self.takes.gapped
        if plan.key == WITH_SCREEN:
            *_others, screen, take = sorted(shared, key=lambda one: one.facts.duration_ms)
        duration_ms = take.facts.duration_ms
        ended_at = at + timedelta(milliseconds=duration_ms)
        state = RecordingState.READY_PARTIAL if plan.key == WITH_GAP else RecordingState.READY
        recording = Recording.objects.create(
            public_id=id_of("recording", plan.key),
            attempt=attempt,
            state=state,
            state_at=ended_at,
            started_at=at,
            duration_ms=duration_ms,
        )
        has_picture = bool(take.facts.video_codec)
        role = Track.Role.CAMERA if has_picture else Track.Role.MICROPHONE
        self._add_track(recording, role, take, id_of("track", plan.key), ended_at)
        if plan.key == WITH_SCREEN:
            beside = id_of("track", plan.key, "screen")
            self._add_track(recording, Track.Role.SCREEN, screen, beside, ended_at)
        size_bytes = take.facts.size_bytes
        events.record("began", recording, by=by, at=at)
        events.record("finished", recording, by=by, at=ended_at, size_bytes=size_bytes)
        events.record(state.value, recording, by=None, at=ended_at, duration_ms=duration_ms)

    def _add_track(
        self, recording: Recording, role: Track.Role, take: Take, track_id: UUID, at: datetime
    ) -> None:
        facts = take.facts
        track = Track.objects.create(
            public_id=track_id,
            recording=recording,
            role=role,
            duration_ms=facts.duration_ms,
            width=facts.width or None,
            height=facts.height or None,
            video_codec=facts.video_codec,
            audio_codec=facts.audio_codec,
            gaps=facts.gaps,
            loudness_lufs=take.sound.loudness_lufs,
            silences=take.sound.silences,
        )
        Upload.objects.create(
            track=track,
            content_type=facts.content_type,
            received_bytes=facts.size_bytes,
            length_bytes=facts.size_bytes,
            most_bytes=facts.size_bytes,
            staging_key=track_id.hex,
            is_kept=False,
            opened_at=recording.started_at,
            touched_at=at,
        )
        Rendition.objects.bulk_create(
            Rendition(
                track=track,
                kind=kind,
                name=self._stored(made, blobs.name_for(track_id, kind, made.suffix)),
                content_type=made.content_type,
                size_bytes=made.path.stat().st_size,
                facts=made.facts,
                producer=PRODUCER,
                made_at=at,
            )
            for kind, made in take.files.items()
        )
        Step.objects.bulk_create(
            Step(track=track, name=name, state=Step.State.DONE, progress=1, ended_at=at)
            for name in (Step.Name.REMUX, Step.Name.SOUND, Step.Name.PICTURE)
        )

    def _stored(self, made: TakeFile, name: str) -> str:
        """Put a copy into the storage. It could be drawn again, so the disk is not waited for."""
        self.stored.append(name)
        with made.path.open("rb") as file:
            blobs.stored().save(name, File(file))
        return name

    def _put_words_beside(self, attempt: Attempt, plan: AnswerPlan, by: User, at: datetime) -> None:
        recording = attempt.recordings.get()
        cues = speech_of(plan.key, duration_ms=recording.duration_ms or 0)
        if cues:
            transcripts.replace(
                recording=recording,
                cues=cues,
                language="en",
                source=Transcript.Source.TYPED,
                version="",
                by=by,
                at=at,
            )

    def _write_down(self, attempt: Attempt, plan: AnswerPlan, at: datetime) -> None:
        paper = bank_of(plan.kind).paper_for(plan.prompt)
        if paper:
            by = self._people[plan.member]
            practice.save_artifact(attempt=attempt, kind=paper.kind, text=paper.text, by=by, at=at)

    def _begin_an_answer(self, plan: AnswerPlan) -> None:
        at = self.now - timedelta(minutes=plan.minutes_ago)
        attempt = self._open(plan, at=at)
        by = self._people[plan.member]
        practice.predict(
            attempt=attempt, rank=plan.predicted_rank, by=by, at=at + timedelta(minutes=2)
        )
        self._write_down(attempt, plan, at + timedelta(minutes=9))

    # Reviews

    def _claim(self, plan: AnswerPlan, grader: str, at: datetime) -> Review:
        review = claim(by=self._people[grader], at=at, kind=plan.kind)
        if review.attempt_id != self.attempts[plan.key].pk:
            raise StoryError(f"{grader} came to grade {plan.key} and the queue gave another one.")
        _name(review, id_of("review", plan.key, grader))
        return review

    def _review(self, turn: Turn) -> None:
        self._grade(self._claim(turn.answer, turn.grader, turn.at), turn)
        is_last = turn.grader == turn.answer.graders[-1] and len(turn.answer.graders) > 1
        if is_last and turn.answer.is_opened:
            self._read(turn.answer, turn.at + story.GRADING + story.BREATHER)

    def _grade(self, review: Review, turn: Turn) -> None:
        """Mark what its grader sees, and hand the review in."""
        graded = self._graded(turn.answer, turn.grader)
        self._mark(review, graded.marks, at=turn.at, every=timedelta(minutes=2))
        submit(
            review=review,
            draft=Draft(
                ratings=graded.ratings,
                downcodes=graded.downcodes,
                verdict=graded.verdict,
                confidence=graded.confidence,
                level_given_rank=graded.level_given_rank,
                summary=graded.summary,
            ),
            version=review.draft_version,
            by=review.grader,
            at=turn.at + story.GRADING,
        )

    def _read_anew(self, review: Review, key: str, grader: str, at: datetime) -> None:
        """Grade an answer for an appeal, and have its candidate open that review, too."""
        plan = next(plan for plan in story.ANSWERS if plan.key == key)
        self._grade(review, Turn(at, plan, grader))
        self._read(plan, at + story.GRADING + story.BREATHER)

    def _read(self, plan: AnswerPlan, at: datetime) -> None:
        """Have a candidate say how useful their reviews were, which opens the levels."""
        attempt, by = self.attempts[plan.key], self._people[plan.member]
        marks = {
            review.public_id: Word(mark=_usefulness(plan, review.grader.handle))
            for review in attempt.reviews.in_results().select_related("grader")
        }
        open_reviews(attempt=attempt, words=marks, by=by, at=at)

    def _hold_a_review(self, plan: AnswerPlan) -> None:
        """Grade the first half of an answer and keep it as a draft, under a lease."""
        (grader,) = plan.graders
        at = self.now - story.HELD_SINCE
        review = self._claim(plan, grader, at)
        graded = self._graded(plan, grader)
        begun = list(graded.ratings)[: len(graded.ratings) // 2]
        marks = [mark for mark in graded.marks if mark.dimension in begun]
        self._mark(review, marks, at=at, every=timedelta(seconds=40))
        save_draft(
            review=review,
            draft=Draft(ratings={key: graded.ratings[key] for key in begun}),
            version=review.draft_version,
            by=self._people[grader],
            at=at + timedelta(minutes=4),
        )

    def _mark(
        self, review: Review, marks: Sequence[Mark], *, at: datetime, every: timedelta
    ) -> None:
        """Write down the evidence at once: mark by mark it would be half of all queries made."""
        version = review.attempt.rubric_version
        dimensions = dict(version.dimensions.values_list("key", "pk"))
        downcodes = dict(version.downcodes.values_list("key", "pk"))
        Evidence.objects.bulk_create(
            Evidence(
                public_id=id_of("evidence", review.public_id, number),
                review=review,
                dimension_id=dimensions.get(mark.dimension),
                downcode_id=downcodes.get(mark.downcode),
                start_ms=mark.start_ms,
                end_ms=mark.end_ms,
                quote=mark.quote,
                note=mark.note,
                marked_at=at + number * every,
            )
            for number, mark in enumerate(marks, start=1)
        )

    def _graded(self, plan: AnswerPlan, grader: str) -> Graded:
        attempt = self.attempts[plan.key]
        target_rank = self._loops[plan.member].target_rank
        return Sitting(
            answer=plan,
            grader=grader,
            sheet=self._sheet(attempt.rubric_version, target_rank),
            bank=bank_of(plan.kind),
            picker=self._picker,
            duration_ms=attempt.recordings.get().duration_ms or 0,
        ).graded()

    def _sheet(self, version: RubricVersion, target_rank: int) -> Sheet:
        key = (version.pk, target_rank)
        if key not in self._sheets:
            dimensions = list(version.dimensions.order_by("position"))
            downcodes = version.downcodes.values_list("key", "dimension__key", "cap_rank")
            bank = bank_of(version.round_kind.key)
            unknown = {one.key for one in dimensions} ^ bank.notes.keys()
            unknown |= bank.signals.keys() - {row[0] for row in downcodes}
            if unknown:
                raise StoryError(f"{version.title} differs from the story in “{min(unknown)}”.")
            self._sheets[key] = Sheet(
                dimensions=[Dimension(one.key, one.is_key) for one in dimensions],
                signals={row[0]: Signal(*row) for row in downcodes},
                target_rank=target_rank,
            )
        return self._sheets[key]

    def _version(self, kind: str) -> RubricVersion:
        version = version_in_force(RoundKind.objects.get(key=kind))
        if version is None:
            raise StoryError(f"The catalogue has no rubric for “{kind}”.")
        return version


def _usefulness(plan: AnswerPlan, grader: str) -> int | None:
    """Return what a candidate says of a review; now and then they skip the question."""
    luck = fraction("useful", plan.key, grader)
    return None if luck < 0.15 else 1 if luck < 0.5 else 2


def _name(row: User | Cohort | Loop | Round | Attempt | Review, public_id: UUID) -> None:
    """Give the row a public id that is the same everywhere, so that links into the demo hold."""
    row.public_id = public_id
    row.save(update_fields=["public_id"])


def _id_that_deals(round_: Round, member: str, nth: int) -> UUID:
    """Return an id for the round with which the draw gives it the prompts that the story tells of.

    A round's id seeds its draw (`draw_prompt`), so the story chooses among ids and no prompt is
    set by hand.
    """
    names = ("round", member, round_.round_kind.key, nth)
    wanted = story.prompts_of_round(member, round_.round_kind.key, nth)
    if not wanted:
        return id_of(*names, 0)
    version = version_in_force(round_.round_kind)
    prompts = list(version.prompts.order_by("position")) if version else []
    missing = set(wanted) - {prompt.key for prompt in prompts}
    if missing:
        raise StoryError(f"The catalogue has no prompt “{min(missing)}”.")
    for number in count():
        found = id_of(*names, number)
        left = prompts
        for key in wanted:
            prompt, _is_retake = practice.draw_prompt(left, {}, seed=str(found))
            if prompt.key != key:
                break
            left = [one for one in left if one.key != key]
        else:
            return found
        if number > MOST_IDS:
            raise StoryError(f"No id deals {wanted} in {round_.round_kind.key}.")
    raise AssertionError("Counting does not end.")
