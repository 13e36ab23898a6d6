"""Plain functions that put rows in place for tests, each with defaults for what a test leaves open.

They write rows directly and call no action, so a test of an action does not stand on it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from feedback.actions.places import settle
from feedback.models import (
    DowncodeTick,
    Evidence,
    FollowUp,
    GradeAppeal,
    Question,
    Rating,
    Review,
    Sitting,
    Unlock,
    Usefulness,
)
from loops import blobs
from loops.cues import Cue as SpokenLine
from loops.models import (
    Artifact,
    Attempt,
    Cohort,
    Cue,
    Loop,
    MatchRequest,
    Membership,
    Mock,
    Proposal,
    Recording,
    Rendition,
    Round,
    Seat,
    Track,
    Transcript,
    Turn,
    Upload,
    User,
    WeeklyHours,
)
from loops.states import MockState
from rubrics.models import (
    Anchor,
    Dimension,
    Downcode,
    Level,
    LevelLabel,
    Phase,
    Prompt,
    Reference,
    RoundKind,
    RubricVersion,
    Vignette,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LEASE = timedelta(minutes=45)
LABELS = {"ic": ("below", "L5", "L6", "L7"), "em": ("below", "EM-5", "EM-6", "EM-7")}
DIMENSIONS = ("discovery", "bounding", "options", "adoption")
TITLES = {
    "coding": "Coding",
    "sd_classic": "System design, classic",
    "sd_ambiguous": "System design, ambiguous",
    "xfn": "Cross-functional",
    "ic_leadership": "Leadership",
    "deep_dive": "Project deep-dive",
}

_numbers = count(1)


def person(handle: str = "", **facts: Any) -> User:
    """Make a person named, and addressed, for the handle. They sign in by `force_login`."""
    handle = handle or f"heron-{next(_numbers):03}"
    facts.setdefault("email", f"{handle}@example.org")
    facts.setdefault("name", handle.partition("-")[0].title())
    return User.objects.create_user(handle=handle, **facts)


def cohort(*members: User, organiser: User | None = None, **facts: Any) -> Cohort:
    """Make a cohort of these people; the organiser is one more of them."""
    facts.setdefault("name", f"Cohort {next(_numbers)}")
    facts.setdefault("created_at", NOW)
    made = Cohort.objects.create(**facts)
    for member in members:
        join(made, member)
    if organiser:
        join(made, organiser, role=Membership.Role.ORGANISER)
    return made


def join(cohort: Cohort, user: User, role: str = Membership.Role.MEMBER) -> Membership:
    """Put a person into a cohort."""
    return Membership.objects.create(cohort=cohort, user=user, role=role, joined_at=NOW)


def levels(ladder: str = "ic") -> list[Level]:
    """Return the ladder's four levels with their default labels; there is one set."""
    made = list(Level.objects.filter(ladder=ladder).order_by("rank"))
    if not made:
        made = Level.objects.bulk_create(
            Level(
                ladder=ladder,
                rank=rank,
                scope="a team",
                width="one area",
                looks_for="what it takes",
            )
            for rank in range(len(LABELS[ladder]))
        )
        LevelLabel.objects.bulk_create(
            LevelLabel(level=level, company="default", text=text)
            for level, text in zip(made, LABELS[ladder], strict=True)
        )
    return made


def round_kind(key: str = "sd_ambiguous", *, ladder: str = "ic") -> RoundKind:
    """Return the round kind of that key; there is one."""
    title = TITLES.get(key, key.replace("_", " ").title())
    place = [*TITLES].index(key) + 1 if key in TITLES else 100 + next(_numbers)
    made, _is_new = RoundKind.objects.get_or_create(
        key=key,
        defaults={
            "ladder": ladder,
            "position": place,
            "title": title,
            "short_title": title[:22],
            "summary": "What the round is about",
        },
    )
    return made


