"""The world that whole pages are looked at in: the demo cohort, and every state it does not show.

It is committed once for a module, as a browser's requests come from other threads and processes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from feedback.models import Review, Sitting
from loops.actions import recordings
from loops.actions.bookings import tell_of_mock
from loops.actions.calendars import make_feed
from loops.actions.notices import mark_read
from loops.models import (
    Appeal,
    Attempt,
    Block,
    Cohort,
    DayHours,
    DaysAway,
    Invitation,
    Loop,
    Notice,
    Recording,
    Rendition,
    Round,
    User,
)
from tests import factories
from tests.browser import asking, bookings, disputes, evenings, queues
from tests.waiting import RequestsUnderWay

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

PASSWORD = "a quiet evening of practice"
ROUNDS = {
    "fresh": "coding",
    "unpredicted": "sd_classic",
    "interrupted": "sd_ambiguous",
    "uploaded": "xfn",
    "processing": "ic_leadership",
    "ready": "deep_dive",
    "failed": "coding",
    "partial": "xfn",
    "withdrawn": "sd_classic",
    "unplayable": "xfn",
    "provisional": "deep_dive",
    "uncalibrated": "coding",
    "one more": "sd_ambiguous",
    "erased": "sd_classic",
    "erasing": "coding",
    "lost": "xfn",
}
"""The rounds of the one member who has an answer in every state, and of which kind each is."""


@dataclass
class World:
    """People and their sessions by a short name; by a row's name what stands in its address."""

    people: dict[str, User]
    sessions: dict[str, str] = field(default_factory=dict)
    ids: dict[str, dict[str, Any]] = field(default_factory=lambda: {"": {}})


@contextmanager
def committed_world(blocker: "DjangoDbBlocker") -> Iterator[World]:
    """Make the world, leave the database open to the tests of a module, empty it after them."""
    with blocker.unblock(), RequestsUnderWay() as requests:
        cache.clear()
        try:
            yield _made()
        finally:
            requests.wait_until_none()
            call_command("flush", verbosity=0, interactive=False)


def _made() -> World:
    call_command("import_rubrics", stdout=io.StringIO())
    call_command("seed_demo", force=True, verbosity=0)
    factories.edition("em_people", ladder="em")  # a second one, to compare
    now = timezone.now()
    world = World({user.email.partition("@")[0]: user for user in User.objects.all()})
    cohort = Cohort.objects.get()
    cohort.keep_recordings_days = 60
    cohort.save()
    for name in ("wren", "newcomer"):
        world.people[name] = factories.person(f"{name}-417", name=name.title())
    factories.join(cohort, world.people["wren"])
    _demo_rows(world, cohort)
    _answers_in_every_state(world, cohort, now)
    _lapsed_review(world, now)
    _pool(world, cohort, now)
    _notices(world, cohort, now)
    evenings.lay(world, cohort, now, _film())
    bookings.lay(world, cohort, now)
    disputes.lay(world, now, _film())
    asking.lay(world, now, _film())
    queues.lay(world, now, _film())
    _letters(world)
    _hours(world, cohort, now)
    world.sessions |= {name: session_of(user) for name, user in world.people.items()}
    return world


