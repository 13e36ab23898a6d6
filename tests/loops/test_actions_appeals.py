"""Appeals: who may, until when, who decides, and what that changes."""

from datetime import timedelta

import pytest

from loops.actions import appeals
from loops.errors import Refused
from loops.models import Appeal, Cohort, Membership, Mock, Notice, Seat, User
from loops.queries.reliability import reliability_of
from tests import factories
from tests.factories import NOW
from tests.threads import together

TEXT = "The train stood between two stations."


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock to which the candidate did not come, after an older slip that is forgiven."""
    older = factories.mock(
        candidate, peer, cohort, state="cancelled", starts_at=NOW - timedelta(days=30)
    )
    broken(older, candidate, "late_change", NOW - timedelta(days=30))
    missed = factories.mock(
        candidate, peer, cohort, state="no_show", starts_at=NOW - timedelta(days=1)
    )
    broken(missed, candidate, "no_show", NOW - timedelta(days=1))
    return missed


def broken(mock: Mock, person: User, outcome: str, at: object) -> None:
    Seat.objects.filter(mock=mock, member=person).update(outcome=outcome, outcome_at=at)


def permille(person: User) -> int:
    return reliability_of([person], NOW)[person.pk].permille


def test_an_appeal_goes_to_every_organiser(
    mock: Mock, candidate: User, organiser: User, cohort: Cohort
) -> None:
    second = factories.person("second-organiser-7")
    factories.join(cohort, second, role=Membership.Role.ORGANISER)

    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    assert (made.state, made.text) == ("open", TEXT)
    told = Notice.objects.filter(kind="appeal")
    assert {notice.person for notice in told} == {organiser, second}
    assert {notice.data["who"] for notice in told} == {"candidate-101"}
    assert {notice.mock for notice in told} == {mock}


def test_an_organiser_who_appeals_is_not_asked_about_it(
    mock: Mock, candidate: User, cohort: Cohort
) -> None:
    candidate.memberships.update(role=Membership.Role.ORGANISER)

    appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    assert not Notice.objects.filter(kind="appeal").exists()


def test_an_appeal_is_made_once(mock: Mock, candidate: User, organiser: User) -> None:
    first = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)
    again = appeals.appeal(mock=mock, text="Something else.", by=candidate, at=NOW)

    assert (again, again.text) == (first, TEXT)
    assert Notice.objects.filter(kind="appeal").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_appeal_sent_twice_at_once_is_one(mock: Mock, candidate: User, organiser: User) -> None:
    ends = together([lambda: appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)] * 3)

    assert {getattr(end, "pk", end) for end in ends} == {Appeal.objects.get().pk}


@pytest.mark.parametrize("outcome", ["", "kept", "excused"])
def test_there_is_nothing_to_appeal_where_nothing_stands(
    mock: Mock, candidate: User, outcome: str
) -> None:
    broken(mock, candidate, outcome, NOW)

    with pytest.raises(appeals.NothingToAppeal):
        appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)


def test_the_partner_has_nothing_to_appeal(mock: Mock, peer: User) -> None:
    with pytest.raises(appeals.NothingToAppeal):
        appeals.appeal(mock=mock, text=TEXT, by=peer, at=NOW)


@pytest.mark.parametrize(("days", "is_late"), [(14, False), (15, True)])
def test_an_appeal_is_possible_for_a_fortnight(
    mock: Mock, candidate: User, *, days: int, is_late: bool
) -> None:
    at = NOW - timedelta(days=1) + timedelta(days=days)

    if is_late:
        with pytest.raises(appeals.AppealTooLate):
            appeals.appeal(mock=mock, text=TEXT, by=candidate, at=at)
    else:
        appeals.appeal(mock=mock, text=TEXT, by=candidate, at=at)

    assert Appeal.objects.exists() is not is_late


def test_a_granted_appeal_excuses_and_counts_no_more(
    mock: Mock, candidate: User, organiser: User
) -> None:
    before = permille(candidate)
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    appeals.decide(appeal=made, is_granted=True, answer="", by=organiser, at=NOW)

    made.refresh_from_db()
    assert (made.state, made.decided_by, made.decided_at) == ("granted", organiser, NOW)
    assert mock.seats.get(member=candidate).outcome == "excused"
    assert before < permille(candidate) == 900
    told = Notice.objects.get(kind="appeal_answered")
    assert (told.person, told.data["is_granted"]) == (candidate, True)
    assert not Notice.objects.filter(kind="appeal", read_at=None).exists()


def test_a_refused_appeal_changes_nothing_and_says_why(
    mock: Mock, candidate: User, organiser: User
) -> None:
    before = permille(candidate)
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    appeals.decide(appeal=made, is_granted=False, answer="No word came.", by=organiser, at=NOW)

    assert mock.seats.get(member=candidate).outcome == "no_show"
    assert permille(candidate) == before
    told = Notice.objects.get(kind="appeal_answered")
    assert told.data == {"is_granted": False, "answer": "No word came."}


def test_who_is_refused_is_told_why(mock: Mock, candidate: User, organiser: User) -> None:
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    with pytest.raises(appeals.AnswerMissing):
        appeals.decide(appeal=made, is_granted=False, answer="", by=organiser, at=NOW)


def test_nobody_decides_their_own_appeal(mock: Mock, candidate: User) -> None:
    candidate.memberships.update(role=Membership.Role.ORGANISER)
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    with pytest.raises(appeals.OwnAppeal):
        appeals.decide(appeal=made, is_granted=True, answer="", by=candidate, at=NOW)

    assert mock.seats.get(member=candidate).outcome == "no_show"


def test_the_same_decision_twice_is_one(mock: Mock, candidate: User, organiser: User) -> None:
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)
    for _time in range(2):
        appeals.decide(appeal=made, is_granted=True, answer="", by=organiser, at=NOW)

    assert Notice.objects.filter(kind="appeal_answered").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_organisers_who_decide_at_once_have_one_answer(
    mock: Mock, candidate: User, organiser: User, cohort: Cohort
) -> None:
    second = factories.person("second-organiser-7")
    factories.join(cohort, second, role=Membership.Role.ORGANISER)
    made = appeals.appeal(mock=mock, text=TEXT, by=candidate, at=NOW)

    ends = together(
        [
            lambda: appeals.decide(appeal=made, is_granted=True, answer="", by=organiser, at=NOW),
            lambda: appeals.decide(appeal=made, is_granted=False, answer="No.", by=second, at=NOW),
        ]
    )

    assert sum(isinstance(end, Refused) for end in ends) == 1
    made.refresh_from_db()
    outcome = mock.seats.get(member=candidate).outcome
    assert outcome == ("excused" if made.state == "granted" else "no_show")
