"""Names the models of loops for Django."""

from loops.models.events import Event
from loops.models.people import Cohort, Invitation, Membership, User
from loops.models.practice import Artifact, Attempt, Loop, PromptExposure, Round
from loops.models.recordings import Recording, Track

__all__ = [
    "Artifact",
    "Attempt",
    "Cohort",
    "Event",
    "Invitation",
    "Loop",
    "Membership",
    "PromptExposure",
    "Recording",
    "Round",
    "Track",
    "User",
]
