"""Who may handle an appeal: the pure rule, by a table of what stands between a member and it."""

from datetime import timedelta

import pytest

from feedback.eligibility import Exclusion
from feedback.handlers import Case, Member, exclusions
from tests.factories import NOW

CASE = Case(candidate=1, round_kind=7, interviewer=2, since=NOW)


def why(*members: Member, hours: int = 0) -> dict[int, Exclusion | None]:
    return dict(exclusions(CASE, members, NOW + timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member(person=1), Exclusion.OWN),
        (Member(person=2), Exclusion.HELD_THE_MOCK),
        (Member(person=3, has_seen=True), Exclusion.ALREADY_GRADED),
        (Member(person=3, has_conflict=True), Exclusion.CONFLICT),
        (Member(person=3, is_prompt_ahead=True), Exclusion.PROMPT_AHEAD),
        (Member(person=3), None),
        (Member(person=3, is_trained=True), None),
    ],
)
def test_what_stands_between_a_member_and_an_appeal(
    member: Member, reason: Exclusion | None
) -> None:
    assert why(member) == {member.person: reason}
    assert why(member, hours=100) == {member.person: reason}


def test_who_is_trained_goes_first_for_48_hours() -> None:
    trained, other = Member(person=3, is_trained=True), Member(person=4)

    assert why(trained, other) == {3: None, 4: Exclusion.NOT_QUALIFIED}
    assert why(trained, other, hours=47)[4] is Exclusion.NOT_QUALIFIED
    assert why(trained, other, hours=48) == {3: None, 4: None}


@pytest.mark.parametrize(
    "trained",
    [
        Member(person=1, is_trained=True),
        Member(person=2, is_trained=True),
        Member(person=3, is_trained=True, has_seen=True),
        Member(person=3, is_trained=True, has_conflict=True),
    ],
)
def test_who_could_not_take_it_anyway_keeps_nobody_from_it(trained: Member) -> None:
    assert why(trained, Member(person=4))[4] is None