def edition(
    key: str = "sd_ambiguous",
    *,
    ladder: str = "ic",
    dimensions: Sequence[str] = DIMENSIONS,
    prompts: int = 2,
    is_deep: bool = False,
) -> RubricVersion:
    """Publish a small new edition of a round kind, newest and so in force.

    The first dimension is key. Downcodes: `draws_first` caps the first dimension at rank 1,
    `unbounded` the whole round. The first prompt has an interviewer's kit. Two phases fill
    45 minutes. Prompt keys are the same in every edition. One that `is_deep` has a depth ladder
    and a why-chain.
    """
    levels(ladder)
    kind = round_kind(key, ladder=ladder)
    number = kind.versions.count() + 1
    version = RubricVersion.objects.create(
        round_kind=kind,
        edition=number,
        digest=f"{key}-{number}",
        structure_digest=f"{key}-{number}",
        title=kind.title,
        minutes=45,
        grades="Whether a request becomes a problem before it becomes a system.",
        checklist=["Ask who is hurt"],
        probes=["What would you leave out?"],
        published_at=NOW,
        has_rungs=is_deep,
        has_why_chain=is_deep,
    )
    rows = Dimension.objects.bulk_create(
        Dimension(
            version=version,
            key=name,
            position=position,
            label=name.replace("_", " ").title(),
            is_key=position == 1,
            structure_digest=f"{name}-{number}",
        )
        for position, name in enumerate(dimensions, start=1)
    )
    Anchor.objects.bulk_create(
        Anchor(dimension=row, rank=rank, text=f"{row.label} as rank {rank} does it.")
        for row in rows
        for rank in (1, 2, 3)
    )
    Downcode.objects.bulk_create(
        [
            Downcode(
                version=version,
                key="draws_first",
                position=1,
                text="Draws before restating the problem",
                dimension=rows[0],
                cap_rank=1,
            ),
            Downcode(
                version=version,
                key="unbounded",
                position=2,
                text="Draws the design before the problem has a bound",
                cap_rank=1,
            ),
        ]
    )
    Phase.objects.bulk_create(
        [
            Phase(version=version, position=1, name="Discovery", minutes=15),
            Phase(version=version, position=2, name="First slice", minutes=30),
        ]
    )
    Prompt.objects.bulk_create(
        Prompt(
            version=version,
            key=f"prompt_{position}",
            position=position,
            text=f"Help the reliability group get fewer incidents, case {position}.",
            **(_KIT if position == 1 else {}),
        )
        for position in range(1, prompts + 1)
    )
    return version


_KIT: Mapping[str, Any] = {
    "intent": "Sees whether the candidate asks who is hurt before drawing.",
    "probes": ["Who decides?"],
    "hints": ["Who reads the report?"],
    "wrong_turns": ["Builds a paging tool"],
}


def in_force(key: str = "sd_ambiguous") -> RubricVersion:
    """Return the newest edition of a round kind; the first call publishes one."""
    newest = RubricVersion.objects.filter(round_kind__key=key).order_by("-edition").first()
    return newest or edition(key)


def loop(
    member: User,
    cohort: Cohort,
    *,
    kinds: Sequence[str] = ("sd_ambiguous",),
    **facts: Any,
) -> Loop:
    """Make a loop with one round of each kind, at L6 unless said otherwise."""
    facts = {
        "title": "Staff loop",
        "preset_key": "staff",
        "ladder": "ic",
        "target_rank": 2,
        "started_at": NOW - timedelta(days=7),
        **facts,
    }
    levels(facts["ladder"])
    made = Loop.objects.create(member=member, cohort=cohort, **facts)
    for position, key in enumerate(kinds, start=1):
        kind = in_force(key).round_kind
        Round.objects.create(loop=made, position=position, round_kind=kind, title=kind.title)
    return made


def attempt(round_: Round, **facts: Any) -> Attempt:
    """Make an answer in a round, submitted at NOW; a draft if `state` says so. No recording."""
    version = in_force(round_.round_kind.key)
    facts = {
        "number": round_.attempts.count() + 1,
        "state": Attempt.State.SUBMITTED,
        "prompt": version.prompts.order_by("position").first(),
        "rubric_version": version,
        "started_at": NOW - timedelta(hours=1),
        **facts,
    }
    if facts["state"] == Attempt.State.SUBMITTED:
        facts = {"predicted_rank": 2, "energy": 0, "submitted_at": NOW, **facts}
    return Attempt.objects.create(round=round_, **facts)


