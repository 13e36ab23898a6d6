"""Cohorts, invitations, joining and the profile, as a browser sees them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.actions import people
from loops.models import Cohort, Event, Invitation, Membership, User
from tests import factories

PASSWORD = "a quiet evening of practice"


@pytest.fixture
def invitation(cohort: Cohort, organiser: User) -> Invitation:
    """An open invitation to the cohort."""
    now = timezone.now()
    return Invitation.objects.create(
        cohort=cohort, created_by=organiser, created_at=now, expires_at=now + timedelta(days=14)
    )


def words(response: Any) -> list[str]:
    """Return the messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


# Cohorts


def test_cohorts_are_the_persons_own(
    as_: Callable[[User], Client], candidate: User, peer: User, outsider: User
) -> None:
    page = as_(candidate).get(reverse("loops:cohort_list"))

    assert [(cohort.name, cohort.size) for cohort in page.context["cohorts"]] == [
        ("Thursday cohort", 2)
    ]


def test_cohorts_cost_the_same_for_one_and_for_three(
    as_: Callable[[User], Client],
    queries: Callable[[str], int],
    candidate: User,
    organiser: User,
) -> None:
    as_(candidate)
    one = queries(reverse("loops:cohort_list"))
    for _ in range(2):
        factories.cohort(candidate, organiser)

    assert queries(reverse("loops:cohort_list")) == one <= 6


def test_a_cohort_calls_people_by_handle_or_by_name(
    as_: Callable[[User], Client], candidate: User, peer: User, cohort: Cohort
) -> None:
    client = as_(candidate)
    url = reverse("loops:cohort", args=[cohort.public_id])

    by_handle = client.get(url).content.decode()
    Cohort.objects.filter(pk=cohort.pk).update(is_named=True)
    User.objects.filter(pk=peer.pk).update(name="Grace Hopper")
    by_name = client.get(url).content.decode()

    assert peer.handle in by_handle
    assert "Grace Hopper" not in by_handle
    assert "Grace Hopper" in by_name
    assert peer.email not in by_handle + by_name


def test_a_cohort_shows_its_links_to_organisers_alone(
    as_: Callable[[User], Client],
    candidate: User,
    organiser: User,
    cohort: Cohort,
    invitation: Invitation,
) -> None:
    url = reverse("loops:cohort", args=[cohort.public_id])

    for_member = as_(candidate).get(url).content.decode()
    for_organiser = as_(organiser).get(url).content.decode()

    assert invitation.token not in for_member
    assert "Make organiser" not in for_member
    assert f"http://testserver/join/{invitation.token}/" in for_organiser


def test_a_cohort_costs_the_same_with_one_member_and_with_three(
    as_: Callable[[User], Client],
    queries: Callable[[str], int],
    organiser: User,
    cohort: Cohort,
    invitation: Invitation,
) -> None:
    as_(organiser)
    url = reverse("loops:cohort", args=[cohort.public_id])
    one = queries(url)
    for _ in range(2):
        factories.join(cohort, factories.person())
        Invitation.objects.create(
            cohort=cohort,
            created_by=organiser,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )

    assert queries(url) == one <= 8


def test_an_organiser_makes_a_link_and_closes_it(
    as_: Callable[[User], Client], organiser: User, cohort: Cohort
) -> None:
    client = as_(organiser)

    made = client.post(reverse("loops:invite", args=[cohort.public_id]))
    invitation = Invitation.objects.get()
    was_open = invitation.is_open(timezone.now())
    closed = client.post(reverse("loops:revoke_invitation", args=[invitation.public_id]))

    invitation.refresh_from_db()
    page = reverse("loops:cohort", args=[cohort.public_id]) + "#invitations"
    assert [made.url, closed.url] == [page, page]  # type: ignore[attr-defined]
    assert (was_open, invitation.is_open(timezone.now())) == (True, False)
    assert Event.objects.filter(actor_id=organiser.pk, verb="revoked").exists()


