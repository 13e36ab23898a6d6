"""What a notice says, in words and links: the same on the page and in the mail. No markup here.

The words tell the moment that the notice was written of: its data, not the mock's later state.
They are for its reader alone, in their zone; whoever they name is called as the cohort calls them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loops import promises
from loops.clocks import ForTwo, Reading, for_two
from loops.hours import Period
from loops.models import Mock, Notice, Seat, Turn, User
from loops.reasons import why


@dataclass(frozen=True)
class Link:
    """Where a notice leads, and what is found or done there."""

    label: str
    path: str


@dataclass(frozen=True)
class Told:
    """A notice in words.

    `title` stands alone, as a mail's subject does. `happened` and `to_do` are sentences, `times`
    a line for each of the two, `cautions` what is easily overlooked about them. The first link
    is the one to follow.
    """

    title: str
    happened: tuple[str, ...]
    to_do: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def told(notice: Notice) -> Told:
    """Put a notice into words; its person, mock, seats and turns are fetched with it."""
    kind = Notice.Kind(notice.kind)
    return _more_words[kind](notice) if kind in _more_words else WORDS[kind](_Facts(notice))


_more_words: dict[Notice.Kind, Callable[[Notice], Told]] = {}


def register_words(words: Mapping[Notice.Kind, Callable[[Notice], Told]]) -> None:
    """Add a higher app's words for its kinds of notices."""
    _more_words.update(words)


def kinds_with_words() -> set[Notice.Kind]:
    """Return the kinds that can be told."""
    return {*WORDS, *_more_words}


def path_of(notice: Notice) -> str:
    """Return where the notice leads on the site."""
    return told(notice).links[0].path


def period_told(notice: Notice) -> Period | None:
    """Return the time that the notice tells of, or None where it tells of none."""
    data = notice.data
    if "starts_at" in data and "ends_at" in data:
        return Period(_instant(data["starts_at"]), _instant(data["ends_at"]))
    return None


def partner_name(mock: Mock, reader: User) -> str:
    """Return what the reader's partner in a mock is called."""
    return mock.cohort.called(mock.partner_seat(reader).member)


def rounds_title(mock: Mock) -> str:
    """Return the rounds of a mock: "Coding", or "Coding; Leadership" where roles swap."""
    return "; ".join(turn.round.round_kind.title for turn in mock.turns.all())


def times_told(when: ForTwo) -> list[str]:
    """Return a line with the reader's time and one with the partner's, or one for both."""
    if when.own.zone == when.theirs.zone:
        return [_("For both of you: %(time)s") % {"time": _span(when.own)}]
    return [
        _("For you: %(time)s") % {"time": _span(when.own)},
        _("For %(partner)s: %(time)s") % {"partner": when.name, "time": _span(when.theirs)},
    ]


def _span(reading: Reading) -> str:
    if reading.starts.date() == reading.ends.date():
        told = _("%(day)s, %(starts)s–%(ends)s (%(city)s)")
    else:
        told = _("%(day)s, %(starts)s–%(ends)s the next day (%(city)s)")
    return told % {
        "day": reading.day,
        "starts": reading.time,
        "ends": reading.end_time,
        "city": reading.city,
    }


