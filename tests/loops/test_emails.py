"""Mails of notices: each kind's words, the parts of the message, what a calendar reads in it."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from icalendar import Calendar, Event

from loops import answer_links
from loops.actions.notices import tell
from loops.emails import compose
from loops.models import Cohort, Mock, Notice, User
from loops.queries.notices import proposal_asked_about, with_words
from loops.telling import kinds_with_words
from tests import factories
from tests.factories import NOW

Write = Callable[..., Notice]

STARTS = NOW + timedelta(days=9)  # 11 March, 09:30 UTC: New York has changed its clocks on the 8th
KATHMANDU, NEW_YORK = "Asia/Kathmandu", "America/New_York"
CALENDAR = {
    "agreed": "REQUEST",
    "standby": "REQUEST",
    "moved": "REQUEST",
    "changed": "REQUEST",
    "cancelled": "CANCEL",
    "released": "CANCEL",
}
WITHOUT_A_MOCK = {"unpaired", "erasing", "keeping", "disk_full"}
ANSWERED = {"proposed": "answer", "countered": "answer", "paired": "answer", "confirm": "confirm"}


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock of the two, in Kathmandu and New York; the peer interviews."""
    for person, zone in ((candidate, KATHMANDU), (peer, NEW_YORK)):
        person.time_zone = zone
        person.save()
    made = factories.mock(
        candidate, peer, cohort, starts_at=STARTS, video_url="https://video.example/owls"
    )
    made.note = "Bounding, please."
    made.save()
    return made


@pytest.fixture
def write(mock: Mock, peer: User) -> Write:
    """Tell somebody something of the mock as the actions do, and fetch the notice."""

    def write(kind: str, person: User = peer, **data: Any) -> Notice:
        data = {**_data(mock, kind), **data}
        of_mock = None if kind in WITHOUT_A_MOCK else mock
        told = tell(person, kind, f"test:{mock.pk}", mock=of_mock, at=NOW, **data)
        return with_words(Notice.objects.filter(pk=told.pk)).get()

    return write


def _data(mock: Mock, kind: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "sequence": 3,
        "starts_at": STARTS.isoformat(),
        "ends_at": (STARTS + timedelta(hours=1)).isoformat(),
        "video_url": mock.video_url,
        "proposal": str(mock.proposals.get().public_id),
    }
    more: dict[str, dict[str, Any]] = {
        "moved": {"was": (STARTS - timedelta(days=1)).isoformat()},
        "released": {"silent": []},
        "retimed": {"was": "2026-03-11 04:30", "now": "2026-03-11 05:30"},
        "unpaired": {},
        "appeal": {"who": "candidate-101"},
        "appeal_answered": {"is_granted": True, "answer": "You were there."},
        "erasing": {"cohort_name": "Thursday cohort", "days": 30, "recordings": [_recording()]},
        "keeping": {"cohort_name": "Thursday cohort", "days": 30},
        "digest": {"lines": [{"title": "Coding: your reviews can be read"}, {"title": "Two"}]},
    }
    return data | more.get(kind, {})


def _recording(number: int = 2, erases_at: datetime = STARTS, **facts: Any) -> dict[str, Any]:
    """Return what a notice knows of a recording that a rule is about to erase."""
    at = erases_at.isoformat()
    return {"round": "Coding", "number": number, "is_draft": False, "erases_at": at, **facts}