def recording(
    attempt: Attempt,
    content: bytes = b"",
    *,
    role: str = Track.Role.CAMERA,
    content_type: str = "video/webm",
    **facts: Any,
) -> Recording:
    """Make a recording of ten minutes, ready to play; `content` is stored as its file.

    One that plays has a track with something to play; any other one is bare.
    """
    facts = {
        "state": Recording.State.READY,
        "state_at": NOW,
        "started_at": NOW - timedelta(minutes=50),
        "duration_ms": 600_000,
        **facts,
    }
    made = Recording.objects.create(attempt=attempt, **facts)
    if made.is_ready:
        of_it = Track.objects.create(recording=made, role=role, duration_ms=made.duration_ms)
        rendition(of_it, content, content_type=content_type)
    in_queue(attempt)
    return made


def in_queue(attempt: Attempt) -> None:
    """Bring the queue's entry up to date with rows that were made here, not by actions."""
    handed_in = Attempt.objects.answers().exclude(state=Attempt.State.DRAFT)
    if handed_in.filter(pk=attempt.pk, recordings__isnull=False).exists():
        settle(attempt=attempt, at=NOW)


def rendition(
    track: Track, content: bytes = b"", *, kind: str = Rendition.Kind.PLAYABLE, **facts: Any
) -> Rendition:
    """Make a file of a track; without content the storage has none."""
    facts = {
        "name": blobs.name_for(track.public_id, kind, ".bin"),
        "content_type": "video/webm",
        "size_bytes": len(content) or 1,
        "made_at": NOW,
        **facts,
    }
    if content:
        storages["recordings"].save(facts["name"], ContentFile(content))
    return Rendition.objects.create(track=track, kind=kind, **facts)


def upload(
    recording: Recording, content: bytes = b"", *, role: str = Track.Role.CAMERA, **facts: Any
) -> Upload:
    """Make a part of a recording; its staging file holds the content, unless a key is given."""
    track, _is_new = Track.objects.get_or_create(recording=recording, role=role)
    facts = {
        "part_no": track.uploads.count() + 1,
        "content_type": "video/webm",
        "most_bytes": 2**31,
        "opened_at": NOW,
        "touched_at": NOW,
        **facts,
    }
    if content:
        facts = {"received_bytes": len(content), "length_bytes": len(content), **facts}
    if "staging_key" not in facts:
        facts["staging_key"] = blobs.create()
        blobs.staged_path(facts["staging_key"]).write_bytes(content)
    return Upload.objects.create(track=track, **facts)


def transcript(recording: Recording, *lines: SpokenLine, **facts: Any) -> Transcript:
    """Give a recording words; without lines, one that greets."""
    facts = {"source": Transcript.Source.TYPED, "made_at": NOW, **facts}
    made = Transcript.objects.create(recording=recording, **facts)
    for position, line in enumerate(lines or [SpokenLine(0, 2_000, "Good evening.")], start=1):
        Cue.objects.create(
            transcript=made,
            position=position,
            start_ms=line.start_ms,
            end_ms=line.end_ms,
            speaker=line.speaker,
            text=line.text,
        )
    return made


def answer(member: User, cohort: Cohort, *, kind: str = "sd_ambiguous", **facts: Any) -> Attempt:
    """Make what peers grade: a submitted answer with a ready recording, in a loop of its own.

    `target_rank` goes to the loop, everything else to the attempt.
    """
    loop_facts = {"target_rank": facts.pop("target_rank")} if "target_rank" in facts else {}
    made_loop = loop(member, cohort, kinds=[kind], **loop_facts)
    made = attempt(made_loop.rounds.get(), **facts)
    recording(made)
    return made


