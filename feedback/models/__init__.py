"""Names the models of feedback for Django."""

from feedback.models.answers import FollowUp, Question, Reflection, Usefulness
from feedback.models.calibration import (
    AttemptMeasure,
    DimensionMeasure,
    GraderMeasure,
    Snapshot,
)
from feedback.models.disputes import DebriefMessage, GradeAppeal, RevisedRating, Revision
from feedback.models.interviewing import InterviewerCard
from feedback.models.queue import (
    Conflict,
    GradingRules,
    LedgerEntry,
    Pair,
    QueueEntry,
    Report,
    Standing,
)
from feedback.models.reviews import DowncodeTick, Evidence, Moment, Rating, Review
from feedback.models.training import (
    GoldExpert,
    GoldItem,
    GoldReference,
    Sitting,
    Unlock,
)

__all__ = [
    "AttemptMeasure",
    "Conflict",
    "DebriefMessage",
    "DimensionMeasure",
    "DowncodeTick",
    "Evidence",
    "FollowUp",
    "GoldExpert",
    "GoldItem",
    "GoldReference",
    "GradeAppeal",
    "GraderMeasure",
    "GradingRules",
    "InterviewerCard",
    "LedgerEntry",
    "Moment",
    "Pair",
    "Question",
    "QueueEntry",
    "Rating",
    "Reflection",
    "Report",
    "Review",
    "RevisedRating",
    "Revision",
    "Sitting",
    "Snapshot",
    "Standing",
    "Unlock",
    "Usefulness",
]