def sent(notice: Notice) -> EmailMessage:
    """Return the mail of a notice as a mail program parses it."""
    mail = compose(notice, proposal=proposal_asked_about(notice))
    written = mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    parsed = BytesParser(policy=default).parsebytes(written)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(notice: Notice, kind: str = "plain") -> str:
    part = sent(notice).get_body(preferencelist=(kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def calendar_of(message: EmailMessage) -> Message:
    (part,) = (part for part in message.walk() if part.get_content_type() == "text/calendar")
    return part


# Every kind


def test_every_kind_has_words() -> None:
    assert kinds_with_words() == set(Notice.Kind)


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_every_kind_is_a_mail_to_one_address_that_names_no_other(
    write: Write, candidate: User, peer: User, kind: str
) -> None:
    for reader, other in ((peer, candidate), (candidate, peer)):
        message = sent(write(kind, reader))

        assert message["To"] == reader.email
        assert (message["Cc"], message["Bcc"], message["Reply-To"]) == (None, None, None)
        raw = message.as_string() + "".join(_leaves(message))
        assert set(re.findall(r"[\w.+-]+@example\.org", raw)) == {reader.email}
        assert other.email not in raw


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_every_kind_has_the_headers_of_a_machines_mail(write: Write, kind: str) -> None:
    notice = write(kind)

    message = sent(notice)

    assert message["Message-ID"] == notice.message_id
    assert re.fullmatch(r"<[0-9a-f-]{36}@testserver>", notice.message_id)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "Plumbline <plumbline@localhost>"
    assert message["Subject"]


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_every_kind_has_its_parts_and_no_other(write: Write, kind: str) -> None:
    message = sent(write(kind))

    types = [part.get_content_type() for part in message.walk()]
    if kind in CALENDAR:
        assert types == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "text/calendar",
            "application/ics",
        ]
    else:
        assert types == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_both_texts_say_the_same_and_lead_to_the_site_alone(write: Write, kind: str) -> None:
    notice = write(kind)

    plain, html = text_of(notice), text_of(notice, "html")

    shown = re.sub(r"<[^>]+>", " ", html.replace("&#x27;", "'"))
    lines = [line.strip() for line in plain.split("-- ")[0].splitlines()]
    for line in filter(lambda line: line and "://" not in line and line[-1] != ":", lines):
        assert line in shown
    links = re.findall(r"https?://[^\s\"<]+", plain)
    assert set(re.findall(r'href="([^"]+)"', html)) == set(links)
    hosts = {re.sub(r"^(https?://[^/]+).*", r"\1", link) for link in links}
    assert hosts <= {"http://testserver", "https://video.example"}
    assert "http://testserver/notices/" in links


def entry_of(message: EmailMessage) -> Event:
    """Return the entry that a calendar reads in a mail."""
    (entry,) = Calendar.from_ical(_content(calendar_of(message))).events
    assert isinstance(entry, Event)
    return entry


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _leaves(message: EmailMessage) -> Iterable[str]:
    for part in message.walk():
        if not part.is_multipart():
            yield _content(part).decode().replace("\r\n ", "")


# Words


def test_a_proposal_says_who_what_when_and_by_when(write: Write) -> None:
    notice = write("proposed")

    assert sent(notice)["Subject"] == (
        "candidate-101 proposes a mock: Wed 11 Mar, 05:30 (New York)"
    )
    assert text_of(notice).startswith(
        """\
candidate-101 proposes a mock to you.
candidate-101 answers System design, ambiguous; you interview.
candidate-101 adds: “Bounding, please.”

  For you: Wednesday 11 March, 05:30–06:30 (New York)
  For candidate-101: Wednesday 11 March, 15:15–16:15 (Kathmandu)

For you it starts before 07:00.
Clocks change for you on 8 March.

Answer before Wednesday 11 March, 05:30 (New York); after that the proposal lapses.
Until you accept, nothing is booked.

Accept or decline:
"""
    )


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_the_text_has_no_holes(write: Write, kind: str) -> None:
    text = text_of(write(kind))

    assert "\n\n\n" not in text
    assert text[0].strip() == text[0] != ""


def test_an_offer_to_swap_is_told(write: Write, mock: Mock) -> None:
    mock.wants_swap = True
    mock.save()

    assert "They offer to swap roles afterwards" in text_of(write("proposed"))


def test_both_turns_are_told_each_from_the_readers_side(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = factories.mock(candidate, peer, cohort, swap_kind="coding")
    notice = tell(peer, "agreed", "x", mock=mock, at=NOW, **_data(mock, "agreed"))
    notice = with_words(Notice.objects.filter(pk=notice.pk)).get()

    text = text_of(notice)

    assert "candidate-101 answers System design, ambiguous; you interview." in text
    assert "You answer Coding; candidate-101 interviews you." in text
    assert entry_of(sent(notice)).summary == (
        "Mock with candidate-101: System design, ambiguous; Coding"
    )


def test_another_time_of_an_agreed_mock_says_what_stands(write: Write) -> None:
    assert "Until you accept, the mock stays where it is." in text_of(write("countered"))


def test_a_move_says_from_where(write: Write) -> None:
    assert "It was to begin on Tuesday 10 March, 05:30 (New York)." in text_of(write("moved"))


def test_a_room_that_is_gone_is_told(write: Write) -> None:
    assert "No video room is set any more." in text_of(write("changed", video_url=""))


@pytest.mark.parametrize("kind", ["confirm", "reminder"])
def test_what_was_written_long_before_names_the_room_of_now(write: Write, kind: str) -> None:
    written = text_of(write(kind, video_url="https://video.example/before"))

    assert "You meet at https://video.example/owls" in written
    assert "/before" not in written


@pytest.mark.parametrize("kind", ["cancelled", "changed"])
def test_who_did_it_is_told_so(write: Write, candidate: User, peer: User, kind: str) -> None:
    own = text_of(write(kind, peer, by=peer.pk))
    other = text_of(write(kind, candidate, by=peer.pk))

    assert own.startswith("You have ")
    assert other.startswith("peer-102 has ")


def test_a_release_says_whose_silence_it_was(write: Write, candidate: User, peer: User) -> None:
    silent = [str(peer.public_id)]

    assert text_of(write("released", peer, silent=silent)).startswith("You did not confirm")
    assert text_of(write("released", candidate, silent=silent)).startswith(
        "peer-102 did not confirm, so both of you got the time back.\n"
        "You confirmed, so it counts nothing against you."
    )


def test_a_question_says_by_when(write: Write) -> None:
    assert "Please confirm by Wednesday 11 March, 01:30 (New York)" in text_of(write("confirm"))


def test_a_change_of_zones_says_both_readings(write: Write) -> None:
    assert (
        "You saw Wed 11 Mar, 04:30; the same instant now reads Wed 11 Mar, 05:30 on your clock."
        in text_of(write("retimed"))
    )


def test_a_cohort_that_shows_names_is_told_names(write: Write, cohort: Cohort) -> None:
    cohort.is_named = True
    cohort.save()

    assert text_of(write("proposed")).startswith("Candidate proposes a mock to you.")


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_no_mail_tells_the_prompt_or_its_kit(write: Write, mock: Mock, kind: str) -> None:
    prompt = mock.turns.get().prompt
    assert prompt is not None

    raw = "".join(_leaves(sent(write(kind))))

    assert prompt.text not in raw
    assert prompt.key not in raw
    assert prompt.intent not in raw


# Hostile words


def test_a_name_with_line_breaks_and_markup_is_a_name(
    write: Write, cohort: Cohort, candidate: User
) -> None:
    cohort.is_named = True
    cohort.save()
    candidate.name = "Eve\r\nBcc: all@example.com\n<b>{{ x }}"
    candidate.save()

    message = sent(write("agreed"))

    assert message["Bcc"] is None
    assert message["Subject"].startswith(
        "Agreed: mock with Eve Bcc: all@example.com <b>{{ x }}, Wed"
    )
    html = message.get_body(preferencelist=("html",))
    assert html is not None
    assert "<b>" not in html.get_content()
    entry = entry_of(message)
    assert entry.summary.startswith("Mock with Eve Bcc: all@example.com <b>{{ x }}: ")


# Links


@pytest.mark.parametrize(("kind", "purpose"), ANSWERED.items())
def test_what_asks_for_an_answer_has_a_signed_link_of_its_reader(
    write: Write, mock: Mock, peer: User, kind: str, purpose: str
) -> None:
    text = text_of(write(kind))

    (token,) = re.findall(r"http://testserver/answers/([^/\s]+)/", text)
    link = answer_links.read(token, NOW)
    assert (link.purpose, link.member_id, link.mock_id) == (
        purpose,
        peer.public_id,
        mock.public_id,
    )
    assert link.starts_at == STARTS


@pytest.mark.parametrize("kind", sorted({*Notice.Kind.values} - {*ANSWERED}))
def test_what_asks_for_none_has_no_signed_link(write: Write, kind: str) -> None:
    assert "/answers/" not in text_of(write(kind))


# Calendars


@pytest.mark.parametrize(("kind", "method"), CALENDAR.items())
def test_the_method_is_told_in_the_body_and_beside_it(write: Write, kind: str, method: str) -> None:
    message = sent(write(kind))
    part = calendar_of(message)

    calendar = Calendar.from_ical(_content(part))

    assert (part.get_param("method"), part.get_content_charset()) == (method, "utf-8")
    assert calendar.method == method
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "invite.ics"
    assert _content(attached).splitlines() == _content(part).splitlines()


def test_the_invitation_is_what_the_notice_tells_and_not_what_came_later(
    write: Write, mock: Mock, peer: User
) -> None:
    notice = write("agreed")
    before = sent(notice)
    Mock.objects.update(
        starts_at=STARTS + timedelta(days=3),
        ends_at=STARTS + timedelta(days=3, hours=2),
        sequence=7,
        state="cancelled",
        video_url="",
    )

    again = sent(with_words(Notice.objects.filter(pk=notice.pk)).get())

    entry = entry_of(again)
    assert calendar_of(again).get_payload() == calendar_of(before).get_payload()
    assert again["Message-ID"] == before["Message-ID"]
    assert (entry.start, entry.end, entry.sequence) == (STARTS, STARTS + timedelta(hours=1), 3)
    assert (entry.uid, entry.location) == (
        f"mock-{mock.public_id}@testserver",
        "https://video.example/owls",
    )
    assert entry.stamp == NOW
    assert entry.summary == "Mock with candidate-101: System design, ambiguous"
    assert entry.description == (
        "For you: Wednesday 11 March, 05:30–06:30 (New York)\n"
        "For candidate-101: Wednesday 11 March, 15:15–16:15 (Kathmandu)\n\n"
        f"http://testserver/mocks/{mock.public_id}/"
    )
    assert [attendee.email for attendee in entry.attendees] == [peer.email]
    assert entry.organizer.email == "plumbline@localhost"


def test_an_instance_that_has_moved_goes_on_with_the_names_it_gave(
    write: Write, mock: Mock, settings: Any
) -> None:
    settings.CALENDAR_HOST = "old.example"

    entry = entry_of(sent(write("agreed")))

    assert entry.uid == f"mock-{mock.public_id}@old.example"


def test_times_are_told_as_of_now_in_the_readers_zone(write: Write, peer: User) -> None:
    peer.time_zone = "Europe/Lisbon"
    peer.save()

    text = text_of(write("agreed"))

    assert "For you: Wednesday 11 March, 09:30–10:30 (Lisbon)" in text


def test_one_zone_of_both_is_told_once(write: Write, peer: User) -> None:
    User.objects.update(time_zone=KATHMANDU)
    peer.refresh_from_db()

    assert "For both of you: Wednesday 11 March, 15:15–16:15 (Kathmandu)" in text_of(
        write("agreed", peer)
    )


def test_a_night_across_midnight_says_so(write: Write, peer: User) -> None:
    ends_at: datetime = STARTS.replace(hour=4, minute=30)
    data = {
        "starts_at": STARTS.replace(hour=3, minute=30).isoformat(),
        "ends_at": ends_at.isoformat(),
    }

    text = text_of(write("agreed", **data))

    assert "For you: Tuesday 10 March, 23:30–00:30 the next day (New York)" in text


# Recordings that are about to go


def test_an_erasing_says_what_goes_when_by_whose_rule_and_what_stays(write: Write) -> None:
    notice = write("erasing")

    assert sent(notice)["Subject"] == "In seven days the recording of Coding, answer 2 is erased"
    assert text_of(notice).startswith(
        """\
Your cohort Thursday cohort erases recordings 30 days after their answers were handed in.
Erased on Wednesday 11 March, 05:30 (New York): Coding, answer 2.

Download what you want to keep. Grades, reviews and your own notes stay here.

Download it here:
http://testserver/recordings/
"""
    )


def test_many_recordings_are_told_by_their_hour_in_the_readers_zone(
    write: Write, candidate: User
) -> None:
    rows = [_recording(number) for number in (1, 2)]
    rows.append(_recording(3, STARTS + timedelta(hours=20), is_draft=True))
    notice = write("erasing", candidate, recordings=rows)

    assert sent(notice)["Subject"] == "In seven days 3 recordings are erased"
    text = text_of(notice)
    assert (
        "Erased on Wednesday 11 March, 15:15 (Kathmandu): Coding, answer 1; Coding, answer 2.\n"
        "Erased on Thursday 12 March, 11:15 (Kathmandu): Coding, answer 3 (not handed in).\n"
    ) in text


def test_of_very_many_recordings_the_rest_is_counted(write: Write) -> None:
    text = text_of(write("erasing", recordings=[_recording(n) for n in range(1, 24)]))

    assert "Coding, answer 20.\nAnd 3 more.\n" in text
    assert "answer 21" not in text


@pytest.mark.parametrize(
    ("days", "subject"),
    [
        (30, "Thursday cohort now erases recordings after 30 days"),
        (None, "Thursday cohort keeps recordings until they are erased"),
    ],
)
def test_a_rule_is_told_with_what_it_means(write: Write, days: int | None, subject: str) -> None:
    notice = write("keeping", days=days)

    assert sent(notice)["Subject"] == subject
    promise = "Nothing of yours is erased without a notice to you seven days before."
    assert (promise in text_of(notice)) == (days is not None)
