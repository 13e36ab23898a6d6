"""The doors: whose row opens to whom. "Not yours" and "not there" answer alike."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.http import Http404

from loops import access
from loops.models import Attempt, Cohort, Invitation, Recording, Round, Upload, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def everybody(candidate: User, peer: User, organiser: User, outsider: User) -> dict[str, User]:
    """One person for each role."""
    return {"candidate": candidate, "peer": peer, "organiser": organiser, "outsider": outsider}


@pytest.fixture
def invitation(cohort: Cohort, organiser: User) -> Invitation:
    """An open invitation to the cohort."""
    return Invitation.objects.create(
        cohort=cohort, created_by=organiser, created_at=NOW, expires_at=NOW + timedelta(days=1)
    )


@pytest.fixture
def upload(draft: Attempt) -> Upload:
    """A part of the draft's recording, which is being made."""
    recording = factories.recording(draft, state=Recording.State.RECORDING)
    return factories.upload(recording, received_bytes=3)


def let_in(everybody: dict[str, User], door: Callable[[User], object]) -> set[str]:
    """Return the roles to which a door opens; the others find nothing."""
    opened = set()
    for role, person in everybody.items():
        try:
            door(person)
        except Http404:
            continue
        opened.add(role)
    return opened


def test_a_cohort_is_seen_by_members_and_changed_by_organisers(
    everybody: dict[str, User], cohort: Cohort, invitation: Invitation, peer: User
) -> None:
    def seen(user: User) -> object:
        return access.cohort_to_see(user, cohort.public_id)

    def organised(user: User) -> object:
        return access.cohort_to_organise(user, cohort.public_id)

    def revoked(user: User) -> object:
        return access.invitation_to_revoke(user, invitation.public_id)

    def role_set(user: User) -> object:
        return access.membership_to_organise(user, cohort.public_id, peer.public_id)

    assert let_in(everybody, seen) == {"candidate", "peer", "organiser"}
    for door in (organised, revoked, role_set):
        assert let_in(everybody, door) == {"organiser"}


def test_what_one_practises_is_seen_by_oneself(
    everybody: dict[str, User], round_: Round, draft: Attempt, upload: Upload
) -> None:
    doors: list[Callable[[User], object]] = [
        lambda user: access.loop_to_see(user, round_.loop.public_id),
        lambda user: access.round_to_see(user, round_.public_id),
        lambda user: access.attempt_to_read(user, draft.public_id),
        lambda user: access.attempt_to_edit(user, draft.public_id),
        lambda user: access.recording_to_edit(user, upload.track.recording.public_id),
        lambda user: access.recording_to_put_away(user, upload.track.recording.public_id),
        lambda user: access.upload_to_append(user, upload.public_id),
        lambda user: access.upload_to_download(user, upload.public_id),
    ]

    for door in doors:
        assert let_in(everybody, door) == {"candidate"}


@pytest.mark.parametrize("state", [Recording.State.DISCARDED, Recording.State.ERASED])
def test_a_recording_that_was_put_away_is_there_for_its_own_upload_alone(
    everybody: dict[str, User], upload: Upload, state: str
) -> None:
    """Whoever sends on, or puts it away once more, is told what became of it."""
    recording = upload.track.recording
    Recording.objects.update(state=state)
    gone: list[Callable[[User], object]] = [
        lambda user: access.upload_to_download(user, upload.public_id),
        lambda user: access.recording_to_edit(user, recording.public_id),
    ]
    told: list[Callable[[User], object]] = [
        lambda user: access.upload_to_append(user, upload.public_id),
        lambda user: access.recording_to_put_away(user, recording.public_id),
    ]

    assert [let_in(everybody, door) for door in gone] == [set()] * 2
    assert [let_in(everybody, door) for door in told] == [{"candidate"}] * 2


@pytest.mark.parametrize("facts", [{"is_kept": False}, {"received_bytes": 0}])
def test_bytes_that_are_not_there_are_not_downloaded(
    everybody: dict[str, User], upload: Upload, facts: dict[str, object]
) -> None:
    Upload.objects.update(**facts)

    def downloaded(user: User) -> object:
        return access.upload_to_download(user, upload.public_id)

    assert let_in(everybody, downloaded) == set()


@pytest.mark.parametrize(
    ("facts", "is_open"),
    [
        ({}, True),
        ({"revoked_at": NOW}, False),
        ({"expires_at": NOW}, False),
        ({"uses": 20}, False),
    ],
)
def test_an_invitation_is_found_while_it_is_open(
    invitation: Invitation, facts: dict[str, object], *, is_open: bool
) -> None:
    Invitation.objects.update(**facts)

    found = access.invitation_to_use(invitation.token, NOW)

    assert found == (invitation if is_open else None)
    assert access.invitation_to_use("another", NOW) is None


def test_a_recording_plays_for_its_candidate_and_whom_a_rule_names(
    everybody: dict[str, User],
    recorded: Recording,
    peer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[User, Recording]] = []

    def may_the_peer(user: User, recording: Recording, _at: object) -> bool:
        asked.append((user, recording))
        return user == peer

    monkeypatch.setattr(access, "_players", [])

    def played(user: User) -> object:
        return access.recording_to_play(user, recorded.public_id, NOW)

    before = let_in(everybody, played)
    access.register_player(may_the_peer)
    access.register_player(may_the_peer)
    after = let_in(everybody, played)

    assert (before, after) == ({"candidate"}, {"candidate", "peer"})
    assert len(asked) == 3, "a rule is registered once, and not asked about the candidate"


@pytest.mark.parametrize("state", [*set(Recording.State.values) - {"ready", "ready_partial"}])
def test_a_recording_that_is_not_ready_plays_for_nobody(
    everybody: dict[str, User], recorded: Recording, state: str
) -> None:
    Recording.objects.update(state=state)

    def played(user: User) -> object:
        return access.recording_to_play(user, recorded.public_id, NOW)

    assert let_in(everybody, played) == set()


def test_not_there_answers_like_not_yours(outsider: User, round_: Round) -> None:
    with pytest.raises(Http404) as missing:
        access.round_to_see(outsider, uuid4())
    with pytest.raises(Http404) as foreign:
        access.round_to_see(outsider, round_.public_id)

    assert str(missing.value) == str(foreign.value)