def artifact(attempt: Attempt, text: str = "first line\nsecond line", **facts: Any) -> Artifact:
    """Keep notes, or code if `kind` says so, with an answer."""
    facts = {"kind": Artifact.Kind.NOTES, "updated_at": NOW, **facts}
    return Artifact.objects.create(attempt=attempt, text=text, **facts)


def review(attempt: Attempt, grader: User, **facts: Any) -> Review:
    """Make a review claimed at NOW under a lease of 45 minutes, with nothing written in it."""
    made = _review(attempt, grader, **facts)
    in_queue(attempt)
    return made


def _review(attempt: Attempt, grader: User, **facts: Any) -> Review:
    claimed_at = facts.setdefault("claimed_at", NOW)
    facts.setdefault("lease_until", claimed_at + LEASE)
    return Review.objects.create(attempt=attempt, grader=grader, **facts)


def submitted_review(
    attempt: Attempt,
    grader: User,
    *,
    rank: int = 2,
    ranks: Mapping[str, int | None] | None = None,
    downcodes: Sequence[str] = (),
    **facts: Any,
) -> Review:
    """Make a review that was handed in: every dimension rated `rank` with a mark a dimension.

    `ranks` overrides single dimensions by key; None is *not observed* and gets no mark.
    Verdict and level given follow `rank` against the loop's target.
    """
    is_yes = rank >= attempt.round.loop.target_rank
    submitted_at = facts.pop("submitted_at", NOW + timedelta(minutes=30))
    made = _review(
        attempt,
        grader,
        **{
            "state": Review.State.SUBMITTED,
            "submitted_at": submitted_at,
            "drafted_at": submitted_at,
            "draft_version": 1,
            "verdict": Review.Verdict.YES if is_yes else Review.Verdict.NO,
            "confidence": Review.Confidence.FAIR,
            "level_given_rank": rank,
            "summary": "Asked who is hurt, then drew.",
            **facts,
        },
    )
    given = {
        dimension: (ranks or {}).get(dimension.key, rank)
        for dimension in attempt.rubric_version.dimensions.order_by("position")
    }
    Rating.objects.bulk_create(
        Rating(review=made, dimension=dimension, rank=one) for dimension, one in given.items()
    )
    Evidence.objects.bulk_create(
        Evidence(review=made, dimension=dimension, **_span(dimension.position * 60_000))
        for dimension, one in given.items()
        if one is not None
    )
    for downcode in attempt.rubric_version.downcodes.filter(key__in=downcodes).order_by("pk"):
        DowncodeTick.objects.create(review=made, downcode=downcode)
    in_queue(attempt)
    return made


def open_reviews(attempt: Attempt, *, mark: int | None = None, at: datetime | None = None) -> None:
    """Open the reviews of an answer that are in to its candidate: skipped, unless a mark is given.

    Until then they read words and no levels, and no reading takes them in.
    """
    waiting = attempt.reviews.in_results().filter(usefulness=None)
    for one in waiting.order_by("submitted_at", "pk"):
        Usefulness.objects.create(review=one, mark=mark, at=at or one.submitted_at or NOW)


def grade_appeal(attempt: Attempt, **facts: Any) -> GradeAppeal:
    """Appeal the result of an answer at NOW, about two minutes of its recording; nobody is told."""
    facts = {
        "text": "At 2:30 I named who is hurt and left the rest out on purpose; both reviews say "
        "that I drew before the problem had a bound.",
        "start_ms": 150_000,
        "end_ms": 270_000,
        "made_at": NOW,
        **facts,
    }
    return GradeAppeal.objects.create(attempt=attempt, **facts)


def question(review: Review, text: str = "Why not a queue?", **facts: Any) -> Question:
    """Ask the grader of a review why, one minute into the recording."""
    facts = {"at_ms": 60_000, "asked_at": NOW + timedelta(days=1), **facts}
    return Question.objects.create(review=review, text=text, **facts)


def follow_up(review: Review, text: str = "Who pays for it?", **facts: Any) -> FollowUp:
    """Ask the candidate of a review its next follow-up question."""
    number = review.follow_ups.count() + 1
    facts = {"number": number, "asked_at": NOW + timedelta(days=1), **facts}
    return FollowUp.objects.create(review=review, text=text, **facts)


