"""Mocks: a live meeting of two, its seats, its turns, what was proposed, and the weekly pool."""

import uuid
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    BigIntegerRangeField,
    DateTimeRangeField,
    RangeBoundary,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from loops.models.people import Cohort, User
from loops.models.practice import Attempt, Round
from loops.states import MockState
from rubrics.models import Prompt, RubricVersion


class Int8Range(Func):
    """`int8range(id, id, '[]')`: an id as a range, so that GiST needs no btree_gist."""

    function = "int8range"
    output_field = BigIntegerRangeField()


class TsTzRange(Func):
    """`tstzrange(from, until, '[)')`."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class MockQuerySet(models.QuerySet["Mock"]):
    """Mocks, told in adjectives."""

    def of(self, user: User) -> "MockQuerySet":
        """Keep those in which the person has a seat."""
        return self.filter(seats__member=user)

    def agreed(self) -> "MockQuerySet":
        """Keep those whose seats are held."""
        return self.filter(state__in=MockState.agreed())


class Mock(models.Model):
    """A live meeting of two members of a cohort: candidate and interviewer.

    `starts_at` and `ends_at` are what is agreed; before that, what is proposed. `sequence` is
    iCalendar's: 0 in the first invitation, one more with every change of it.
    """

    class State(models.TextChoices):
        """Where the mock stands; the legal moves are in loops.states."""

        PROPOSED = MockState.PROPOSED.value, _("proposed")
        ACCEPTED = MockState.ACCEPTED.value, _("accepted")
        CONFIRMED = MockState.CONFIRMED.value, _("confirmed")
        RUNNING = MockState.RUNNING.value, _("running")
        DONE = MockState.DONE.value, _("done")
        NO_SHOW = MockState.NO_SHOW.value, _("partner absent")
        CONVERTED = MockState.CONVERTED.value, _("recorded alone")
        CANCELLED = MockState.CANCELLED.value, _("cancelled")
        EXPIRED = MockState.EXPIRED.value, _("lapsed")

    class Origin(models.TextChoices):
        """How the two came together."""

        ASKED = "asked", _("asked by a member")
        MATCHED = "matched", _("paired from the pool")
        STANDBY = "standby", _("standby")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="mocks")
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    state_at = models.DateTimeField()
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.ASKED)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    wants_swap = models.BooleanField(_("swap roles"), default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    video_url = models.URLField(_("video room"), max_length=500, blank=True)
    note = models.CharField(_("note"), max_length=280, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    agreed_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="replaced_by", null=True
    )

    objects = MockQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="mock_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "cancelled", "expired"])
                | Q(agreed_at__isnull=False),
                name="mock_agreed_whole",
            ),
        ]
        indexes = [models.Index(fields=["state", "starts_at"], name="mock_due")]

    def __str__(self) -> str:
        return f"Mock at {self.starts_at:%Y-%m-%d %H:%M}Z"

    @property
    def is_agreed(self) -> bool:
        """Say whether both seats are held."""
        return self.state in MockState.agreed()

    @property
    def is_live(self) -> bool:
        """Say whether it may still take place."""
        return self.state in MockState.live()

    def seat_of(self, user: User) -> "Seat":
        """Return the person's seat, from the seats as they were fetched."""
        return next(seat for seat in self.seats.all() if seat.member_id == user.pk)

    def partner_seat(self, user: User) -> "Seat":
        """Return the other's seat, from the seats as they were fetched."""
        return next(seat for seat in self.seats.all() if seat.member_id != user.pk)


class Proposal(models.Model):
    """A time put to the other, for a new mock or in place of the one agreed. It holds nothing.

    `by` is null where the matcher proposed. Who agrees says so on their seat.
    """

    class State(models.TextChoices):
        """Where the proposal stands."""

        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")
        COUNTERED = "countered", _("answered with another time")
        EXPIRED = "expired", _("expired")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    mock = models.ForeignKey(Mock, on_delete=models.PROTECT, related_name="proposals")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    made_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["mock_id", "-made_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["mock"], condition=Q(state="open"), name="proposal_one_open_a_mock"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="proposal_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}Z for {self.mock}"

    @property
    def is_open(self) -> bool:
        """Say whether it waits for an answer."""
        return self.state == self.State.OPEN


