"""A cohort's grading rules, and what they come to with the people and answers it has."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from feedback.models import GradingRules, QueueEntry, Unlock
from loops.models import Cohort, Membership, Round, User
from loops.queries.counting import RowCount
from rubrics.models import RoundKind


@dataclass(frozen=True)
class KindLine:
    """A round kind that the cohort practises: how many of its members are trained to grade it."""

    title: str
    trained: int
    reviews_wanted: int

    @property
    def is_enough(self) -> bool:
        """Say whether a trained candidate, too, finds that many trained graders."""
        return self.trained > self.reviews_wanted

    @property
    def is_nearly_enough(self) -> bool:
        """Say whether everybody does but the trained ones themselves."""
        return self.trained == self.reviews_wanted


@dataclass(frozen=True)
class NumberLine:
    """A number of reviews an answer may get, and how many answers would wait for a grader now."""

    number: int
    waiting: int


@dataclass(frozen=True)
class RulesPage:
    """The rules that hold, and present numbers."""

    rules: GradingRules
    members: int
    numbers: list[NumberLine]
    kinds: list[KindLine]

    @property
    def graders_most(self) -> int:
        """Return how many others there are to grade one answer."""
        return max(self.members - 1, 0)


def rules_of(cohort: Cohort) -> GradingRules:
    """Return the rules of a cohort; the defaults, unsaved, where it has settled nothing."""
    return GradingRules.objects.filter(cohort=cohort).first() or GradingRules(cohort=cohort)


def rules_page(cohort: Cohort, reader: User) -> RulesPage:
    """Return what the page of a cohort's rules shows an organiser; four queries.

    Their own answers are not among what waits: the count would tell them of a split.
    """
    rules = rules_of(cohort)
    members = Membership.objects.filter(cohort=cohort)
    numbers = range(GradingRules.REVIEWS_LEAST, GradingRules.REVIEWS_MOST + 1)
    waiting = QueueEntry.objects.filter(cohort=cohort, is_open=True).exclude(candidate=reader)
    counted = waiting.aggregate(
        **{
            f"below_{n}": Count(
                "pk", filter=Q(granted__lt=n) | Q(granted__lt=F("wanted"), is_split=True)
            )
            for n in numbers
        },
    )
    return RulesPage(
        rules=rules,
        members=members.count(),
        numbers=[NumberLine(n, counted[f"below_{n}"]) for n in numbers],
        kinds=_kinds(cohort, rules.reviews_wanted),
    )


def _kinds(cohort: Cohort, reviews_wanted: int) -> list[KindLine]:
    practised = Round.objects.filter(loop__cohort=cohort, round_kind=OuterRef("pk"))
    theirs = Unlock.objects.filter(member__memberships__cohort=cohort, round_kind=OuterRef("pk"))
    kinds: QuerySet[Any] = RoundKind.objects.filter(Exists(practised) | Exists(theirs))
    return [
        KindLine(kind.title, kind.trained, reviews_wanted)
        for kind in sorted(
            kinds.annotate(trained=RowCount(theirs)),
            key=lambda kind: (kind.ladder != "ic", kind.position, kind.key),
        )
    ]
