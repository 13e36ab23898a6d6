"""The fixed cast: candidate, peers and organiser of one cohort, and an outsider of another.

Each joins the cohort by being asked for, so a test names everybody who is in it.
"""

import pytest

from loops.models import Cohort, Membership, User
from tests import factories


@pytest.fixture
def cohort(db: None) -> Cohort:
    """The cohort of candidate, peers and organiser; it calls people by their handles."""
    return factories.cohort(name="Thursday cohort")


@pytest.fixture
def candidate(cohort: Cohort) -> User:
    """Whose answers are graded."""
    return _member(cohort, "candidate-101")


@pytest.fixture
def peer(cohort: Cohort) -> User:
    """Who grades them."""
    return _member(cohort, "peer-102")


@pytest.fixture
def second_peer(cohort: Cohort) -> User:
    """Who grades them as well."""
    return _member(cohort, "second-103")


@pytest.fixture
def organiser(cohort: Cohort) -> User:
    """Who runs the cohort."""
    return _member(cohort, "organiser-104", role=Membership.Role.ORGANISER)


@pytest.fixture
def outsider(db: None) -> User:
    """A member of another cohort: everything of the first one is a 404 to them."""
    stranger = factories.person("outsider-105")
    factories.cohort(stranger, name="Other cohort")
    return stranger


def _member(cohort: Cohort, handle: str, role: str = Membership.Role.MEMBER) -> User:
    person = factories.person(handle)
    factories.join(cohort, person, role=role)
    return person