def take(follow_up: FollowUp, *, seconds: int = 80, **facts: Any) -> Attempt:
    """Answer a follow-up by a take with a ready recording; a draft if `state` says so.

    Without `seconds` nothing is recorded of it.
    """
    answer_ = follow_up.review.attempt
    takes = answer_.round.attempts.filter(kind=Attempt.Kind.FOLLOW_UP)
    facts = {
        "number": Attempt.FOLLOW_UPS_FROM + takes.count(),
        "kind": Attempt.Kind.FOLLOW_UP,
        "state": Attempt.State.SUBMITTED,
        "prompt": answer_.prompt,
        "rubric_version": answer_.rubric_version,
        "started_at": NOW + timedelta(days=2),
        **facts,
    }
    if facts["state"] == Attempt.State.SUBMITTED:
        facts.setdefault("submitted_at", NOW + timedelta(days=2))
    made = Attempt.objects.create(round=answer_.round, **facts)
    if seconds:
        recording(made, duration_ms=seconds * 1000)
    follow_up.take, follow_up.answered_at = made, facts.get("submitted_at")
    follow_up.save(update_fields=["take", "answered_at"])
    return made


def evidence(review: Review, dimension: Dimension | None = None, **facts: Any) -> Evidence:
    """Mark ten seconds of the recording, from `start_ms` on, for a dimension.

    A `quote`, or an instant `stamped_at`, has no media time unless it is given.
    """
    if not facts.keys() & {"quote", "stamped_at"}:
        facts = {**_span(facts.get("start_ms", 60_000)), **facts}
    facts.setdefault("marked_at", NOW)
    return Evidence.objects.create(review=review, dimension=dimension, **facts)


def _span(start_ms: int) -> dict[str, Any]:
    return {"start_ms": start_ms, "end_ms": start_ms + 10_000, "marked_at": NOW}


def week(user: User, zone: str = "UTC", *, start: int = 9 * 60, end: int = 21 * 60) -> None:
    """Give a person the same hours on each day of the week; minutes of the local day."""
    for weekday in range(7):
        WeeklyHours.objects.create(
            user=user, weekday=weekday, start_minute=start, end_minute=end, time_zone=zone
        )


def mock(
    candidate: User,
    interviewer: User,
    cohort: Cohort,
    *,
    kind: str = "sd_ambiguous",
    swap_kind: str = "",
    **facts: Any,
) -> Mock:
    """Make a mock of an hour, two days after NOW, asked for by its candidate.

    Confirmed, with both seats held and a prompt drawn, unless `state` says otherwise; a proposed
    one has an open proposal. `swap_kind` adds a turn in which roles are swapped. Each candidate
    gets a loop of their own with the round.
    """
    facts = {
        "state": Mock.State.CONFIRMED,
        "starts_at": NOW + timedelta(days=2),
        "created_at": NOW,
        "asked_by": candidate,
        "wants_swap": bool(swap_kind),
        **facts,
    }
    facts.setdefault("ends_at", facts["starts_at"] + timedelta(hours=2 if swap_kind else 1))
    facts.setdefault("state_at", facts["created_at"])
    facts.setdefault("changed_at", facts["created_at"])
    is_proposed = facts["state"] == Mock.State.PROPOSED
    if not is_proposed:
        facts.setdefault("agreed_at", facts["created_at"])
    made = Mock.objects.create(cohort=cohort, **facts)
    proposal = Proposal.objects.create(
        mock=made,
        by=made.asked_by,
        state=Proposal.State.OPEN if is_proposed else Proposal.State.ACCEPTED,
        starts_at=made.starts_at,
        ends_at=made.ends_at,
        made_at=made.created_at,
        answered_at=made.agreed_at,
    )
    is_confirmed = made.state in {Mock.State.CONFIRMED, Mock.State.RUNNING, Mock.State.DONE}
    for person in sorted((candidate, interviewer), key=lambda person: person.pk):
        has_agreed = not is_proposed or person == made.asked_by
        Seat.objects.create(
            mock=made,
            member=person,
            starts_at=made.starts_at,
            ends_at=made.ends_at,
            is_held=made.state in MockState.agreed() or made.state == Mock.State.DONE,
            accepted=proposal if has_agreed else None,
            confirmed_at=made.agreed_at if is_confirmed else None,
            arrived_at=made.starts_at if made.state in {"running", "done"} else None,
            time_zone="UTC",
            local_start=made.starts_at.strftime("%Y-%m-%d %H:%M"),
        )
    chairs = [(candidate, interviewer, kind)]
    if swap_kind:
        chairs.append((interviewer, candidate, swap_kind))
    for position, (answering, asking, key) in enumerate(chairs, start=1):
        version = in_force(key)
        Turn.objects.create(
            mock=made,
            position=position,
            candidate=answering,
            interviewer=asking,
            round=loop(answering, cohort, kinds=[key]).rounds.get(),
            minutes=45,
            prompt=None if is_proposed else version.prompts.order_by("position")[position - 1],
            rubric_version=None if is_proposed else version,
        )
    return made


