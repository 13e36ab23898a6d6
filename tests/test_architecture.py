"""The repository tested as a whole: layers, guarded addresses, documented settings, imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from feedback.actions import gold
from feedback.actions import session as evening
from feedback.models import Conflict, Evidence, Review
from loops import blobs, tus
from loops.actions import bookings, calendars
from loops.answer_links import answer_token
from loops.models import (
    Appeal,
    Attempt,
    DayHours,
    DaysAway,
    Invitation,
    Recording,
    Rendition,
    User,
)
from rubrics.models import Preset
from tests import factories
from tests.kept import kept_rows

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

ROOT = Path(settings.BASE_DIR)
APPS = ("config", "rubrics", "loops", "feedback")


# Layers


def test_layers_hold() -> None:
    """Import-linter's contracts in pyproject.toml: between the apps and inside each."""
    found = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _modules()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_the_clock_is_read_in_views_and_tasks_only() -> None:
    """An action is told the time, so that a test, the demo and a late worker can tell another."""
    may = re.compile(
        r"/(views|forms|management)/|/(tasks|api|admin|forms|ops|context|middleware|launch|accounts)\.py$"
    )
    readers = [
        str(path.relative_to(ROOT))
        for path in _modules()
        if "timezone.now(" in path.read_text() and not may.search(f"/{path.relative_to(ROOT)}")
    ]

    assert readers == []


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    hosts = re.compile(r"(py" r"pi|npm" r"js|debian)\.org|files\.python" r"hosted")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    named = []
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in {".woff2", ".png", ".webm", ".jpg"} or not path.is_file():
            continue
        if hosts.search(path.read_text()):
            named.append(name)

    assert named == []


def _modules() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts and path.stat().st_size:
                yield path


# Settings


def test_every_setting_is_in_the_example() -> None:
    asked = set()
    for path in (ROOT / "config").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "env"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                asked.add(node.args[0].value)
    example = (ROOT / ".env.example").read_text()
    documented = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))

    assert asked - documented == set()
    assert documented - asked == {"POSTGRES_PASSWORD", "TRUSTED_PROXY"}  # Compose alone reads them


# Static files and templates


def test_every_module_a_script_imports_is_there() -> None:
    missing = [
        f"{script.name}: {imported}"
        for script, all_imported in _scripts().items()
        for imported in all_imported
        if not imported.is_file()
    ]

    assert missing == []


def test_no_scripts_import_each_other_in_a_circle() -> None:
    """A hashed name depends on what the module imports, so a circle of them has no names."""
    imports = _scripts()
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(script.name for script in circle.args[1]))


def _scripts() -> dict[Path, list[Path]]:
    """Return what each script imports, at once or later."""
    imported = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
    return {
        path: [(path.parent / name).resolve() for name in imported.findall(path.read_text())]
        for path in sorted((ROOT / "static" / "js").resolve().rglob("*.js"))
    }


def test_no_template_styles_or_scripts_inline() -> None:
    """But for mails, whose readers take away every style that does not stand in its place."""
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*\bsrc=)", re.IGNORECASE)
    mails = ROOT / "templates" / "email"
    found = [
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for match in inline.finditer(path.read_text())
        if not (path.is_relative_to(mails) and match.group() == " style=")
    ]

    assert found == []


# Addresses: who gets what


@dataclass(frozen=True)
class World:
    """Rows of one cohort, and somebody for each role."""

    roles: dict[str, User | AnonymousUser]
    peers: tuple[User, User]
    ids: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Make the world once; each test changes it in a savepoint of its own."""
    with kept_rows(django_db_blocker):
        yield made_world()


@pytest.fixture
def world(made: World, db: None) -> World:
    """The world as it was made."""
    return made


@pytest.fixture
def peer(world: World) -> User:
    """Who holds one review of the world's and has handed in others."""
    return world.peers[0]


