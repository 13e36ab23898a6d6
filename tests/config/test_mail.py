"""The mail catcher: in development it shows what was sent, elsewhere it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from pytest_django import Settings


@pytest.fixture
def catcher(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG = True
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "config.mail.EmailBackend"


def test_caught_mail_is_listed_newest_first(catcher: None, client: Client) -> None:
    mail.send_mail("First", "…", None, ["ann@example.org"])
    mail.send_mail("Second", "…", None, ["bob@example.org"])

    caught = client.get("/mail/").context["caught"]

    assert [(m.subject, m.recipients) for m in caught] == [
        ("Second", "bob@example.org"),
        ("First", "ann@example.org"),
    ]


def test_a_message_is_shown_with_links_to_follow(catcher: None, client: Client) -> None:
    text = "Dörte, reset it here: http://testserver/accounts/password/reset/key/3-x/\n<b>"
    mail.send_mail("Reset", text, None, ["ann@example.org"])
    name = client.get("/mail/").context["caught"][0].name

    page = client.get(f"/mail/{name}/").content.decode()

    address = "http://testserver/accounts/password/reset/key/3-x/"
    assert f'Dörte, reset it here: <a href="{address}" rel="nofollow">{address}</a>' in page
    assert "&lt;b&gt;" in page


def test_a_message_of_html_alone_is_shown_as_text(catcher: None, client: Client) -> None:
    message = EmailMultiAlternatives("Html", "", None, ["ann@example.org"])
    message.content_subtype = "html"
    message.body = "<p>Hello <b>Ann</b></p>"
    message.send()
    name = client.get("/mail/").context["caught"][0].name

    assert "Hello Ann" in client.get(f"/mail/{name}/").content.decode()


def test_an_empty_catcher_says_so(catcher: None, client: Client) -> None:
    assert "No mail yet" in client.get("/mail/").content.decode()


@pytest.mark.parametrize("path", ["/mail/", "/mail/{name}/"])
def test_there_is_no_catcher_outside_development(
    catcher: None, client: Client, settings: Settings, path: str
) -> None:
    mail.send_mail("Secret", "…", None, ["ann@example.org"])
    name = client.get("/mail/").context["caught"][0].name
    settings.DEBUG = False

    assert client.get(path.format(name=name)).status_code == 404


def test_an_unknown_message_is_404(catcher: None, client: Client) -> None:
    assert client.get("/mail/0123/").status_code == 404
