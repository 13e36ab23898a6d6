"""The doors of loops: one row fetched for one person. "Not yours" and "not there" answer alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import FilteredRelation, Prefetch, Q
from django.http import Http404

from loops.models import (
    Appeal,
    Attempt,
    Block,
    CalendarFeed,
    Cohort,
    DayHours,
    DaysAway,
    Invitation,
    Loop,
    MatchRequest,
    Membership,
    Mock,
    Notice,
    Proposal,
    Recording,
    Rendition,
    Round,
    Seat,
    Standby,
    Turn,
    Upload,
    User,
)
from loops.queries.availability import partners_of
from loops.queries.blocks import known_to
from loops.states import RecordingState

Player = Callable[[User, Recording, datetime], bool]

_players: list[Player] = []


def register_player(may_play: Player) -> None:
    """Add a higher app's part of the answer to "who may play a recording"."""
    if may_play not in _players:
        _players.append(may_play)


def cohort_to_see(user: User, public_id: UUID) -> Cohort:
    """Return a cohort to one of its members."""
    cohort = Cohort.objects.of(user).filter(public_id=public_id).first()
    if cohort is None:
        raise Http404("No such cohort.")
    return cohort


def cohort_to_organise(user: User, public_id: UUID) -> Cohort:
    """Return a cohort to one of its organisers."""
    places = Membership.objects.filter(user=user, role=Membership.Role.ORGANISER)
    cohort = Cohort.objects.filter(pk__in=places.values("cohort"), public_id=public_id).first()
    if cohort is None:
        raise Http404("No such cohort.")
    return cohort


def is_organiser(user: User, cohort: Cohort) -> bool:
    """Say whether the person organises the cohort."""
    return Membership.objects.filter(
        user=user, cohort=cohort, role=Membership.Role.ORGANISER
    ).exists()


def invitation_to_use(token: str, at: datetime) -> Invitation | None:
    """Return an invitation that is still open to whoever holds its link.

    None where it is closed or never was: one answer, so that links cannot be guessed at.
    """
    return Invitation.objects.open(at).select_related("cohort").filter(token=token).first()


def invitation_to_revoke(user: User, public_id: UUID) -> Invitation:
    """Return an invitation to an organiser of its cohort."""
    invitation = (
        Invitation.objects.select_related("cohort")
        .filter(
            public_id=public_id,
            cohort__memberships__user=user,
            cohort__memberships__role=Membership.Role.ORGANISER,
        )
        .first()
    )
    if invitation is None:
        raise Http404("No such invitation.")
    return invitation


def membership_to_organise(user: User, cohort_id: UUID, user_id: UUID) -> Membership:
    """Return a member's place in a cohort to one of its organisers."""
    cohort = cohort_to_organise(user, cohort_id)
    membership = cohort.memberships.select_related("user").filter(user__public_id=user_id).first()
    if membership is None:
        raise Http404("No such member.")
    return membership


def loop_to_see(user: User, public_id: UUID) -> Loop:
    """Return a loop to the member who runs it."""
    loop = Loop.objects.select_related("cohort").filter(public_id=public_id, member=user).first()
    if loop is None:
        raise Http404("No such loop.")
    return loop


def round_to_see(user: User, public_id: UUID) -> Round:
    """Return a round to the member whose loop it is in."""
    round_ = (
        Round.objects.select_related("loop__cohort", "round_kind")
        .filter(public_id=public_id, loop__member=user)
        .first()
    )
    if round_ is None:
        raise Http404("No such round.")
    return round_


def attempt_to_read(user: User, public_id: UUID) -> Attempt:
    """Return an attempt to its candidate."""
    attempt = (
        Attempt.objects.of(user)
        .select_related(
            "round__loop__cohort",
            "round__loop__member",
            "round__round_kind",
            "prompt",
            "rubric_version",
            "turn__mock",
        )
        .filter(public_id=public_id)
        .first()
    )
    if attempt is None:
        raise Http404("No such attempt.")
    return attempt


def attempt_to_edit(user: User, public_id: UUID) -> Attempt:
    """Return an attempt to its candidate to change; the actions check its state."""
    return attempt_to_read(user, public_id)


def answer_to_read(user: User, public_id: UUID) -> Attempt:
    """Return an answer to its candidate; a follow-up take is none."""
    attempt = attempt_to_read(user, public_id)
    if attempt.is_follow_up:
        raise Http404("No such answer.")
    return attempt


def answer_to_edit(user: User, public_id: UUID) -> Attempt:
    """Return an answer to its candidate to change; the actions check its state."""
    return answer_to_read(user, public_id)


OF_A_RECORDING = "attempt__round__loop__cohort"