def made_world() -> World:
    """A loop with a draft being recorded, one answer waiting, one half graded and one revealed."""
    now = timezone.now()
    candidate, peer, second_peer, organiser, outsider = (
        factories.person(handle)
        for handle in ("candidate-101", "peer-102", "second-103", "organiser-104", "outsider-105")
    )
    cohort = factories.cohort(candidate, peer, second_peer, organiser=organiser)
    factories.cohort(outsider)
    loop = factories.loop(candidate, cohort, kinds=["sd_ambiguous", "coding"])
    round_, other_round = loop.rounds.order_by("position")
    submitted = factories.attempt(round_, submitted_at=now)
    playable = factories.recording(submitted, content=b"x" * 64)
    factories.transcript(playable)
    claimed = factories.review(
        submitted, peer, claimed_at=now, lease_until=now + timedelta(minutes=45)
    )
    evidence = factories.evidence(claimed, submitted.rubric_version.dimensions.first())
    moment = claimed.moments.create(kind="phase", key=1, at_ms=0, marked_at=now)
    draft = factories.attempt(other_round, state=Attempt.State.DRAFT, predicted_rank=2)
    recording = factories.recording(draft, state=Recording.State.RECORDING)
    upload = factories.upload(recording, received_bytes=3)
    blobs.staged_path(upload.staging_key).write_bytes(b"\x1aE\xdf")
    invitation = Invitation.objects.create(
        cohort=cohort,
        created_by=organiser,
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    preset = Preset.objects.create(
        key="staff", ladder="ic", position=1, title="Staff loop", description="d", target_rank=2
    )
    on = timezone.localdate() + timedelta(days=1)
    day = DayHours.objects.create(user=candidate, on=on, time_zone="UTC")
    away = DaysAway.objects.create(user=candidate, from_on=on, to_on=on, time_zone="UTC")
    meeting = factories.mock(candidate, peer, cohort, kind="xfn", starts_at=now + timedelta(days=2))
    asked = factories.pool_request(candidate, cohort, "xfn")
    notice = bookings.tell_of_mock(peer, "agreed", meeting, now)
    missed = factories.mock(
        candidate, peer, cohort, kind="xfn", state="no_show", starts_at=now - timedelta(days=2)
    )
    missed.seats.filter(member=candidate).update(outcome="no_show", outcome_at=now)
    appeal = Appeal.objects.create(
        seat=missed.seats.get(member=candidate), text="The train stood.", made_at=now
    )
    conflict = Conflict.objects.create(declared_by=peer, other=second_peer, declared_at=now)
    held = factories.mock(candidate, peer, cohort, kind="xfn", state="running", starts_at=now)
    held_turn = evening.begin_turn(turn=held.turns.get(), by=peer, at=now)
    reviewed = factories.submitted_review(
        factories.answer(candidate, cohort, kind="coding", submitted_at=now), peer, submitted_at=now
    )
    factories.open_reviews(reviewed.attempt, at=now)
    question = factories.question(reviewed)
    follow_up = factories.follow_up(reviewed)
    contested = factories.grade_appeal(reviewed.attempt, made_at=now)
    split = factories.answer(candidate, cohort, kind="coding", submitted_at=now)
    for grader, rank in ((peer, 3), (second_peer, 1), (factories.person(), 2)):
        factories.submitted_review(split, grader, rank=rank, submitted_at=now)
    factories.open_reviews(split, at=now)
    offered = gold.offer(attempt=submitted, by=candidate, at=now)
    read = factories.sitting(peer, factories.vignette())
    ids: dict[str, dict[str, Any]] = {
        "": {},
        "held mock": {"mock_id": held.public_id},
        "held turn": {"turn_id": held_turn.public_id},
        "asked": {"request_id": asked.public_id},
        "missed": {"mock_id": missed.public_id},
        "meeting": {"mock_id": meeting.public_id},
        "mail's link": {"token": answer_token(peer, meeting)},
        "notice": {"notice_id": notice.public_id},
        "feed": {"token": calendars.make_feed(by=peer, at=now)},
        "appeal": {"appeal_id": appeal.public_id},
        "person": {"user_id": peer.public_id},
        "day hours": {"day_id": day.public_id},
        "days away": {"away_id": away.public_id},
        "cohort": {"cohort_id": cohort.public_id},
        "conflict": {"conflict_id": conflict.public_id},
        "gold item": {"item_id": offered.public_id},
        "member": {"cohort_id": cohort.public_id, "user_id": peer.public_id},
        "invitation": {"invitation_id": invitation.public_id},
        "token": {"token": invitation.token},
        "loop": {"loop_id": loop.public_id},
        "round": {"round_id": round_.public_id},
        "draft": {"attempt_id": draft.public_id},
        "submitted": {"attempt_id": submitted.public_id},
        "playable": {"recording_id": playable.public_id},
        "words": {"recording_id": playable.public_id, "kind": "vtt"},
        "recording": {"recording_id": recording.public_id},
        "upload": {"upload_id": upload.public_id},
        "rendition": {"rendition_id": Rendition.objects.get(track__recording=playable).public_id},
        "review": {"review_id": claimed.public_id},
        "grade appeal": {"appeal_id": contested.public_id},
        "split": {"attempt_id": split.public_id},
        "opened": {"attempt_id": reviewed.attempt.public_id},
        "reviewed": {"review_id": reviewed.public_id},
        "question": {"question_id": question.public_id},
        "follow-up": {"follow_up_id": follow_up.public_id},
        "evidence": {"review_id": claimed.public_id, "evidence_id": evidence.public_id},
        "moment": {"review_id": claimed.public_id, "moment_id": moment.public_id},
        "message": {"name": "20260302-093000"},
        "part": {"name": "20260302-093000", "number": 1},
        "kind": {"kind": "coding"},
        "edition": {"kind": "coding", "edition": 1},
        "sitting": {"sitting_id": read.public_id},
        "api:sitting": {"public_id": read.public_id},
        "api:loop": {"public_id": loop.public_id},
        "api:round": {"public_id": round_.public_id},
        "api:attempt": {"public_id": submitted.public_id},
        "api:review": {"public_id": claimed.public_id},
        "api:mock": {"public_id": meeting.public_id},
        "api:kind": {"key": "coding"},
        "api:edition": {"kind": "coding", "edition": 1},
        "api:preset": {"key": preset.key},
    }
    roles: dict[str, User | AnonymousUser] = {
        "anonymous": AnonymousUser(),
        "outsider": outsider,
        "peer": peer,
        "candidate": candidate,
        "organiser": organiser,
    }
    return World(roles=roles, peers=(peer, second_peer), ids=ids)


ROLES = ("anonymous", "outsider", "peer", "candidate", "organiser")
OPEN = (200, 200, 200, 200, 200)
SIGNED_IN = (302, 200, 200, 200, 200)
"""Statuses in the order of ROLES. 302 for a stranger is the way to the sign-in page."""
API = (403, 200, 200, 200, 200)

# address, method, which row: statuses
TABLE: dict[tuple[str, str, str], tuple[int, ...]] = {
    ("healthz", "get", ""): OPEN,
    ("readyz", "get", ""): OPEN,
    ("landing", "get", ""): (200, 302, 302, 302, 302),
    ("theme", "post", ""): (302, 302, 302, 302, 302),
    # the mailbox and the style page are there under DEBUG alone, which tests switch off
    ("mail", "get", ""): (404, 404, 404, 404, 404),
    ("mail-message", "get", "message"): (404, 404, 404, 404, 404),
    ("mail-file", "get", "message"): (404, 404, 404, 404, 404),
    ("mail-part", "get", "part"): (404, 404, 404, 404, 404),
    ("style", "get", ""): (404, 404, 404, 404, 404),
    ("rubrics:browse", "get", ""): SIGNED_IN,
    ("rubrics:read", "get", "kind"): SIGNED_IN,
    ("rubrics:read_edition", "get", "edition"): SIGNED_IN,
    ("rubrics:compare", "get", "kind"): SIGNED_IN,
    ("loops:cohort_list", "get", ""): SIGNED_IN,
    ("loops:cohort", "get", "cohort"): (302, 404, 200, 200, 200),
    ("loops:invite", "post", "cohort"): (302, 404, 404, 404, 302),
    ("loops:set_role", "post", "member"): (302, 404, 404, 404, 302),
    ("loops:set_keeping", "post", "cohort"): (302, 404, 404, 404, 302),
    ("loops:revoke_invitation", "post", "invitation"): (302, 404, 404, 404, 302),
    ("loops:join", "get", "token"): (200, 200, 302, 302, 302),
    ("loops:join", "post", "token"): (200, 302, 302, 302, 302),
    ("loops:profile", "get", ""): SIGNED_IN,
    ("loops:profile", "post", ""): (302, 422, 422, 422, 422),
    ("loops:loop_list", "get", ""): SIGNED_IN,
    ("loops:loop_new", "get", ""): SIGNED_IN,
    ("loops:loop_new", "post", ""): (302, 422, 422, 422, 422),
    ("loops:loop", "get", "loop"): (302, 404, 404, 200, 404),
    ("loops:round", "get", "round"): (302, 404, 404, 200, 404),
    ("loops:attempt_start", "post", "round"): (302, 404, 404, 302, 404),
    ("loops:attempt", "get", "draft"): (302, 404, 404, 200, 404),
    ("loops:attempt_predict", "post", "draft"): (302, 404, 404, 422, 404),
    ("loops:record", "get", "draft"): (302, 404, 404, 200, 404),
    ("loops:upload", "post", "draft"): (302, 404, 404, 422, 404),
    ("loops:artifact", "post", "draft"): (302, 404, 404, 422, 404),
    ("loops:attempt_submit", "get", "draft"): (302, 404, 404, 302, 404),
    ("loops:attempt_submit", "post", "draft"): (302, 404, 404, 302, 404),
    ("loops:attempt_withdraw", "post", "draft"): (302, 404, 404, 302, 404),
    ("loops:track_begin", "post", "draft"): (403, 404, 404, 400, 404),
    ("loops:upload_append", "head", "upload"): (403, 404, 404, 200, 404),
    ("loops:upload_append", "patch", "upload"): (403, 404, 404, 415, 404),
    ("loops:upload_append", "delete", "upload"): (403, 404, 404, 204, 404),
    ("loops:upload_raw", "get", "upload"): (302, 404, 404, 200, 404),
    ("loops:recording_unfinished", "get", ""): SIGNED_IN,
    ("loops:recording_list", "get", ""): SIGNED_IN,
    ("loops:recording_finish", "post", "recording"): (302, 404, 404, 302, 404),
    ("loops:recording_status", "get", "recording"): (302, 404, 404, 200, 404),
    ("loops:recording_again", "post", "recording"): (302, 404, 404, 302, 404),
    ("loops:recording_discard", "post", "recording"): (302, 404, 404, 302, 404),
    ("loops:captions", "get", "recording"): (302, 404, 404, 404, 404),
    ("loops:captions", "get", "playable"): (302, 404, 200, 200, 404),
    ("loops:transcript", "get", "playable"): (302, 404, 404, 200, 404),
    ("loops:transcript", "post", "playable"): (302, 404, 404, 422, 404),
    ("loops:transcript_download", "get", "words"): (302, 404, 404, 200, 404),
    ("loops:recording_erase", "post", "playable"): (302, 404, 404, 302, 404),
    ("loops:recording_links", "get", "recording"): (302, 404, 404, 404, 404),
    ("loops:recording_links", "get", "playable"): (302, 404, 200, 200, 404),
    ("loops:media", "get", "rendition"): (302, 404, 403, 403, 404),  # by a live link alone
    ("loops:availability", "get", ""): SIGNED_IN,
    ("loops:availability", "post", ""): (302, 422, 422, 422, 422),
    ("loops:day_hours_add", "post", ""): (302, 422, 422, 422, 422),
    # what is gone, or somebody else's, is left alone without a word
    ("loops:day_hours_remove", "post", "day hours"): (302, 302, 302, 302, 302),
    ("loops:days_away_add", "post", ""): (302, 422, 422, 422, 422),
    ("loops:days_away_remove", "post", "days away"): (302, 302, 302, 302, 302),
    ("loops:limits_save", "post", ""): (302, 422, 422, 422, 422),
    ("loops:hours_follow", "post", ""): (302, 302, 302, 302, 302),
    ("loops:block", "post", ""): (302, 404, 404, 404, 404),
    ("loops:unblock", "post", "person"): (302, 404, 404, 302, 302),
    ("loops:pool", "get", ""): SIGNED_IN,
    ("loops:pool", "post", ""): (302, 422, 422, 422, 422),
    ("loops:pool_withdraw", "post", "asked"): (302, 404, 404, 302, 404),
    ("loops:standby", "post", ""): (302, 422, 422, 422, 422),
    ("loops:stand_down", "post", ""): (302, 302, 302, 302, 302),
    # who is not on standby cannot be met, which is told in words to members alone
    ("loops:meet_now", "post", "person"): (302, 404, 404, 409, 409),
    ("loops:cohort_mocks", "get", "cohort"): (302, 404, 404, 404, 200),
    # against the peer nothing stands
    ("loops:mock_appeal", "get", "missed"): (302, 404, 409, 200, 404),
    ("loops:mock_appeal", "post", "missed"): (302, 404, 409, 422, 404),
    ("loops:appeal_decide", "post", "appeal"): (302, 404, 404, 404, 422),
    ("loops:mock_list", "get", ""): SIGNED_IN,
    ("loops:mock_new", "get", ""): SIGNED_IN,
    ("loops:mock_new", "post", ""): (302, 422, 422, 422, 422),
    ("loops:mock", "get", "meeting"): (302, 404, 200, 200, 404),
    ("loops:mock_times", "get", "meeting"): (302, 404, 200, 200, 404),
    ("loops:mock_times", "post", "meeting"): (302, 404, 422, 422, 404),
    ("loops:mock_answer", "post", "meeting"): (302, 404, 422, 422, 404),
    ("loops:mock_confirm", "post", "meeting"): (302, 404, 302, 302, 404),
    ("loops:mock_cancel", "get", "meeting"): (302, 404, 200, 200, 404),
    ("loops:mock_cancel", "post", "meeting"): (302, 404, 302, 302, 404),
    ("loops:mock_room", "post", "meeting"): (302, 404, 302, 302, 404),
    ("loops:answer_link", "get", "mail's link"): OPEN,  # whoever holds it
    ("loops:answer_link", "post", "mail's link"): (302, 302, 302, 302, 302),
    ("loops:notice_list", "get", ""): SIGNED_IN,
    ("loops:notice_open", "post", "notice"): (302, 404, 302, 404, 404),
    ("loops:notices_read", "post", ""): (302, 302, 302, 302, 302),
    ("loops:notice_wishes", "get", ""): SIGNED_IN,
    ("loops:notice_wishes", "post", ""): (302, 422, 422, 422, 422),
    ("loops:mock_invite", "get", "meeting"): (302, 404, 200, 200, 404),
    ("loops:calendar", "get", ""): SIGNED_IN,
    ("loops:feed_make", "post", ""): (302, 302, 302, 302, 302),
    ("loops:feed_revoke", "post", ""): (302, 302, 302, 302, 302),
    ("loops:calendar_feed", "get", "feed"): OPEN,  # whoever holds the address
    ("feedback:queue", "get", ""): SIGNED_IN,
    ("feedback:claim", "post", ""): (302, 302, 302, 302, 302),
    ("feedback:review", "get", "review"): (302, 404, 200, 404, 404),
    ("feedback:review_draft", "post", "review"): (302, 404, 422, 404, 404),
    ("feedback:evidence_add", "post", "review"): (302, 404, 422, 404, 404),
    ("feedback:evidence_remove", "post", "evidence"): (302, 404, 422, 404, 404),
    ("feedback:moment_add", "post", "review"): (302, 404, 422, 404, 404),
    ("feedback:moment_remove", "post", "moment"): (302, 404, 422, 404, 404),
    ("feedback:review_alive", "post", "review"): (302, 404, 200, 404, 404),
    ("feedback:review_submit", "post", "review"): (302, 404, 422, 404, 404),
    ("feedback:review_release", "post", "review"): (302, 404, 302, 404, 404),
    ("feedback:report", "post", "review"): (302, 404, 302, 404, 404),
    ("feedback:report_undo", "post", "review"): (302, 404, 302, 404, 404),
    ("feedback:report_contest", "post", "submitted"): (302, 404, 404, 302, 404),
    ("feedback:conflicts", "get", ""): SIGNED_IN,
    ("feedback:conflicts", "post", ""): (302, 422, 422, 422, 422),
    ("feedback:conflict_remove", "post", "conflict"): (302, 302, 302, 302, 302),
    ("feedback:grading_rules", "get", "cohort"): (302, 404, 404, 404, 200),
    ("feedback:grading_rules", "post", "cohort"): (302, 404, 404, 404, 422),
    ("feedback:results", "get", "submitted"): (302, 404, 404, 200, 404),
    ("feedback:results_open", "post", "submitted"): (302, 404, 404, 302, 404),
    ("feedback:results_reflection", "post", "submitted"): (302, 404, 404, 302, 404),
    ("feedback:gold_items", "get", "cohort"): (302, 404, 404, 404, 200),
    ("feedback:gold_offer", "post", "submitted"): (302, 404, 404, 302, 404),
    ("feedback:gold_experts", "post", "gold item"): (302, 404, 404, 404, 422),
    ("feedback:experts", "get", ""): SIGNED_IN,
    ("feedback:expert_take", "post", "gold item"): (302, 404, 404, 404, 404),
    ("feedback:question_ask", "post", "opened"): (302, 404, 404, 422, 404),
    ("feedback:question_answer", "get", "question"): (302, 404, 302, 404, 404),
    ("feedback:question_answer", "post", "question"): (302, 404, 422, 404, 404),
    ("feedback:follow_up_ask", "post", "reviewed"): (302, 404, 422, 404, 404),
    ("feedback:follow_up", "get", "follow-up"): (302, 404, 200, 200, 404),
    ("feedback:take_begin", "post", "follow-up"): (302, 404, 404, 302, 404),
    ("feedback:take_send", "post", "follow-up"): (302, 404, 404, 302, 404),
    ("feedback:follow_up_decline", "post", "follow-up"): (302, 404, 404, 302, 404),
    ("feedback:appeal", "get", "split"): (302, 404, 404, 200, 404),
    ("feedback:appeal", "post", "split"): (302, 404, 404, 422, 404),
    ("feedback:appeal_handle", "get", "grade appeal"): (302, 404, 404, 404, 200),
    ("feedback:appeal_take", "post", "grade appeal"): (302, 404, 404, 404, 302),
    ("feedback:appeal_answer", "post", "grade appeal"): (302, 404, 404, 404, 422),
    ("feedback:debrief", "get", "split"): (302, 404, 200, 404, 404),
    ("feedback:debrief_say", "post", "split"): (302, 404, 422, 404, 404),
    ("feedback:debrief_revise", "post", "split"): (302, 404, 422, 404, 404),
    ("feedback:withdraw", "get", "submitted"): (302, 404, 404, 200, 404),
    ("feedback:withdraw", "post", "submitted"): (302, 404, 404, 422, 404),
    ("feedback:results", "get", "draft"): (302, 404, 404, 404, 404),
    ("feedback:training", "get", ""): SIGNED_IN,
    ("feedback:training_kind", "get", "kind"): SIGNED_IN,
    ("feedback:training_next", "post", "kind"): (302, 302, 302, 302, 302),
    ("feedback:sitting", "get", "sitting"): (302, 404, 200, 404, 404),
    ("feedback:sitting_submit", "post", "sitting"): (302, 404, 422, 404, 404),
    ("feedback:readiness", "get", ""): SIGNED_IN,
    ("feedback:readiness_loop", "get", "loop"): (302, 404, 404, 200, 404),
    ("feedback:how_computed", "get", ""): SIGNED_IN,
    ("loops:turn_kit", "get", "held turn"): (302, 404, 200, 404, 404),
    ("loops:turn_prepare", "post", "held turn"): (302, 404, 302, 404, 404),
    ("feedback:session", "get", "held mock"): (302, 404, 200, 200, 404),
    ("feedback:mock_arrive", "post", "held mock"): (302, 404, 302, 302, 404),
    ("feedback:mock_absent", "post", "held mock"): (302, 404, 422, 422, 404),
    ("feedback:session_finish", "post", "held mock"): (302, 404, 302, 302, 404),
    ("feedback:turn_begin", "post", "held turn"): (302, 404, 302, 404, 404),
    ("feedback:turn_end", "post", "held turn"): (302, 404, 302, 302, 404),
    ("feedback:card", "get", "held turn"): (302, 404, 200, 200, 404),
    ("feedback:card", "post", "held turn"): (302, 404, 200, 422, 404),
    ("feedback:practice_note", "get", "held turn"): (302, 404, 404, 200, 404),
    ("api-root", "get", ""): API,
    ("api-schema", "get", ""): API,
    ("rubric-list", "get", ""): API,
    ("rubric-detail", "get", "api:kind"): API,
    ("edition-list", "get", "kind"): API,
    ("edition-detail", "get", "api:edition"): API,
    ("level-list", "get", ""): API,
    ("preset-list", "get", ""): API,
    ("preset-detail", "get", "api:preset"): API,
    ("loop-list", "get", ""): API,
    ("loop-list", "post", ""): (403, 405, 405, 405, 405),
    ("loop-detail", "get", "api:loop"): (403, 404, 404, 200, 404),
    ("round-list", "get", ""): API,
    ("round-detail", "get", "api:round"): (403, 404, 404, 200, 404),
    ("attempt-list", "get", ""): API,
    ("attempt-detail", "get", "api:attempt"): (403, 404, 404, 200, 404),
    ("availability-list", "get", ""): API,
    ("mock-list", "get", ""): API,
    ("mock-detail", "get", "api:mock"): (403, 404, 200, 200, 404),
    ("queue-list", "get", ""): API,
    ("review-list", "get", ""): API,
    ("review-detail", "get", "api:review"): (403, 404, 200, 404, 404),
    ("training-list", "get", ""): API,
    ("sitting-list", "get", ""): API,
    ("sitting-detail", "get", "api:sitting"): (403, 404, 200, 404, 404),
    ("readiness-detail", "get", "api:loop"): (403, 404, 404, 200, 404),
}
GUARDED_ELSEWHERE = re.compile(r"^account_")  # allauth's own pages; the admin lets in staff only


@pytest.mark.parametrize(("address", "method", "row"), TABLE)
def test_address_answers_each_role(world: World, address: str, method: str, row: str) -> None:
    url = reverse(address, kwargs=world.ids[row])

    statuses = tuple(_status(world.roles[role], method, url) for role in ROLES)

    assert statuses == TABLE[address, method, row]


def test_every_address_is_in_the_table() -> None:
    listed = {address for address, _method, _row in TABLE}

    missing = {
        name
        for name in _names(get_resolver())
        if name not in listed and not GUARDED_ELSEWHERE.match(name)
    }

    assert missing == set()


def test_a_lost_membership_closes_the_recording(world: World, peer: User) -> None:
    """The grader who left the cohort plays nothing of it any more."""
    url = reverse("loops:recording_links", kwargs=world.ids["playable"])

    before = _status(peer, "get", url)
    peer.memberships.all().delete()

    assert (before, _status(peer, "get", url)) == (200, 404)


@pytest.mark.parametrize(
    ("state", "days", "status"),
    [
        (Review.State.CLAIMED, 0, 200),
        (Review.State.EXPIRED, 6, 200),
        (Review.State.EXPIRED, 8, 404),
        (Review.State.RELEASED, 8, 404),
        (Review.State.VOID, 0, 404),
    ],
)
def test_a_grader_plays_until_seven_days_after_the_lease(
    world: World, peer: User, state: str, days: int, status: int
) -> None:
    lease_until = timezone.now() - timedelta(days=days) + timedelta(minutes=1)
    Review.objects.filter(grader=peer).update(state=state, lease_until=lease_until)

    url = reverse("loops:recording_links", kwargs=world.ids["playable"])

    assert _status(peer, "get", url) == status


def test_captions_close_with_the_recording(world: World, peer: User) -> None:
    """Whoever may play no more reads no more, by the same address."""
    url = reverse("loops:captions", kwargs=world.ids["playable"])

    before = _status(peer, "get", url)
    Review.objects.filter(grader=peer).update(state=Review.State.VOID)

    assert (before, _status(peer, "get", url)) == (200, 404)


def test_foreign_evidence_is_not_removed(world: World, peer: User) -> None:
    """The id of one review with the evidence of another opens nothing."""
    attempt = Attempt.objects.get(public_id=world.ids["submitted"]["attempt_id"])
    other = factories.review(attempt, world.peers[1])
    foreign = factories.evidence(other, attempt.rubric_version.dimensions.first())
    ids = {**world.ids["review"], "evidence_id": foreign.public_id}

    assert _status(peer, "post", reverse("feedback:evidence_remove", kwargs=ids)) == 404
    assert Evidence.objects.filter(pk=foreign.pk).exists()


def _status(user: User | AnonymousUser, method: str, url: str) -> int:
    """Ask once and undo what the asking changed."""
    client = Client()
    with transaction.atomic():
        if isinstance(user, User):
            client.force_login(user)
        send: Callable[..., Any] = getattr(client, method)
        response = send(url, headers={"Tus-Resumable": tus.VERSION})
        status = int(response.status_code)
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    return status


def _names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver) and entry.namespace != "admin":
            inside = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from _names(entry, inside)
        elif isinstance(entry, URLPattern) and entry.name:
            yield f"{prefix}{entry.name}"
        elif isinstance(entry, URLPattern):
            yield str(entry.pattern)
