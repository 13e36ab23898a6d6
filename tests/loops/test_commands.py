"""The command that makes the first person and their cohort."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from loops import access
from loops.models import Cohort, Membership, User
from tests import factories

PASSWORD = "a quiet evening of practice"
pytestmark = pytest.mark.django_db


@pytest.fixture
def create(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command with a password on standard input; return what it said."""

    def create(email: str = "first@example.org", *, password: str = PASSWORD, **more: Any) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        said = io.StringIO()
        facts = {"cohort": "Thursday cohort", "password_stdin": True, **more}
        call_command("create_organiser", email, stdout=said, **facts)
        return said.getvalue()

    return create


def test_it_makes_a_person_a_cohort_and_a_link(create: Any) -> None:
    said = create("First@Example.org", name="Ada")

    person = User.objects.get()
    place = Membership.objects.get()
    assert (person.email, person.name, person.is_staff) == ("first@example.org", "Ada", False)
    assert person.check_password(PASSWORD)
    assert (place.cohort.name, place.role) == ("Thursday cohort", "organiser")
    link = re.search(r"http://testserver/join/(\S+)/", said)
    assert link, said
    invitation = access.invitation_to_use(link[1], timezone.now())
    assert invitation is not None
    assert invitation.cohort == place.cohort


def test_it_founds_a_further_cohort_of_a_known_person(create: Any) -> None:
    known = factories.person("known", email="first@example.org")
    known.set_password("another one entirely")
    known.save()

    create(password="", staff=True, show_names=True)

    known.refresh_from_db()
    assert known.check_password("another one entirely")
    assert (known.is_staff, known.is_superuser) == (True, True)
    assert known.cohorts.get().is_named


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"email": "nobody"}, "The person's email: Enter a valid email address."),
        ({"password": "short"}, "at least 10 characters"),
        ({"cohort": "x" * 81}, "The cohort's name: Ensure .* at most 80 characters"),
        ({"cohort": " "}, "The cohort's name: This field cannot be blank"),
        ({"name": "x" * 121}, "The person's name: Ensure .* at most 120 characters"),
    ],
)
def test_it_refuses_in_one_line_and_makes_nothing(
    create: Any, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as refusal:
        create(**facts)

    assert "\n" not in str(refusal.value)
    assert not User.objects.exists()
    assert not Cohort.objects.exists()


def test_it_founds_a_cohort_once(create: Any) -> None:
    create()

    with pytest.raises(CommandError, match="already"):
        create()

    assert Cohort.objects.count() == 1


def test_it_asks_for_no_password_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="--password-stdin"):
        call_command("create_organiser", "first@example.org", cohort="Thursday cohort")