class Seat(models.Model):
    """One person's place in a mock. While it is held, no other seat of theirs may overlap it.

    The period is half-open and ends with the person's gap, so the gap is kept by the same
    constraint. `time_zone` and `local_start` are what the person saw when they agreed.
    """

    class Outcome(models.TextChoices):
        """What became of the promise to come."""

        KEPT = "kept", _("kept")
        LATE_CHANGE = "late_change", _("changed late")
        NO_SHOW = "no_show", _("did not come")
        EXCUSED = "excused", _("excused")

    COUNTED: ClassVar[tuple[str, ...]] = (
        Outcome.KEPT.value,
        Outcome.LATE_CHANGE.value,
        Outcome.NO_SHOW.value,
    )

    mock = models.ForeignKey(Mock, on_delete=models.PROTECT, related_name="seats")
    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="seats")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_held = models.BooleanField(default=False)
    accepted = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+", null=True)
    time_zone = models.CharField(max_length=64, blank=True)
    local_start = models.CharField(max_length=16, blank=True)
    is_bad_hour = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    has_moved_late = models.BooleanField(default=False)
    outcome = models.CharField(max_length=11, choices=Outcome, blank=True, default="")
    outcome_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["mock_id", "member_id"]
        constraints = [
            models.UniqueConstraint(fields=["mock", "member"], name="seat_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="seat_positive"),
            ExclusionConstraint(
                name="seat_no_overlap",
                index_type="GIST",
                expressions=[
                    (Int8Range("member", "member", Value("[]")), RangeOperators.OVERLAPS),
                    (TsTzRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_held=True),
                violation_error_code="overlap",
                violation_error_message=_("You already have a mock at that time."),
            ),
        ]
        indexes = [models.Index(fields=["member", "-outcome_at"], name="seat_promises")]

    def __str__(self) -> str:
        return f"{self.member} in {self.mock}"


class Turn(models.Model):
    """One of the two answering inside a mock: candidate, interviewer, round and prompt.

    The prompt is drawn when the mock is agreed; the interviewer sees it with its kit, the
    candidate when the turn begins.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    mock = models.ForeignKey(Mock, on_delete=models.PROTECT, related_name="turns")
    position = models.PositiveSmallIntegerField()
    candidate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="turns")
    interviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="turns_given")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="turns")
    minutes = models.PositiveSmallIntegerField()
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+", null=True)
    rubric_version = models.ForeignKey(
        RubricVersion, on_delete=models.PROTECT, related_name="+", null=True
    )
    prepared_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    attempt = models.OneToOneField(
        Attempt, on_delete=models.PROTECT, related_name="turn", null=True
    )

    class Meta:
        ordering = ["mock_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["mock", "position"], name="turn_position_once"),
            models.UniqueConstraint(fields=["mock", "candidate"], name="turn_candidate_once"),
            models.CheckConstraint(
                condition=~Q(candidate=F("interviewer")), name="turn_of_two_people"
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="turn_minutes"),
        ]

    def __str__(self) -> str:
        return f"Turn {self.position} of {self.mock}"


class Appeal(models.Model):
    """A member's word against a broken promise that stands against them."""

    class State(models.TextChoices):
        """What the organiser made of it."""

        OPEN = "open", _("open")
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    seat = models.OneToOneField(Seat, on_delete=models.PROTECT, related_name="appeal")
    text = models.TextField()
    made_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=280, blank=True)

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"Appeal of {self.seat}"


class MatchRequest(models.Model):
    """That a member asks the pool for a mock of one of these rounds.

    `unmatched_code` and `unmatched_data` say why the last pairing found nobody, as
    loops/matching.py told it.
    """

    class State(models.TextChoices):
        """Where the request stands."""

        OPEN = "open", _("waiting")
        MATCHED = "matched", _("paired")
        WITHDRAWN = "withdrawn", _("withdrawn")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="match_requests")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="match_requests")
    rounds = models.ManyToManyField(Round, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    wants_swap = models.BooleanField(_("swap roles"), default=True)
    is_urgent = models.BooleanField(_("at once"), default=False)
    books_at_once = models.BooleanField(_("book without asking me"), default=False)
    weeks_waited = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    mock = models.ForeignKey(Mock, on_delete=models.PROTECT, related_name="requests", null=True)
    unmatched_code = models.CharField(max_length=30, blank=True)
    unmatched_data = models.JSONField(default=dict)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "cohort"], condition=Q(state="open"), name="match_request_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in the pool of {self.cohort}"


class MatchRun(models.Model):
    """That a cohort's pool was paired for a week; `week_on` is the Monday of the ISO week."""

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="match_runs")
    week_on = models.DateField()
    ran_at = models.DateTimeField()
    people = models.PositiveIntegerField()
    pairs = models.PositiveIntegerField()

    class Meta:
        ordering = ["-week_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "week_on"], name="match_run_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cohort}, week of {self.week_on}"