class _Facts:
    """What the words of one notice are made of."""

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.data = notice.data
        self.reader = notice.person
        self.zone = notice.person.time_zone

    @cached_property
    def mock(self) -> Mock:
        if self.notice.mock is None:
            raise ValueError(f"A notice of kind {self.notice.kind} tells of no mock.")
        return self.notice.mock

    @cached_property
    def partner(self) -> str:
        return partner_name(self.mock, self.reader)

    @cached_property
    def period(self) -> Period:
        return period_told(self.notice) or Period(self.mock.starts_at, self.mock.ends_at)

    @cached_property
    def when(self) -> ForTwo:
        return for_two(
            self.period,
            self.zone,
            self.mock.partner_seat(self.reader).member.time_zone,
            self.partner,
            self.notice.made_at,
        )

    @property
    def starts(self) -> str:
        """The start, short enough for a subject."""
        own = self.when.own
        return f"{own.short_day}, {own.time} ({own.city})"

    @property
    def times(self) -> tuple[str, ...]:
        return tuple(times_told(self.when))

    @property
    def cautions(self) -> tuple[str, ...]:
        return tuple(self.when.warnings)

    @property
    def roles(self) -> tuple[str, ...]:
        """Who answers and who interviews, turn by turn."""
        return tuple(self._role(turn) for turn in self.mock.turns.all())

    def _role(self, turn: Turn) -> str:
        title = turn.round.round_kind.title
        if turn.candidate_id == self.reader.pk:
            told = _("You answer %(round)s; %(partner)s interviews you.")
        else:
            told = _("%(partner)s answers %(round)s; you interview.")
        return told % {"round": title, "partner": self.partner}

    @property
    def is_interviewer(self) -> bool:
        return any(turn.interviewer_id == self.reader.pk for turn in self.mock.turns.all())

    @property
    def room(self) -> tuple[str, ...]:
        url = self.data.get("video_url", self.mock.video_url)
        return (_("You meet at %(url)s") % {"url": url},) if url else ()

    @property
    def room_now(self) -> tuple[str, ...]:
        """Where they meet as it stands: a reminder is written long before it is due."""
        url = self.mock.video_url
        return (_("You meet at %(url)s") % {"url": url},) if url else ()

    def say(self, words: str, **more: object) -> str:
        """Fill words with the partner, the start and what else they need."""
        return words % {"partner": self.partner, "time": self.starts, **more}

    def by(self, instant: datetime) -> str:
        """Return an instant in full, as one does with a deadline."""
        own = Reading(Period(instant, instant + timedelta(minutes=1)), self.zone)
        return f"{own.day}, {own.time} ({own.city})"

    def instant(self, name: str) -> datetime:
        return _instant(self.data[name])

    def has_done_it(self) -> bool:
        """Say whether the reader did themselves what the notice tells of."""
        return bool(self.data.get("by") == self.reader.pk)

    def link(self, label: str, name: str = "loops:mock") -> Link:
        return Link(label, reverse(name, args=[self.mock.public_id]))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _proposed(facts: _Facts) -> Told:
    mock = facts.mock
    happened = [facts.say(_("%(partner)s proposes a mock to you.")), *facts.roles]
    if mock.wants_swap and len(facts.roles) == 1:
        happened.append(
            facts.say(_("They offer to swap roles afterwards, so that you answer a round too."))
        )
    if mock.note:
        happened.append(facts.say(_("%(partner)s adds: “%(note)s”"), note=mock.note))
    return Told(
        title=facts.say(_("%(partner)s proposes a mock: %(time)s")),
        happened=tuple(happened),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(_answer_by(facts), _("Until you accept, nothing is booked.")),
        links=(
            facts.link(_("Accept or decline")),
            facts.link(_("Propose another time"), "loops:mock_times"),
        ),
    )


def _answer_by(facts: _Facts) -> str:
    return _("Answer before %(time)s; after that the proposal lapses.") % {
        "time": facts.by(facts.period.starts_at)
    }


