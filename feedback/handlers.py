"""Who may handle the appeal of a result: members who have not seen the answer. [pure]

The queue's own rules say it, with two turns of their own: training counts among those only who
could take the appeal otherwise, and after 48 hours without an answer it counts no more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from feedback.eligibility import Exclusion, Grader, Pool, Waiting, exclusion


@dataclass(frozen=True, slots=True)
class Case:
    """An appeal that waits: of whose answer, of which round kind, since when."""

    candidate: int
    round_kind: int
    interviewer: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the cohort, and what there is between them and the answer.

    `has_seen` says that they hold or held a review of it, other than one put back or lapsed
    before a word was written.
    """

    person: int
    has_seen: bool = False
    has_conflict: bool = False
    is_prompt_ahead: bool = False
    is_trained: bool = False


def exclusions(
    case: Case, members: Collection[Member], at: datetime
) -> Mapping[int, Exclusion | None]:
    """Return by person why they may not handle the appeal, None where they may."""
    untrained = Pool(cohort=0, size=0)
    could = {
        member.person
        for member in members
        if exclusion(_waiting(case, member), _grader(case, member), untrained, at) is None
    }
    trained = Pool(
        cohort=0,
        size=0,
        requires_unlock=True,
        unlocked=frozenset(
            (member.person, case.round_kind)
            for member in members
            if member.is_trained and member.person in could
        ),
    )
    return {
        member.person: exclusion(_waiting(case, member), _grader(case, member), trained, at)
        for member in members
    }


def _waiting(case: Case, member: Member) -> Waiting:
    return Waiting(
        entry=0,
        attempt=0,
        cohort=0,
        candidate=case.candidate,
        round_kind=case.round_kind,
        prompt="",
        since=case.since,
        interviewer=case.interviewer,
        is_graded=member.has_seen,
    )


def _grader(case: Case, member: Member) -> Grader:
    return Grader(
        person=member.person,
        conflicts=frozenset({case.candidate}) if member.has_conflict else frozenset(),
        prompts_ahead=frozenset({(case.round_kind, "")}) if member.is_prompt_ahead else frozenset(),
    )