def recording_to_edit(user: User, public_id: UUID) -> Recording:
    """Return a recording to its candidate to change; one that was put away is there no more."""
    recording = (
        Recording.objects.select_related(OF_A_RECORDING)
        .filter(public_id=public_id, attempt__round__loop__member=user)
        .exclude(state__in=[RecordingState.DISCARDED, RecordingState.ERASED])
        .first()
    )
    if recording is None:
        raise Http404("No such recording.")
    return recording


def recording_to_put_away(user: User, public_id: UUID) -> Recording:
    """Return a recording to its candidate to discard or erase, though it were so already."""
    recording = (
        Recording.objects.select_related(OF_A_RECORDING)
        .filter(public_id=public_id, attempt__round__loop__member=user)
        .first()
    )
    if recording is None:
        raise Http404("No such recording.")
    return recording


def recording_to_play(user: User, public_id: UUID, at: datetime) -> Recording:
    """Return a playable recording to those whom the rule "Who may play a recording" names."""
    recording = (
        Recording.objects.ready().select_related(OF_A_RECORDING).filter(public_id=public_id).first()
    )
    if recording is None or not may_play(user, recording, at):
        raise Http404("No such recording.")
    return recording


def rendition_to_play(user: User, public_id: UUID, at: datetime) -> Rendition:
    """Return a file made of a playable recording to those who may play that."""
    rendition = (
        Rendition.objects.select_related(f"track__recording__{OF_A_RECORDING}")
        .filter(public_id=public_id, track__recording__state__in=RecordingState.playable())
        .first()
    )
    if rendition is None or not may_play(user, rendition.track.recording, at):
        raise Http404("No such file.")
    return rendition


def rendition_to_download(user: User, public_id: UUID) -> Rendition:
    """Return a file made of a recording to the candidate whose recording it is, to keep."""
    rendition = (
        Rendition.objects.select_related("track__recording__attempt__round__round_kind")
        .filter(
            public_id=public_id,
            kind__in=[Rendition.Kind.PLAYABLE, Rendition.Kind.LOG],
            track__recording__attempt__round__loop__member=user,
        )
        .exclude(track__recording__state__in=[RecordingState.DISCARDED, RecordingState.ERASED])
        .first()
    )
    if rendition is None:
        raise Http404("No such file.")
    return rendition


def may_play(user: User, recording: Recording, at: datetime) -> bool:
    """Say whether the person may play the recording now.

    Its candidate may, the interviewer of its mock while they are in the cohort, and whom a
    registered rule names.
    """
    if recording.attempt.round.loop.member_id == user.id:
        return True
    cohort = recording.attempt.round.loop.cohort
    interviewed = Turn.objects.filter(attempt=recording.attempt_id, interviewer=user)
    if interviewed.filter(mock__cohort__memberships__user=user, mock__cohort=cohort).exists():
        return True
    return any(rule(user, recording, at) for rule in _players)


def upload_to_append(user: User, public_id: UUID) -> Upload:
    """Return an upload to the candidate who is sending it; the actions check its state."""
    upload = (
        Upload.objects.select_related("track__recording__attempt__round__loop")
        .filter(public_id=public_id, track__recording__attempt__round__loop__member=user)
        .first()
    )
    if upload is None:
        raise Http404("No such upload.")
    return upload


def upload_to_download(user: User, public_id: UUID) -> Upload:
    """Return an upload whose bytes are kept as they came to the candidate who sent it."""
    upload = upload_to_append(user, public_id)
    is_gone = upload.track.recording.state in {RecordingState.DISCARDED, RecordingState.ERASED}
    if is_gone or not (upload.is_kept and upload.received_bytes):
        raise Http404("No such upload.")
    return upload


def partner_to_meet(user: User, cohort: Cohort, public_id: UUID) -> User:
    """Return a member of the cohort whom the person may meet. A block answers like nobody."""
    partner = partners_of(user, cohort).filter(public_id=public_id).first()
    if partner is None:
        raise Http404("No such partner.")
    return partner


def mock_to_see(user: User, public_id: UUID) -> Mock:
    """Return a mock, with seats, turns and its open proposal, to one of its two people."""
    turns = Turn.objects.select_related(
        "candidate", "interviewer", "round__round_kind", "round__loop", "attempt"
    )
    return _mock_of(user, public_id, Prefetch("turns", queryset=turns))


def mock_to_answer(member_id: UUID, public_id: UUID) -> tuple[User, Mock]:
    """Return who holds a signed link to a mock, and the mock; nobody is signed in."""
    member = User.objects.filter(public_id=member_id, is_active=True).first()
    if member is None:
        raise Http404("No such person.")
    return member, mock_to_see(member, public_id)


def mock_to_move(user: User, public_id: UUID) -> Mock:
    """Return a mock, with seats and its open proposal, to one of its two people."""
    return _mock_of(user, public_id)