def session_of(user: User) -> str:
    """Sign the person in and return what the session's cookie holds."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def _demo_rows(world: World, cohort: Cohort) -> None:
    mara = world.people["mara"]
    loop = Loop.objects.get(member=mara)
    answers = Attempt.objects.of(mara).order_by("pk")
    waiting = [
        attempt for attempt in answers.submitted() if attempt.reviews.submitted().count() < 2
    ]
    given = Review.objects.filter(grader=mara)
    draft = answers.get(state=Attempt.State.DRAFT)
    invitation = cohort.invitations.order_by("-pk")[0]
    sat = {one.vignette.key: one for one in mara.sittings.select_related("vignette")}
    world.ids |= {
        "cohort": {"cohort_id": cohort.public_id},
        "token": {"token": invitation.token},
        "no token": {"token": "of-no-invitation"},
        "round kind, waited for": {"kind": "xfn"},
        "round kind, begun": {"kind": "sd_ambiguous"},
        "vignette": {"sitting_id": Sitting.objects.get(submitted_at=None).public_id},
        "vignette, rated": {"sitting_id": sat["the-night-hours"].public_id},
        "vignette, with code": {"sitting_id": sat["statement-reader"].public_id},
        "loop": {"loop_id": loop.public_id},
        "manager's loop": {"loop_id": Loop.objects.get(member=world.people["adaeze"]).public_id},
        "round": {"round_id": answers.submitted()[0].round.public_id},
        "draft": {"attempt_id": draft.public_id},
        "draft's round": {"round_id": draft.round.public_id},
        "revealed": {"attempt_id": _revealed(answers).public_id},
        "round of reviews to open": {
            "round_id": answers.get(prompt__key="typeahead").round.public_id
        },
        "to open": {"attempt_id": answers.get(prompt__key="typeahead").public_id},
        "nobody yet": {"attempt_id": next(a for a in waiting if not a.reviews.exists()).public_id},
        "one of two": {
            "attempt_id": next(a for a in waiting if a.reviews.submitted().exists()).public_id
        },
        "held": {"review_id": given.get(state__in=Review.OPEN_STATES).public_id},
        "kept": {"review_id": given.submitted().order_by("pk")[0].public_id},
        "words": {"recording_id": _recording_with_words(mara)},
        "kind": {"kind": "sd_ambiguous"},
        "changed kind": {"kind": "em_people"},
        "edition": {"kind": "sd_ambiguous", "edition": 1},
        "old edition": {"kind": "em_people", "edition": 1},
    }


def _revealed(answers: Any) -> Attempt:
    """Return the answer that has most to show: with a signal that somebody raised."""
    shown: Attempt = answers.submitted().filter(reviews__ticks__isnull=False).order_by("-pk")[0]
    return shown


def _recording_with_words(member: User) -> UUID:
    theirs = Recording.objects.filter(attempt__round__loop__member=member)
    found: UUID = theirs.filter(transcript__isnull=False).order_by("pk")[0].public_id
    return found


def _answers_in_every_state(world: World, cohort: Cohort, now: datetime) -> None:
    loop = factories.loop(
        world.people["wren"], cohort, kinds=[*ROUNDS.values()], started_at=now - timedelta(days=9)
    )
    rounds = dict(zip(ROUNDS, loop.rounds.order_by("position"), strict=True))
    world.ids["wren's loop"] = {"loop_id": loop.public_id}
    world.ids["fresh"] = {"round_id": rounds["fresh"].public_id}
    film = _film()
    _draft(world, "unpredicted", rounds, now, predicted_rank=None)
    for name, state in {
        "interrupted": Recording.State.RECORDING,
        "uploaded": Recording.State.UPLOADED,
        "processing": Recording.State.PROCESSING,
        "failed": Recording.State.FAILED,
    }.items():
        draft = _draft(world, name, rounds, now)
        facts: dict[str, Any] = {"error_code": "no_streams"} if name == "failed" else {}
        made = factories.recording(draft, state=state, state_at=now, started_at=now, **facts)
        arrived = factories.upload(made, film, touched_at=now)
        if name == "processing":
            under_way = {"state": "running", "lease_until": now + timedelta(days=1)}
            arrived.track.steps.create(name="remux", progress=0.4, **under_way)
    ready = factories.recording(_draft(world, "ready", rounds, now), film, state_at=now)
    world.ids["no words"] = {"recording_id": ready.public_id}
    partial = factories.recording(
        _draft(world, "partial", rounds, now), film, state="ready_partial", is_interrupted=True
    )
    track = partial.tracks.get()
    track.gaps = [[61_000, 84_000]]
    track.save(update_fields=["gaps"])
    factories.upload(partial, film)
    factories.upload(partial, film, role="screen")
    partial.tracks.filter(role="screen").update(error_code="no_streams")
    _draft(world, "withdrawn", rounds, now, state=Attempt.State.WITHDRAWN)
    unplayable = _submitted(world, "unplayable", rounds, now)
    failed = factories.recording(unplayable, state=Recording.State.FAILED, error_code="not_media")
    factories.upload(failed, film)
    for name, graders, days in [
        ("provisional", "tomas", 3),
        ("uncalibrated", "kenji priya", 1),
        ("one more", "kenji priya", 1),
    ]:
        answer = _submitted(world, name, rounds, now - timedelta(days=days))
        factories.recording(answer, film)
        for grader in graders.split():
            at = now - timedelta(hours=5)
            factories.submitted_review(answer, world.people[grader], claimed_at=at, submitted_at=at)
        factories.open_reviews(answer)
    late: dict[str, Any] = {
        "claimed_at": now,
        "submitted_at": now,
        "is_extra": True,
        "is_untrained": True,
    }
    factories.submitted_review(answer, world.people["tomas"], downcodes=["unbounded"], **late)
    _erased(world, rounds, now, film)


def _erased(world: World, rounds: dict[str, Round], now: datetime, film: bytes) -> None:
    """Erase a recording whole, another while its storage is down; a rule took that of a draft."""
    wren, yesterday = world.people["wren"], now - timedelta(days=1)
    for name in ("erased", "erasing"):
        answer = _submitted(world, name, rounds, yesterday)
        recording = factories.recording(answer, film, started_at=yesterday)
        recordings.erase(recording=recording, by=wren, at=now)
        if name == "erasing":
            factories.rendition(recording.tracks.get())
    at_work = factories.review(
        Attempt.objects.get(public_id=world.ids["erased"]["attempt_id"]),
        world.people["priya"],
        claimed_at=now,
        lease_until=now + timedelta(hours=2),
    )
    world.ids["review of erased"] = {"review_id": at_work.public_id}
    lost = factories.recording(_draft(world, "lost", rounds, now), film)
    recordings.erase(recording=lost, by=None, at=now, rule_days=60)


def _film() -> bytes:
    drawn = Rendition.objects.filter(kind="playable", content_type="video/webm").order_by("pk")[0]
    with storages["recordings"].open(drawn.name) as file:
        return bytes(file.read())


def _draft(
    world: World, name: str, rounds: dict[str, Round], now: datetime, **facts: Any
) -> Attempt:
    facts = {"state": Attempt.State.DRAFT, "predicted_rank": 2, **facts}
    draft = factories.attempt(rounds[name], started_at=now, **facts)
    world.ids[name] = {"attempt_id": draft.public_id}
    return draft


def _submitted(world: World, name: str, rounds: dict[str, Round], at: datetime) -> Attempt:
    made = factories.attempt(rounds[name], submitted_at=at, started_at=at - timedelta(hours=1))
    world.ids[name] = {"attempt_id": made.public_id}
    return made


def _lapsed_review(world: World, now: datetime) -> None:
    mine = Attempt.objects.get(public_id=world.ids["nobody yet"]["attempt_id"])
    at = now - timedelta(hours=3)
    lapsed = factories.review(
        mine, world.people["wren"], claimed_at=at, drafted_at=at, draft_version=1
    )
    factories.evidence(lapsed, mine.rubric_version.dimensions.order_by("position")[0])
    world.ids["lapsed"] = {"review_id": lapsed.public_id}


def _pool(world: World, cohort: Cohort, now: datetime) -> None:
    """Somebody whom the pool could not help, somebody called from standby, and broken promises."""
    wren, kenji = world.people["wren"], world.people["kenji"]
    later = now + timedelta(days=3)
    factories.pool_request(
        wren,
        cohort,
        "coding",
        "deep_dive",
        created_at=now - timedelta(days=16),
        weeks_waited=2,
        unmatched_code="no_common_hour",
        unmatched_data={
            "hours": [
                {
                    "starts_at": later.isoformat(),
                    "ends_at": (later + timedelta(hours=2)).isoformat(),
                    "partners": 2,
                }
            ],
            "kinds": [{"title": "Classic design", "partners": 1}],
        },
    )
    factories.mock(
        world.people["priya"],
        world.people["adaeze"],
        cohort,
        kind="coding",
        origin="standby",
        starts_at=now + timedelta(minutes=3),
    )
    yesterday = now - timedelta(days=1)
    missed = factories.mock(
        wren, kenji, cohort, kind="coding", state="no_show", starts_at=yesterday
    )
    missed.seats.filter(member=wren).update(outcome="no_show", outcome_at=yesterday)
    world.ids["missed"] = {"mock_id": missed.public_id}
    answered = factories.mock(
        wren,
        kenji,
        cohort,
        kind="coding",
        state="cancelled",
        starts_at=yesterday - timedelta(days=4),
    )
    answered.seats.filter(member=wren).update(outcome="late_change", outcome_at=yesterday)
    Appeal.objects.create(
        seat=answered.seats.get(member=wren),
        text="A train stood between two stations, and there was no net.",
        made_at=yesterday,
        state=Appeal.State.REFUSED,
        decided_by=world.people["tomas"],
        decided_at=yesterday,
        answer="No word came until the next day. It fades.",
    )
    world.ids["answered appeal"] = {"mock_id": answered.public_id}
    factories.mock(
        wren,
        kenji,
        cohort,
        kind="coding",
        state="proposed",
        starts_at=now + timedelta(days=2),
        created_at=now - timedelta(days=4),
    )


def _hours(world: World, cohort: Cohort, now: datetime) -> None:
    """Somebody whose hours stayed behind when they moved, with days of all kinds, and a block."""
    rowan = factories.person("rowan-417", name="Rowan", time_zone="Asia/Kolkata")
    world.people["rowan"] = rowan
    factories.join(cohort, rowan)
    factories.week(rowan, "Europe/Berlin", start=22 * 60, end=26 * 60 + 30)
    today = now.date()
    facts = {"user": rowan, "time_zone": "Europe/Berlin"}
    day, span = timedelta(days=1), {"start_minute": 610, "end_minute": 750}
    DayHours.objects.create(on=today + 2 * day, **facts)
    DayHours.objects.create(on=today + 3 * day, **span, **facts)
    note = "Walking from Kathmandu to Pokhara, without a net"
    DaysAway.objects.create(from_on=today + 5 * day, to_on=today + 9 * day, note=note, **facts)
    factories.mock(rowan, world.people["wren"], cohort, kind="xfn", starts_at=now + day)
    Block.objects.create(by=rowan, whom=world.people["caleb"], at=now)


def _notices(world: World, cohort: Cohort, now: datetime) -> None:
    """Tell somebody everything there is to tell; read half of it, and give them a calendar."""
    mara, caleb = world.people["mara"], world.people["caleb"]
    mock = factories.mock(mara, caleb, cohort, kind="coding", starts_at=now + timedelta(days=20))
    mock.note = "I should like to stop drawing before I know who is hurt."
    mock.save()
    more: dict[str, dict[str, Any]] = {
        "moved": {"was": (now + timedelta(days=19)).isoformat()},
        "released": {"silent": []},
        "retimed": {"was": "2026-12-01 18:00", "now": "2026-12-01 19:00"},
        "appeal": {"who": "wren-417"},
        "unpaired": {"cohort_name": cohort.name, "code": "no_common_hour"},
        "erasing": {
            "cohort_name": cohort.name,
            "days": 30,
            "recordings": [
                {"round": "Coding", "number": 2, "erases_at": (now + timedelta(days=7)).isoformat()}
            ],
        },
        "keeping": {"cohort_name": cohort.name, "days": 30, "cohort": str(cohort.public_id)},
    }
    for number, kind in enumerate(Notice.Kind.values):
        notice = tell_of_mock(
            mara, kind, mock, now - timedelta(hours=5 * number), **more.get(kind, {})
        )
        if number % 2:
            mark_read(person=mara, notice=notice, at=now)
    make_feed(by=mara, at=now)


def _letters(world: World) -> None:
    """Put the secrets into the addresses that only a mail tells."""
    user = world.people["newcomer"]
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    world.ids["new password"] = {
        "uidb36": user_pk_to_url_str(user),
        "key": default_token_generator.make_token(user),
    }
    world.ids["old password link"] = {"uidb36": "a", "key": "set-password"}
    world.ids["address"] = {"key": EmailConfirmationHMAC(address).key}
    world.ids["mail"] = {"name": "letter"}
    world.ids["mail of a mock"] = {"name": "invitation"}
    world.ids["open invitation"] = {
        "token": Invitation.objects.open(timezone.now()).order_by("pk")[0].token
    }