def test_the_last_organiser_is_kept_with_a_reason(
    as_: Callable[[User], Client], organiser: User, peer: User, cohort: Cohort
) -> None:
    client = as_(organiser)

    def set_role(user: User, role: str) -> Any:
        return client.post(
            reverse("loops:set_role", args=[cohort.public_id, user.public_id]), {"role": role}
        )

    refused = set_role(organiser, "member")
    alone = set(cohort.memberships.filter(role="organiser").values_list("user", flat=True))
    set_role(peer, "organiser")
    set_role(organiser, "member")

    assert "this is the last one" in words(refused)[0]
    assert alone == {organiser.pk}
    assert cohort.memberships.get(role="organiser").user == peer


@pytest.mark.parametrize("role", ["owner", "", "ORGANISER"])
def test_a_role_that_is_none_makes_a_member(
    as_: Callable[[User], Client], organiser: User, peer: User, cohort: Cohort, role: str
) -> None:
    as_(organiser).post(
        reverse("loops:set_role", args=[cohort.public_id, peer.public_id]), {"role": role}
    )

    assert cohort.memberships.get(user=peer).role == Membership.Role.MEMBER


def test_a_form_that_is_opened_as_a_page_leads_to_its_page(
    as_: Callable[[User], Client], organiser: User, cohort: Cohort, invitation: Invitation
) -> None:
    """After signing in again, or by a reload, a browser asks with GET for where it posted."""
    client = as_(organiser)
    cohort_page = reverse("loops:cohort", args=[cohort.public_id])
    forms = {
        reverse("loops:invite", args=[cohort.public_id]): cohort_page,
        reverse("loops:set_role", args=[cohort.public_id, organiser.public_id]): cohort_page,
        reverse("loops:revoke_invitation", args=[invitation.public_id]): reverse(
            "loops:cohort_list"
        ),
    }

    assert {url: client.get(url).url for url in forms} == forms  # type: ignore[attr-defined]
    assert {client.delete(url).status_code for url in forms} == {405}
    assert Invitation.objects.get().is_open(timezone.now())


# Joining


def test_a_stranger_who_signs_up_by_a_link_is_in(client: Client, invitation: Invitation) -> None:
    link = reverse("loops:join", args=[invitation.token])

    welcome = client.get(link)
    signed_up = client.post(
        reverse("account_signup"),
        {
            "email": "new@example.org",
            "password1": PASSWORD,
            "name": "Ada",
            "time_zone": "Europe/Berlin",
            "next": link,
        },
    )
    led = client.get(link)

    person = User.objects.get(email="new@example.org")
    invitation.refresh_from_db()
    assert f"{reverse('account_signup')}?next={link}" in welcome.content.decode()
    assert signed_up.url == link  # type: ignore[attr-defined]
    cohort_page = reverse("loops:cohort", args=[invitation.cohort.public_id])
    assert led.headers["Location"] == cohort_page
    assert (person.name, person.time_zone) == ("Ada", "Europe/Berlin")
    assert (person.cohorts.get(), invitation.uses) == (invitation.cohort, 1)
    assert "invitation_token" not in client.session
    assert words(led)[-1] == "You are in Thursday cohort."