OF_A_MOCK: tuple[str, ...] = ("cohort", "asked_by", "open_proposal", "replaced_by")


def _mock_of(user: User, public_id: UUID, *more: "Prefetch[Any]") -> Mock:
    is_open = Q(proposals__state=Proposal.State.OPEN)
    mock = (
        Mock.objects.of(user)
        .annotate(open_proposal=FilteredRelation("proposals", condition=is_open))
        .select_related(*OF_A_MOCK)
        .prefetch_related(
            Prefetch("seats", queryset=Seat.objects.select_related("member", "appeal")), *more
        )
        .filter(public_id=public_id)
        .first()
    )
    if mock is None:
        raise Http404("No such mock.")
    return mock


def turn_to_prepare(user: User, public_id: UUID) -> Turn:
    """Return a turn with its prompt to its interviewer, once it was agreed on."""
    turn = (
        Turn.objects.select_related(
            "mock__cohort",
            "candidate",
            "interviewer",
            "round__round_kind",
            "round__loop__cohort",
            "prompt__version__round_kind",
            "rubric_version",
            "attempt",
        )
        .filter(public_id=public_id, interviewer=user, prompt__isnull=False)
        .exclude(mock__state__in=["cancelled", "expired"])
        .first()
    )
    if turn is None:
        raise Http404("No such turn.")
    return turn


def turn_to_answer(user: User, public_id: UUID) -> Turn:
    """Return a turn to its candidate."""
    turn = (
        Turn.objects.select_related(
            "mock__cohort", "candidate", "interviewer", "round__round_kind", "attempt"
        )
        .filter(public_id=public_id, candidate=user)
        .first()
    )
    if turn is None:
        raise Http404("No such turn.")
    return turn


def standby_to_call(user: User, public_id: UUID) -> Standby:
    """Return the standby of somebody who shares a cohort with the person.

    Of a member who has none, or none any more, it is an empty one: the action says in words
    that they cannot be met, as it does where a block parts the two.
    """
    own = Membership.objects.filter(user=user).values("cohort")
    member = User.objects.filter(
        pk__in=Membership.objects.filter(cohort__in=own).values("user"), public_id=public_id
    ).first()
    if member is None or member == user:
        raise Http404("No such member.")
    return Standby.objects.filter(user=member).first() or Standby(user=member)


def match_request_to_change(user: User, public_id: UUID) -> MatchRequest:
    """Return a member's own place in the pool."""
    request = (
        MatchRequest.objects.select_related("cohort").filter(public_id=public_id, user=user).first()
    )
    if request is None:
        raise Http404("No such request.")
    return request


def day_hours_to_remove(user: User, public_id: UUID) -> DayHours | None:
    """Return hours of a date to whose they are; None where they are gone, or somebody else's."""
    return DayHours.objects.select_related("user").filter(public_id=public_id, user=user).first()


def days_away_to_remove(user: User, public_id: UUID) -> DaysAway | None:
    """Return days away to whose they are; None where they are gone, or somebody else's."""
    return DaysAway.objects.select_related("user").filter(public_id=public_id, user=user).first()


def person_to_block(user: User, public_id: UUID) -> User:
    """Return somebody who shares a cohort with the person, whom to meet or not."""
    person = known_to(user).filter(public_id=public_id).first()
    if person is None:
        raise Http404("No such person.")
    return person


def person_to_unblock(user: User, public_id: UUID) -> User:
    """Return somebody whom the person has blocked or shares a cohort with, as before the block."""
    blocked = User.objects.filter(pk__in=Block.objects.filter(by=user).values("whom"))
    person = blocked.filter(public_id=public_id).first()
    return person or person_to_block(user, public_id)


def appeal_to_decide(user: User, public_id: UUID) -> Appeal:
    """Return an appeal to an organiser of its cohort who is not the one who appeals."""
    appeal = (
        Appeal.objects.select_related("seat__mock__cohort", "seat__member")
        .filter(
            public_id=public_id,
            seat__mock__cohort__memberships__user=user,
            seat__mock__cohort__memberships__role=Membership.Role.ORGANISER,
        )
        .exclude(seat__member=user)
        .first()
    )
    if appeal is None:
        raise Http404("No such appeal.")
    return appeal


def notice_to_read(user: User, public_id: UUID) -> Notice:
    """Return a notice to the person it was written to."""
    notice = Notice.objects.filter(public_id=public_id, person=user).first()
    if notice is None:
        raise Http404("No such notice.")
    return notice


def calendar_to_follow(token_digest: str) -> User:
    """Return whose mocks the open calendar address with that digest shows."""
    feeds = CalendarFeed.objects.select_related("user")
    feed = feeds.filter(token_digest=token_digest, revoked_at=None, user__is_active=True).first()
    if feed is None:
        raise Http404("No such calendar.")
    return feed.user
