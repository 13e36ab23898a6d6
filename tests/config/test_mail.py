"""The mail catcher: in development it shows what was sent, elsewhere it is not there."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from pytest_django import Settings

REQUEST = (Path(__file__).parents[1] / "loops" / "golden" / "request.ics").read_bytes()


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


@pytest.mark.parametrize(
    "path", ["/mail/", "/mail/{name}/", "/mail/{name}.eml", "/mail/{name}/parts/1/"]
)
def test_there_is_no_catcher_outside_development(
    catcher: None, client: Client, settings: Settings, path: str
) -> None:
    mail.send_mail("Secret", "…", None, ["ann@example.org"])
    name = client.get("/mail/").context["caught"][0].name
    settings.DEBUG = False

    assert client.get(path.format(name=name)).status_code == 404


@pytest.mark.parametrize("path", ["/mail/0123/", "/mail/0123.eml", "/mail/0123/parts/1/"])
def test_an_unknown_message_is_404(catcher: None, client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("number", [0, 5, 10**30])
def test_an_unknown_part_is_404(catcher: None, client: Client, number: int) -> None:
    name = _send_invitation(client)

    assert client.get(f"/mail/{name}/parts/{number}/").status_code == 404


def test_the_parts_of_a_message_are_listed(catcher: None, client: Client) -> None:
    response = client.get(f"/mail/{_send_invitation(client)}/")

    assert [(p.name, p.content_type, p.size_bytes) for p in response.context["parts"]] == [
        ("The text", "text/plain", len("Agreed.\r\n")),
        ("The text, laid out", "text/html", len("<p>Agreed.</p>\r\n")),
        ("For the calendar", "text/calendar; method=REQUEST", len(REQUEST)),
        ("invite “1”.ics", "text/calendar; method=REQUEST", len(REQUEST)),
    ]
    page = response.content.decode()
    for number in (1, 2, 3, 4):
        assert f'parts/{number}/" aria-label="Download ' in page
    assert "invite “1”.ics" in page


def test_a_message_of_one_part_has_no_list_of_them(catcher: None, client: Client) -> None:
    mail.send_mail("Plain", "…", None, ["ann@example.org"])
    name = client.get("/mail/").context["caught"][0].name

    page = client.get(f"/mail/{name}/").content.decode()

    assert f"/mail/{name}.eml" in page
    assert "/parts/" not in page


def test_what_a_calendar_reads_is_shown_once(catcher: None, client: Client) -> None:
    page = client.get(f"/mail/{_send_invitation(client)}/").content.decode()

    [shown] = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert [
        html.unescape(said) for said in re.findall(r"<span>(.*?)</span>", shown, re.DOTALL)
    ] == [
        "METHOD: REQUEST",
        "UID: mock-6f1c1f4e-3c0a-4d8e-9a55-2f8f3f0f7c11@plumbline.example",
        "SEQUENCE: 0",
        "STATUS: CONFIRMED",
        "DTSTART: 2026-03-08 14:00 UTC",
        "DTEND: 2026-03-08 15:15 UTC",
        "SUMMARY: Mock with Dörte “Dot” O'Neil, SRE: System design, ambiguous",
        "LOCATION: https://video.example/room/owls;quiet?a=1,2",
        "URL: https://plumbline.example/mocks/6f1c1f4e-3c0a-4d8e-9a55-2f8f3f0f7c11/",
        "ORGANIZER: Plumbline <mocks@plumbline.example>",
        'ATTENDEE: Mara "M" Okafor; 🦉 <mara+mocks@example.org>, ACCEPTED',
        "DESCRIPTION: For you: Sunday 8 March 2026, 10:00–11:15 (America/New_York)\n"
        "For Dörte “Dot” O'Neil, SRE: Sunday 8 March 2026, 19:45–21:00 (Asia/Kathmandu)\n\n"
        "https://plumbline.example/mocks/6f1c1f4e-3c0a-4d8e-9a55-2f8f3f0f7c11/",
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("DTSTART:20260308T140000", "DTSTART: 2026-03-08 14:00 without a zone"),
        ("DTSTART;VALUE=DATE:20260308", "DTSTART: 2026-03-08"),
        ("DTSTART;TZID=Asia/Kathmandu:20260308T140000", "DTSTART: 2026-03-08 14:00 +0545"),
        ("DTSTART:soon", "DTSTART: soon"),
        ("SUMMARY:<script>alert(1)</script>", "SUMMARY: <script>alert(1)</script>"),
        ("ATTENDEE:mailto:ann@example.org", "ATTENDEE: <ann@example.org>"),
    ],
)
def test_a_calendar_of_another_hand_is_shown(
    catcher: None, client: Client, written: str, said: str
) -> None:
    calendar = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{written}\nEND:VEVENT\nEND:VCALENDAR\n"
    page = client.get(f"/mail/{_send_invitation(client, calendar)}/").content.decode()

    assert f"<span>METHOD: –</span><span>{html.escape(said)}</span></pre>" in page


@pytest.mark.parametrize("broken", ["no calendar", "BEGIN:VCALENDAR", "BEGIN:VEVENT\nEND:X", "\0"])
def test_a_calendar_that_cannot_be_read_says_so(catcher: None, client: Client, broken: str) -> None:
    response = client.get(f"/mail/{_send_invitation(client, broken)}/")

    assert "No calendar can read this part." in response.content.decode()


def test_a_part_is_downloaded_as_it_was_sent(catcher: None, client: Client) -> None:
    name = _send_invitation(client)

    body = client.get(f"/mail/{name}/parts/3/")
    attachment = client.get(f"/mail/{name}/parts/4/")

    assert body.content == attachment.content == REQUEST
    assert body["Content-Type"] == attachment["Content-Type"] == "text/calendar"
    assert body["Content-Disposition"] == 'attachment; filename="part-3.ics"'
    assert attachment["Content-Disposition"].startswith("attachment; filename*=utf-8''invite%20")


def test_a_message_is_downloaded_whole(catcher: None, client: Client) -> None:
    name = _send_invitation(client)

    response = client.get(f"/mail/{name}.eml")

    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"] == f'attachment; filename="{name}.eml"'
    assert b"\r\nSubject: =?utf-8?q?Mock_with_D=C3=B6rte?=\r\n" in response.content
    assert b"\n" not in response.content.replace(b"\r\n", b"")


def _send_invitation(client: Client, calendar: str = REQUEST.decode()) -> str:
    """Send a message with a calendar twice, as a body and as a file; return its name."""
    message = EmailMultiAlternatives("Mock with Dörte", "Agreed.\n", None, ["ann@example.org"])
    message.attach_alternative("<p>Agreed.</p>\n", "text/html")
    message.attach_alternative(calendar, "text/calendar; method=REQUEST")
    message.attach("invite “1”.ics", calendar, "text/calendar; method=REQUEST")
    message.send()
    return str(client.get("/mail/").context["caught"][0].name)
