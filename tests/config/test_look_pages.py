"""The frame, landing page, theme, error and sign-in pages, as a browser gets them."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from config import samples
from config.storage import joined
from loops.models import Cohort, User

STATIC = Path(settings.BASE_DIR, "static")
PAGE_BYTES = 60_000
ERRORS = ["400.html", "403.html", "403_csrf.html", "404.html", "413.html", "500.html"]


def theme_of(page: str) -> str:
    found = re.search(r'<html[^>]* data-theme="(\w+)"', page)
    return found.group(1) if found else ""


# Landing


@pytest.mark.django_db
def test_landing_shows_a_stranger_what_this_is(client: Client) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "<h1" in page.text
    assert 'role="img"' in page.text
    assert reverse("account_login") in page.text
    assert reverse("account_signup") not in page.text


@pytest.mark.django_db
def test_landing_offers_the_sign_up_where_it_is_open(client: Client, settings: Any) -> None:
    settings.SIGNUP = "open"

    assert reverse("account_signup") in client.get("/").text


def test_landing_sends_a_member_to_their_readiness(client: Client, candidate: User) -> None:
    client.force_login(candidate)

    answer = client.get("/")

    assert answer.status_code == 302
    assert answer["Location"] == reverse("feedback:readiness")


# Theme


@pytest.mark.django_db
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_is_kept_and_drawn_by_the_server(client: Client, theme: str) -> None:
    assert theme_of(client.get("/").text) == ""

    answer = client.post(reverse("theme"), {"theme": theme, "next": "/accounts/login/?a=1"})

    assert answer["Location"] == "/accounts/login/?a=1"
    assert theme_of(client.get("/").text) == theme


@pytest.mark.django_db
def test_theme_of_the_system_forgets_the_choice(client: Client) -> None:
    client.post(reverse("theme"), {"theme": "dark"})

    client.post(reverse("theme"), {"theme": "system"})

    assert theme_of(client.get("/").text) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example/", "javascript:x", "no-view", "mail", "a\x00b", ""],
)
def test_theme_leads_to_no_other_site(client: Client, back: str) -> None:
    answer = client.post(reverse("theme"), {"theme": "dark", "next": back})

    assert answer["Location"] == reverse("landing")


@pytest.mark.django_db
def test_theme_that_is_none_is_not_drawn(client: Client) -> None:
    client.cookies["theme"] = '"><script>'

    assert theme_of(client.get("/").text) == ""


def test_theme_is_changed_by_post_only(client: Client, db: None) -> None:
    assert client.get(reverse("theme")).status_code == 405


# The bar


def test_bar_shows_the_newest_cohort_and_marks_the_place(
    client: Client, candidate: User, cohort: Cohort
) -> None:
    client.force_login(candidate)

    page = client.get(reverse("rubrics:browse")).text

    assert cohort.name in page
    assert re.findall(r'<a href="([^"]*)" aria-current="page"', page) == [reverse("rubrics:browse")]


def test_bar_of_a_stranger_has_no_places(client: Client, db: None) -> None:
    assert "bar__nav" not in client.get("/").text


# Errors


@pytest.mark.parametrize("name", ERRORS)
def test_error_page_says_what_happened_without_any_context(name: str) -> None:
    page = get_template(name).render({}, RequestFactory().get("/")) if name != "500.html" else ""
    page = page or render_to_string(name)

    assert page.count("<h1") == 1
    assert 'class="button' in page
    assert "site.css" in page


def test_missing_page_is_answered_in_the_frame(client: Client, db: None, settings: Any) -> None:
    settings.DEBUG = False

    answer = client.get("/nothing/here/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_form_without_its_token_says_what_to_do(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("theme"), {"theme": "dark"})

    assert answer.status_code == 403
    assert "open for too long" in answer.text


# Signing in


@pytest.mark.django_db
def test_sign_in_helps_a_password_manager(client: Client) -> None:
    page = client.get(reverse("account_login")).text

    assert 'autocomplete="email"' in page
    assert 'autocomplete="current-password"' in page
    assert "placeholder=" not in page


@pytest.mark.django_db
def test_sign_up_helps_a_password_manager(client: Client, settings: Any) -> None:
    settings.SIGNUP = "open"

    page = client.get(reverse("account_signup")).text

    assert 'autocomplete="email"' in page
    assert 'autocomplete="new-password"' in page


@pytest.mark.django_db
def test_sign_in_with_a_mistake_says_so_and_keeps_the_address(client: Client) -> None:
    answer = client.post(
        reverse("account_login"), {"login": "mara@example.org", "password": "wrong-wrong"}
    )

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert 'value="mara@example.org"' in answer.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_email_verification_sent",
        "account_inactive",
    ],
)
def test_page_of_a_stranger_stands_in_the_frame(client: Client, name: str) -> None:
    page = client.get(reverse(name)).text

    assert 'class="sheet entrance__sheet"' in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize(
    "name", ["account_logout", "account_change_password", "account_email", "account_reauthenticate"]
)
def test_page_of_a_member_stands_in_the_frame(client: Client, candidate: User, name: str) -> None:
    candidate.set_password("a few plain words")
    candidate.save(update_fields=["password"])
    client.force_login(candidate)

    page = client.get(reverse(name)).text

    assert 'class="sheet entrance__sheet"' in page
    assert page.count("<h1") == 1


def test_reset_link_that_is_too_old_offers_a_new_one(client: Client, db: None) -> None:
    page = client.get(reverse("account_reset_password_from_key", args=["a", "set-password"]))

    assert "no longer works" in page.text


# Style page


@pytest.mark.django_db
def test_style_page_is_there_in_debugging_only(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    assert client.get(reverse("style")).status_code == 200

    settings.DEBUG = False
    assert client.get(reverse("style")).status_code == 404


@pytest.mark.django_db
def test_style_page_has_no_id_twice(client: Client, settings: Any) -> None:
    settings.DEBUG = True

    ids = re.findall(r'\sid="([^"]+)"', client.get(reverse("style")).text)

    assert sorted(ids) == sorted(set(ids))


# Forms


def test_field_ties_its_help_and_its_mistake_to_the_control() -> None:
    form = samples.SampleForm({"email": "mara@", "level": "2", "zone": "utc", "name": "Mara"})

    html = str(form["email"].as_field_group())

    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'id="id_email_helptext"' in html
    assert 'id="id_email_error"' in html
    assert 'class="input"' in html


def test_field_keeps_a_class_of_its_own() -> None:
    class Form(forms.Form):
        code = forms.CharField(widget=forms.Textarea(attrs={"class": "input--code"}))

    assert 'class="input--code input"' in str(Form()["code"])


def test_fields_of_choices_are_a_group_with_a_name() -> None:
    html = str(samples.SampleForm()["level"].as_field_group())

    assert html.count("<legend>") == 1
    assert html.count('type="radio"') == 3
    assert 'class="input"' not in html


def test_form_that_was_refused_says_that_nothing_is_lost() -> None:
    html = str(samples.SampleForm({"name": "Mara"}))

    assert 'role="alert"' in html
    assert 'value="Mara"' in html


# Budgets


def test_landing_stays_within_a_pages_budget(client: Client, db: None) -> None:
    folder = FileSystemStorage(STATIC)
    sheets = {
        f"css/{path.name}": (folder, f"css/{path.name}") for path in (STATIC / "css").iterdir()
    }
    parts = [
        client.get("/").content,
        joined(sheets, "css/site.css").encode(),
        (STATIC / "js/site.js").read_bytes(),
        (STATIC / "js/submit_once.js").read_bytes(),
        (STATIC / "img/favicon.svg").read_bytes(),
        (STATIC / "vendor/htmx.min.js").read_bytes(),
    ]

    assert sum(len(gzip.compress(part)) for part in parts) <= PAGE_BYTES * 0.8