def _countered(facts: _Facts) -> Told:
    if facts.mock.agreed_at is not None:
        stands = _("Until you accept, the mock stays where it is.")
    else:
        stands = _("Until you accept, nothing is booked.")
    return Told(
        title=facts.say(_("%(partner)s proposes another time: %(time)s")),
        happened=(
            facts.say(_("%(partner)s proposes another time for your mock.")),
            *facts.roles,
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(_answer_by(facts), stands),
        links=(
            facts.link(_("Accept or decline")),
            facts.link(_("Propose another time"), "loops:mock_times"),
        ),
    )


def _paired(facts: _Facts) -> Told:
    return Told(
        title=facts.say(_("The pool found you a partner: %(partner)s, %(time)s")),
        happened=(
            facts.say(_("The pool has paired you with %(partner)s, at a time that suits both.")),
            *facts.roles,
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(_answer_by(facts), _("Nothing is booked until both of you accept.")),
        links=(
            facts.link(_("Accept or decline")),
            facts.link(_("Propose another time"), "loops:mock_times"),
        ),
    )


def _helps(facts: _Facts) -> Iterator[str]:
    """Say what of the reader's own doing would bring possible partners."""
    for more in facts.data.get("hours", []):
        period = Period(_instant(more["starts_at"]), _instant(more["ends_at"]))
        reading = Reading(period, facts.zone)
        yield ngettext(
            "%(people)d person more would fit, if you add %(day)s, %(span)s %(city)s.",
            "%(people)d people more would fit, if you add %(day)s, %(span)s %(city)s.",
            more["partners"],
        ) % {
            "people": more["partners"],
            "day": reading.day,
            "span": reading.span,
            "city": reading.city,
        }
    for more in facts.data.get("kinds", []):
        yield ngettext(
            "%(people)d person more would fit, if you also take %(title)s.",
            "%(people)d people more would fit, if you also take %(title)s.",
            more["partners"],
        ) % {"people": more["partners"], "title": more["title"]}


def _unpaired(facts: _Facts) -> Told:
    reason = why(facts.data.get("code", ""))
    happened = (
        reason.happened if reason else _("Nobody had a round and an hour in common with you.")
    )
    then = reason.then if reason else _("One more evening in your week often helps.")
    return Told(
        title=_("The pool found nobody for you this week"),
        happened=(
            _("You asked the pool of %(cohort)s for a mock.")
            % {"cohort": facts.data.get("cohort_name", "")},
            str(happened),
            _("You stay in the pool, and who has waited longer comes first."),
        ),
        to_do=(str(then), *_helps(facts)),
        links=(
            Link(_("See what would help"), reverse("loops:pool")),
            Link(_("Change my hours"), reverse("loops:availability")),
        ),
    )


def _agreed(facts: _Facts) -> Told:
    to_do = []
    if facts.is_interviewer:
        to_do.append(
            _("You interview: your kit is on the mock's page. Read it, and say there that you did.")
        )
    if promises.is_confirmed_by_agreeing(facts.period.starts_at, facts.notice.made_at):
        to_do.append(_("It is near, so by agreeing both of you have confirmed."))
    else:
        to_do.append(
            _("From %(time)s on you are asked to confirm that you come.")
            % {"time": facts.by(facts.period.starts_at - promises.CONFIRM_BEFORE)}
        )
    return Told(
        title=facts.say(_("Agreed: mock with %(partner)s, %(time)s")),
        happened=(
            facts.say(_("Your mock with %(partner)s is agreed.")),
            *facts.roles,
            *facts.room,
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=tuple(to_do),
        links=(facts.link(_("See the mock")),),
    )


def _moved(facts: _Facts) -> Told:
    was = facts.by(facts.instant("was"))
    if promises.is_confirmed_by_agreeing(facts.period.starts_at, facts.notice.made_at):
        then = _("It is near, so by agreeing both of you have confirmed.")
    else:
        then = _("From %(time)s on you are asked to confirm that you come.") % {
            "time": facts.by(facts.period.starts_at - promises.CONFIRM_BEFORE)
        }
    return Told(
        title=facts.say(_("Moved: mock with %(partner)s, now %(time)s")),
        happened=(
            facts.say(_("Your mock with %(partner)s has moved, as both of you agreed.")),
            _("It was to begin on %(time)s.") % {"time": was},
            *facts.roles,
            *facts.room,
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(then,),
        links=(facts.link(_("See the mock")),),
    )


def _changed(facts: _Facts) -> Told:
    if facts.has_done_it():
        happened = _("You have changed where you talk.")
    else:
        happened = facts.say(_("%(partner)s has changed where you talk."))
    return Told(
        title=facts.say(_("Changed: mock with %(partner)s, %(time)s")),
        happened=(
            happened,
            *(facts.room or (_("No video room is set any more."),)),
            _("The time stays as it is."),
        ),
        times=facts.times,
        links=(facts.link(_("See the mock")),),
    )


def _declined(facts: _Facts) -> Told:
    if facts.mock.agreed_at is not None:
        return Told(
            title=facts.say(_("%(partner)s declined %(time)s")),
            happened=(facts.say(_("%(partner)s does not want to move your mock to this time.")),),
            times=facts.times,
            to_do=(_("The mock stays where it was. Does it not suit you? Propose another time."),),
            links=(
                facts.link(_("See the mock")),
                facts.link(_("Propose another time"), "loops:mock_times"),
            ),
        )
    return Told(
        title=facts.say(_("%(partner)s declined %(time)s")),
        happened=(
            facts.say(_("%(partner)s declined the proposed mock, so nothing was booked.")),
            *facts.roles,
        ),
        times=facts.times,
        to_do=(_("Choose another partner or another time, or let the pool find you somebody."),),
        links=_other_ways(),
    )


def _other_ways() -> tuple[Link, ...]:
    return (
        Link(_("Find another mock"), reverse("loops:mock_new")),
        Link(_("Ask the pool"), reverse("loops:pool")),
    )


def _cancelled(facts: _Facts) -> Told:
    if facts.has_done_it():
        happened = facts.say(_("You have called off your mock with %(partner)s."))
    else:
        happened = facts.say(_("%(partner)s has called off your mock."))
    return Told(
        title=facts.say(_("Cancelled: mock with %(partner)s, %(time)s")),
        happened=(happened, _("The time is yours again, and your calendar drops the entry.")),
        times=facts.times,
        to_do=(_("Choose another partner or another time, or let the pool find you somebody."),),
        links=_other_ways(),
    )


def _confirm(facts: _Facts) -> Told:
    deadline = facts.period.starts_at - promises.RELEASE_BEFORE
    return Told(
        title=facts.say(_("Are you coming? Mock with %(partner)s, %(time)s")),
        happened=(
            facts.say(_("Your mock with %(partner)s is near.")),
            *facts.roles,
            *facts.room_now,
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(
            _("Please confirm by %(time)s that you come, or say that you cannot.")
            % {"time": facts.by(deadline)},
            _("Without a word from you until then, both of you get the evening back."),
        ),
        links=(
            facts.link(_("Confirm, or say no")),
            facts.link(_("See the mock")),
        ),
    )


def _released(facts: _Facts) -> Told:
    silent = {UUID(one) for one in facts.data.get("silent", [])}
    if silent == {facts.reader.public_id}:
        why = _("You did not confirm that you come, so both of you got the time back.")
        note = _("It counts as a late change for you, and not at all for your partner.")
    elif facts.reader.public_id in silent:
        why = _("Neither of you confirmed, so both of you got the time back.")
        note = _("It counts as a late change for both.")
    else:
        why = facts.say(_("%(partner)s did not confirm, so both of you got the time back."))
        note = _("You confirmed, so it counts nothing against you.")
    return Told(
        title=facts.say(_("Released: mock with %(partner)s, %(time)s")),
        happened=(why, note, _("Your calendar drops the entry.")),
        times=facts.times,
        to_do=(_("Choose another partner or another time, or let the pool find you somebody."),),
        links=_other_ways(),
    )


def _reminder(facts: _Facts) -> Told:
    to_do = [_("Cannot make it? Say so now: it spares your partner the wait.")]
    if facts.is_interviewer:
        to_do.insert(0, _("You interview: have your kit read before you begin."))
    return Told(
        title=facts.say(_("Soon: mock with %(partner)s, %(time)s")),
        happened=(
            facts.say(_("Your mock with %(partner)s is near.")),
            *facts.roles,
            *facts.room_now,
        ),
        times=facts.times,
        to_do=tuple(to_do),
        links=(
            facts.link(_("Go to the mock")),
            facts.link(_("I cannot make it"), "loops:mock_cancel"),
        ),
    )


def _lapsed(facts: _Facts) -> Told:
    return Told(
        title=facts.say(_("No answer from %(partner)s: %(time)s")),
        happened=(
            facts.say(_("%(partner)s did not answer before the proposed time came.")),
            _("Nothing was booked."),
        ),
        times=facts.times,
        to_do=(_("Choose another partner or another time, or let the pool find you somebody."),),
        links=_other_ways(),
    )


def _standby(facts: _Facts) -> Told:
    return Told(
        title=facts.say(_("You are called: mock with %(partner)s, %(time)s")),
        happened=(
            facts.say(_("You are on standby, and %(partner)s has a mock for you right now.")),
            *facts.roles,
            *facts.room,
        ),
        times=facts.times,
        to_do=(_("Open the session and say that you are here; ten minutes' grace are yours."),),
        links=(facts.link(_("Open the session"), "feedback:session"),),
    )


def _absent(facts: _Facts) -> Told:
    return Told(
        title=facts.say(_("You were reported absent: mock with %(partner)s, %(time)s")),
        happened=(
            facts.say(_("%(partner)s waited ten minutes, then reported that you did not come.")),
            _("It counts as a missed mock. A first miss is forgiven, and a miss fades with time."),
        ),
        times=facts.times,
        to_do=(_("Were you there, or kept away by force? Tell an organiser of your cohort."),),
        links=(
            facts.link(_("Appeal"), "loops:mock_appeal"),
            facts.link(_("See the mock")),
        ),
    )


def _appeal(facts: _Facts) -> Told:
    name = facts.data["who"]
    if facts.data.get("outcome") == Seat.Outcome.LATE_CHANGE:
        about = _(
            "%(name)s asks that a mock which they changed late should not count against them."
        )
    else:
        about = _("%(name)s asks that a mock which they missed should not count against them.")
    return Told(
        title=_("%(name)s appeals to you as an organiser") % {"name": name},
        happened=(about % {"name": name},),
        to_do=(_("Read what they say, then grant it, or answer why not."),),
        links=(
            Link(
                _("Read the appeal"),
                reverse("loops:cohort_mocks", args=[facts.mock.cohort.public_id]),
            ),
        ),
    )


def _appeal_answered(facts: _Facts) -> Told:
    if facts.data.get("is_granted"):
        title = _("Your appeal is granted")
        happened = _("The mock counts nothing against you any more.")
    else:
        title = _("Your appeal is not granted")
        happened = _("The mock goes on counting as it did. It fades with time.")
    answer = facts.data.get("answer", "")
    said = (_("The organiser says: “%(answer)s”") % {"answer": answer},) if answer else ()
    return Told(
        title=title,
        happened=(happened, *said),
        links=(facts.link(_("See the mock")),),
    )


def _reading(local: str) -> str:
    """Return a reading of a clock in words; it is no instant, so no zone is asked."""
    return date_format(datetime.fromisoformat(f"{local}+00:00"), "D j M, H:i")


def _retimed(facts: _Facts) -> Told:
    return Told(
        title=facts.say(_("Your clocks have changed: mock with %(partner)s, now %(time)s")),
        happened=(
            _("The rules of your time zone have changed since you agreed on this mock."),
            _("You saw %(was)s; the same instant now reads %(now)s on your clock.")
            % {"was": _reading(facts.data["was"]), "now": _reading(facts.data["now"])},
            facts.say(_("The mock stays at the instant that you and %(partner)s agreed on.")),
        ),
        times=facts.times,
        cautions=facts.cautions,
        to_do=(_("Does it still suit you? If not, propose another time."),),
        links=(
            facts.link(_("See the mock")),
            facts.link(_("Propose another time"), "loops:mock_times"),
        ),
    )


DIGEST_SHOWN = 20
ERASED_SHOWN = 20
"""Of more recordings than these a notice tells the number alone."""


def _erasing(facts: _Facts) -> Told:
    rows = facts.data.get("recordings", [])
    lines = [
        _("Erased on %(time)s: %(answers)s.")
        % {"time": facts.by(_instant(at)), "answers": "; ".join(map(_answer, together))}
        for at, together in groupby(rows[:ERASED_SHOWN], key=lambda row: str(row["erases_at"]))
    ]
    more = len(rows) - ERASED_SHOWN
    if more > 0:
        lines.append(ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more})
    if len(rows) == 1:
        title = _("In seven days the recording of %(answer)s is erased") % {
            "answer": _answer(rows[0])
        }
    else:
        title = ngettext(
            "In seven days %(n)d recording is erased",
            "In seven days %(n)d recordings are erased",
            len(rows),
        ) % {"n": len(rows)}
    days = facts.data.get("days", 0)
    return Told(
        title=title,
        happened=(
            ngettext(
                "Your cohort %(cohort)s erases recordings %(days)d day after their answers were "
                "handed in.",
                "Your cohort %(cohort)s erases recordings %(days)d days after their answers were "
                "handed in.",
                days,
            )
            % {"cohort": facts.data.get("cohort_name", ""), "days": days},
            *lines,
        ),
        to_do=(_("Download what you want to keep. Grades, reviews and your own notes stay here."),),
        links=(Link(_("Download it here"), reverse("loops:recording_list")),),
    )


def _answer(row: dict[str, Any]) -> str:
    """Name the answer that a recording is of."""
    words = _("%(round)s, %(name)s (not handed in)") if row.get("is_draft") else None
    words = words or _("%(round)s, %(name)s")
    name = row.get("name") or _("answer %(n)d") % {"n": row["number"]}
    return words % {"round": row["round"], "name": name}


def _keeping(facts: _Facts) -> Told:
    days, cohort = facts.data.get("days"), facts.data.get("cohort_name", "")
    to_do: tuple[str, ...] = ()
    if days is None:
        title = _("%(cohort)s keeps recordings until they are erased") % {"cohort": cohort}
        happened = _("No recording is erased by a rule any more: yours stay until you erase them.")
    else:
        title = ngettext(
            "%(cohort)s now erases recordings after %(days)d day",
            "%(cohort)s now erases recordings after %(days)d days",
            days,
        ) % {"cohort": cohort, "days": days}
        happened = _(
            "An organiser has changed how long recordings are kept. The days count from handing "
            "an answer in; what still waits for its reviews stays until they are in, and a week "
            "more."
        )
        to_do = (_("Nothing of yours is erased without a notice to you seven days before."),)
    links = [Link(_("See your recordings"), reverse("loops:recording_list"))]
    if "cohort" in facts.data:
        path = reverse("loops:cohort", args=[facts.data["cohort"]])
        links.append(Link(_("See the cohort"), path))
    return Told(title=title, happened=(happened,), to_do=to_do, links=tuple(links))


def _disk_full(facts: _Facts) -> Told:
    return Told(
        title=_("The server has no room for recordings"),
        happened=(
            _("Its disk is full, so nobody can record or hand in a file just now."),
            _("Nothing that was sent before is lost, and recorders keep what they hold."),
        ),
        to_do=(
            _("Tell whoever runs the server. Erasing recordings that nobody needs makes room too."),
        ),
        links=(Link(_("See the cohort"), reverse("loops:cohort_list")),),
    )


def _digest(facts: _Facts) -> Told:
    lines = facts.data.get("lines", [])
    shown = [str(line["title"]) for line in lines[:DIGEST_SHOWN]]
    more = len(lines) - len(shown)
    if more:
        shown.append(ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more})
    return Told(
        title=ngettext(
            "Your day at Plumbline: %(n)d thing", "Your day at Plumbline: %(n)d things", len(lines)
        )
        % {"n": len(lines)},
        happened=tuple(shown),
        links=(
            Link(_("See your notices"), reverse("loops:notice_list")),
            Link(_("Choose what is mailed"), reverse("loops:notice_wishes")),
        ),
    )


WORDS: dict[Notice.Kind, Callable[[_Facts], Told]] = {
    Notice.Kind.PROPOSED: _proposed,
    Notice.Kind.COUNTERED: _countered,
    Notice.Kind.PAIRED: _paired,
    Notice.Kind.UNPAIRED: _unpaired,
    Notice.Kind.AGREED: _agreed,
    Notice.Kind.MOVED: _moved,
    Notice.Kind.CHANGED: _changed,
    Notice.Kind.DECLINED: _declined,
    Notice.Kind.CANCELLED: _cancelled,
    Notice.Kind.CONFIRM: _confirm,
    Notice.Kind.RELEASED: _released,
    Notice.Kind.REMINDER: _reminder,
    Notice.Kind.LAPSED: _lapsed,
    Notice.Kind.STANDBY: _standby,
    Notice.Kind.ABSENT: _absent,
    Notice.Kind.APPEAL: _appeal,
    Notice.Kind.APPEAL_ANSWERED: _appeal_answered,
    Notice.Kind.RETIMED: _retimed,
    Notice.Kind.ERASING: _erasing,
    Notice.Kind.KEEPING: _keeping,
    Notice.Kind.DISK_FULL: _disk_full,
    Notice.Kind.DIGEST: _digest,
}