def pool_request(
    user: User, cohort: Cohort, *kinds: str, hours: bool = True, **facts: Any
) -> MatchRequest:
    """Make a request to a cohort's pool for rounds of these kinds, in a loop of their own.

    Its member offers 9 to 21 o'clock UTC on every day unless `hours` is false or some are there.
    `target_rank` goes to the loop.
    """
    loop_facts = {"target_rank": facts.pop("target_rank")} if "target_rank" in facts else {}
    made_loop = loop(user, cohort, kinds=kinds or ("sd_ambiguous",), **loop_facts)
    if hours and not user.weekly_hours.exists():
        week(user)
    made = MatchRequest.objects.create(
        user=user, cohort=cohort, **{"created_at": NOW - timedelta(days=2), **facts}
    )
    made.rounds.set(made_loop.rounds.all())
    return made


def vignette(
    key: str = "first-one",
    *,
    kind: str = "sd_ambiguous",
    rank: int | None = 2,
    ranks: Mapping[str, int | None] | None = None,
    **facts: Any,
) -> Vignette:
    """Make a vignette whose references are `rank`, and `ranks` for single dimensions by key."""
    version = in_force(kind)
    place = Vignette.objects.filter(round_kind=version.round_kind).count() + 1
    facts = {
        "position": place,
        "digest": f"{key}-{place}",
        "title": key.replace("-", " ").capitalize(),
        "author": "The writers",
        "reviewer": "A second reader",
        "prompt": "How would you go about it?",
        "text": f"[00:10] I would ask first, says {key}.\n\nInterviewer: And then?\n\nThen draw.",
        **facts,
    }
    made = Vignette.objects.create(version=version, round_kind=version.round_kind, key=key, **facts)
    for dimension in version.dimensions.order_by("position"):
        Reference.objects.create(
            vignette=made,
            dimension=dimension,
            rank=(ranks or {}).get(dimension.key, rank),
            reason=f"The words of {key} carry {dimension.key}.",
        )
    return made


def sitting(member: User, vignette: Vignette, **facts: Any) -> Sitting:
    """Make a sitting that is open; with `exact` of the ratings agreeing, one handed in."""
    facts.setdefault("opened_at", NOW)
    if "exact" in facts:
        keys = vignette.version.dimensions.values_list("key", flat=True)
        facts = {
            "rated": len(keys),
            "ratings": dict.fromkeys(keys, 2),
            "submitted_at": facts["opened_at"] + timedelta(minutes=9),
            **facts,
        }
    return Sitting.objects.create(member=member, vignette=vignette, **facts)


def unlock(member: User, kind: str = "sd_ambiguous", **facts: Any) -> Unlock:
    """Make a member count as trained for a round kind."""
    facts.setdefault("at", NOW)
    return Unlock.objects.create(member=member, round_kind=in_force(kind).round_kind, **facts)
