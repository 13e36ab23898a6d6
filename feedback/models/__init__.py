"""Names the models of feedback for Django."""

from feedback.models.calibration import (
    AttemptMeasure,
    DimensionMeasure,
    GraderMeasure,
    Snapshot,
)
from feedback.models.interviewing import InterviewerCard
from feedback.models.reviews import DowncodeTick, Evidence, Rating, Review

__all__ = [
    "AttemptMeasure",
    "DimensionMeasure",
    "DowncodeTick",
    "Evidence",
    "GraderMeasure",
    "InterviewerCard",
    "Rating",
    "Review",
    "Snapshot",
]
