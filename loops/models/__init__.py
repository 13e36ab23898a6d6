"""Names the models of loops for Django."""

from loops.models.availability import (
    Block,
    CalendarFeed,
    DayHours,
    DaysAway,
    MockLimits,
    Standby,
    WeeklyHours,
)
from loops.models.bookings import (
    Appeal,
    MatchRequest,
    MatchRun,
    Mock,
    Proposal,
    Seat,
    Turn,
)
from loops.models.events import Event
from loops.models.notices import Notice, NoticeWish
from loops.models.people import Cohort, Invitation, Membership, User
from loops.models.practice import Artifact, Attempt, Loop, PromptExposure, Round
from loops.models.recordings import (
    Cue,
    Recording,
    Rendition,
    Step,
    Track,
    Transcript,
    Upload,
)

__all__ = [
    "Appeal",
    "Artifact",
    "Attempt",
    "Block",
    "CalendarFeed",
    "Cohort",
    "Cue",
    "DayHours",
    "DaysAway",
    "Event",
    "Invitation",
    "Loop",
    "MatchRequest",
    "MatchRun",
    "Membership",
    "Mock",
    "MockLimits",
    "Notice",
    "NoticeWish",
    "PromptExposure",
    "Proposal",
    "Recording",
    "Rendition",
    "Round",
    "Seat",
    "Standby",
    "Step",
    "Track",
    "Transcript",
    "Turn",
    "Upload",
    "User",
    "WeeklyHours",
]
