"""The part of the world in which two people far apart agree on mocks: one in every state."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from loops.actions import bookings
from loops.actions.events import record
from loops.answer_links import answer_token
from loops.models import Cohort, Mock, MockLimits, Turn, User
from loops.queries.availability import slots_between
from tests import factories

if TYPE_CHECKING:
    from tests.browser.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_NOTE = (
    "I should like to be stopped when I draw before I know who is hurt. Last time it took me "
    "twenty minutes to ask who decides, and nobody said a word: please do."
)


def lay(world: "World", cohort: Cohort, now: datetime) -> None:
    """Add three people, their hours, and mocks between them; name what stands in addresses."""
    zones = {"nia": "Asia/Kathmandu", "otis": "America/New_York", "quinn": "Europe/Lisbon"}
    for name, zone in zones.items():
        world.people[name] = factories.person(f"{name}-211", name=name.title(), time_zone=zone)
        factories.join(cohort, world.people[name])
    nia, otis, quinn = (world.people[name] for name in zones)
    factories.week(nia, nia.time_zone, start=17 * 60, end=24 * 60)
    factories.week(otis, otis.time_zone, start=5 * 60, end=12 * 60)
    for person in (nia, otis):
        MockLimits.objects.create(user=person, most_a_day=8, most_a_week=30)
        factories.loop(person, cohort, kinds=["coding", "sd_ambiguous", "xfn"])
    _mocks(world, cohort, now)
    for person in (nia, otis):
        _in_one_loop(person)
    world.ids["mock, moved"] = {"mock_id": _moved(nia, otis, now).public_id}
    _links(world, nia)
    factories.loop(quinn, cohort, kinds=["coding"])
    for days in range(8, 31):
        factories.mock(
            quinn, otis, cohort, kind="coding", state="cancelled", starts_at=now - days * DAY
        )


def _mocks(world: "World", cohort: Cohort, now: datetime) -> None:
    nia, otis = world.people["nia"], world.people["otis"]
    hour = now.replace(minute=0, second=0, microsecond=0)

    def lay_out(name: str, candidate: User, interviewer: User, **facts: Any) -> Mock:
        mock = factories.mock(candidate, interviewer, cohort, created_at=now - 2 * DAY, **facts)
        record("proposed", mock, by=mock.asked_by, at=now, starts_at=mock.starts_at.isoformat())
        world.ids[f"mock, {name}"] = {"mock_id": mock.public_id}
        return mock

    lay_out("asked", otis, nia, state="proposed", starts_at=hour + 4 * DAY)
    swap = lay_out(
        "asked to swap", otis, nia, state="proposed", starts_at=hour + 5 * DAY, wants_swap=True
    )
    Mock.objects.filter(pk=swap.pk).update(note=LONG_NOTE, video_url="https://meet.example.org/us")
    lay_out("waiting", nia, otis, state="proposed", starts_at=hour + 6 * DAY)
    paired = {"origin": "matched", "asked_by": None, "state": "proposed"}
    lay_out("paired", nia, otis, starts_at=hour + 7 * DAY, swap_kind="coding", **paired)
    lay_out("to confirm", nia, otis, state="accepted", starts_at=hour + 20 * HOUR)
    lay_out("agreed", nia, otis, state="accepted", starts_at=hour + 9 * DAY, swap_kind="coding")
    lay_out("confirmed", otis, nia, starts_at=hour + 11 * HOUR)
    lay_out("open", nia, otis, starts_at=now + timedelta(minutes=8))
    lay_out("held", nia, otis, state="done", starts_at=hour - 3 * DAY, swap_kind="coding")
    alone = lay_out("alone", nia, otis, state="no_show", starts_at=hour - 4 * DAY)
    record("no_show", alone, by=nia, at=now, absent=otis.pk)
    late = lay_out("called off", nia, otis, state="cancelled", starts_at=hour - 5 * DAY)
    record("cancelled", late, by=nia, at=now, is_late=True)
    late.seats.filter(member=nia).update(outcome="late_change", outcome_at=now)


def _in_one_loop(person: User) -> None:
    """Have a person answer in their first loop: each mock was made with one of its own."""
    first, *more = person.loops.order_by("pk")
    rounds = {round_.round_kind_id: round_ for round_ in first.rounds.all()}
    for turn in Turn.objects.filter(candidate=person).select_related("round"):
        turn.round = rounds[turn.round.round_kind_id]
        turn.save(update_fields=["round"])
    for loop in more:
        loop.rounds.all().delete()
        loop.delete()


def _moved(nia: User, otis: User, now: datetime) -> Mock:
    """Agree on a mock by the actions themselves, and have the partner propose another time."""
    slots = slots_between(nia, otis, minutes=70, at=now).slots
    times = [slot.period.starts_at for slot in slots]
    round_ = nia.loops.get().rounds.order_by("position")[0]
    mock = bookings.propose(
        partner=otis, round_=round_, starts_at=times[-1], by=nia, at=now, wants_swap=False
    )
    bookings.accept(mock=mock, proposal=mock.proposals.get(), by=otis, at=now)
    bookings.set_video_room(mock=mock, video_url="https://meet.example.org/us", by=nia, at=now)
    bookings.propose_time(mock=mock, starts_at=times[-2], by=otis, at=now)
    return mock


def _links(world: "World", nia: User) -> None:
    def token(name: str) -> dict[str, str]:
        mock = Mock.objects.get(public_id=world.ids[f"mock, {name}"]["mock_id"])
        proposal = mock.proposals.filter(state="open").first()
        return {"token": answer_token(nia, mock, proposal)}

    for name in ("asked", "asked to swap", "moved", "to confirm", "confirmed"):
        world.ids[f"link, {name}"] = token(name)
    world.ids["link, none"] = {"token": "of-no-mail"}