def test_who_signs_up_as_the_last_place_goes_is_signed_up_and_told(
    client: Client, invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(**_given: object) -> None:
        Invitation.objects.filter(pk=invitation.pk).update(uses=F("max_uses"))
        raise people.InvitationClosed

    monkeypatch.setattr("loops.forms.people.join", too_late)
    link = reverse("loops:join", args=[invitation.token])
    client.get(link)

    signed_up = client.post(
        reverse("account_signup"),
        {"email": "new@example.org", "password1": PASSWORD, "next": link},
    )

    assert signed_up.headers["Location"] == link
    assert client.get(link).status_code == 410
    assert User.objects.get(email="new@example.org").cohorts.count() == 0


@pytest.mark.parametrize("zone", ["", "Europe/Nowhere", "../../etc/passwd"])
def test_a_zone_that_is_none_is_utc(client: Client, invitation: Invitation, zone: str) -> None:
    client.get(reverse("loops:join", args=[invitation.token]))

    client.post(
        reverse("account_signup"),
        {"email": "new@example.org", "password1": PASSWORD, "time_zone": zone},
    )

    assert User.objects.get(email="new@example.org").time_zone == "UTC"


@pytest.mark.parametrize("closes", [{"revoked_at": timezone.now()}, {"uses": 20}])
def test_a_link_that_closes_meanwhile_opens_no_sign_up(
    client: Client, invitation: Invitation, closes: dict[str, object]
) -> None:
    client.get(reverse("loops:join", args=[invitation.token]))
    Invitation.objects.update(**closes)
    before = User.objects.count()

    client.post(reverse("account_signup"), {"email": "new@example.org", "password1": PASSWORD})

    assert User.objects.count() == before


def test_a_mistake_at_sign_up_is_told_at_its_field(client: Client, invitation: Invitation) -> None:
    client.get(reverse("loops:join", args=[invitation.token]))

    page = client.post(
        reverse("account_signup"), {"email": "new@example.org", "password1": "short", "name": "Ada"}
    )

    html = page.content.decode()
    assert "at least 10 characters" in page.context["form"].errors["password1"][0]
    assert 'value="new@example.org"' in html
    assert html.count("autofocus") == 1, "the field to mend has the focus"
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.parametrize("foreign", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_nobody_is_led_to_another_site(
    client: Client, invitation: Invitation, candidate: User, foreign: str
) -> None:
    candidate.set_password(PASSWORD)
    candidate.save()

    signed_in = client.post(
        reverse("account_login"),
        {"login": candidate.email, "password": PASSWORD, "next": foreign},
    )

    assert signed_in.url == reverse("feedback:readiness")  # type: ignore[attr-defined]


def test_signing_in_says_nothing_of_it(client: Client, candidate: User) -> None:
    candidate.set_password(PASSWORD)
    candidate.save()

    signed_in = client.post(
        reverse("account_login"), {"login": candidate.email.upper(), "password": PASSWORD}
    )

    assert (signed_in.status_code, words(signed_in)) == (302, [])


@pytest.mark.parametrize(
    "closes", [{"revoked_at": timezone.now()}, {"uses": 20}, {"expires_at": timezone.now()}]
)
def test_a_closed_link_is_gone_for_everybody(
    client: Client, invitation: Invitation, outsider: User, closes: dict[str, object]
) -> None:
    link = reverse("loops:join", args=[invitation.token])
    open_status = client.get(link).status_code
    Invitation.objects.update(**closes)

    stranger = client.get(link)
    client.force_login(outsider)
    member = client.post(link)

    assert open_status == 200
    assert (stranger.status_code, member.status_code) == (410, 410)
    assert "This invitation is not open" in member.content.decode()
    assert not invitation.cohort.memberships.filter(user=outsider).exists()
    assert client.get(reverse("loops:join", args=["guessed"])).status_code == 410


def test_a_link_changes_nothing_for_a_member(
    as_: Callable[[User], Client], candidate: User, invitation: Invitation
) -> None:
    client = as_(candidate)
    link = reverse("loops:join", args=[invitation.token])

    page = client.get(link)
    client.post(link)

    invitation.refresh_from_db()
    assert page.headers["Location"] == f"/cohorts/{invitation.cohort.public_id}/"
    assert (invitation.uses, candidate.memberships.count()) == (0, 1)


# The profile


def test_the_profile_is_kept_and_sets_the_clock(
    as_: Callable[[User], Client], candidate: User, organiser: User, invitation: Invitation
) -> None:
    client = as_(organiser)
    Invitation.objects.update(expires_at=datetime(2100, 1, 1, 23, 30, tzinfo=UTC))

    saved = client.post(reverse("loops:profile"), {"name": " Ada  ", "time_zone": "Asia/Tokyo"})
    page = client.get(reverse("loops:cohort", args=[invitation.cohort.public_id]))

    organiser.refresh_from_db()
    assert saved.status_code == 302
    assert (organiser.name, organiser.time_zone) == ("Ada", "Asia/Tokyo")
    assert "Link open until 2 Jan, 08:30" in page.content.decode()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "Ada", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "Ada", "time_zone": "Factory"}, "time_zone"),
        ({"name": "x" * 121, "time_zone": "UTC"}, "name"),
        ({}, "time_zone"),
    ],
)
def test_a_profile_with_a_mistake_changes_nothing(
    as_: Callable[[User], Client], candidate: User, sent: dict[str, str], field: str
) -> None:
    before = (candidate.name, candidate.time_zone)

    page = as_(candidate).post(reverse("loops:profile"), sent)

    candidate.refresh_from_db()
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert (candidate.name, candidate.time_zone) == before
