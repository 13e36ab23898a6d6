"""No page, API answer, header, file name or mail tells a role what it must not know.

A small world holds one of everything that is secret from somebody. For each person in it every
address is asked for with every id there is; whatever comes back is searched for what is not theirs
to know. A new address is walked by itself; one with an unknown kind of id fails until it is taught.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Model, Q
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from feedback import models as feedback
from feedback.actions import gold
from loops import models as loops
from loops.emails import compose
from loops.models import Attempt, Notice, User
from loops.queries.notices import with_words
from rubrics.models import RoundKind, Vignette
from tests import factories
from tests.kept import kept_rows

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)

IDS: dict[str, tuple[type[Model], str]] = {
    "attempt_id": (loops.Attempt, "public_id"),
    "appeal_id": (feedback.GradeAppeal, "public_id"),
    "away_id": (loops.DaysAway, "public_id"),
    "cohort_id": (loops.Cohort, "public_id"),
    "conflict_id": (feedback.Conflict, "public_id"),
    "day_id": (loops.DayHours, "public_id"),
    "evidence_id": (feedback.Evidence, "public_id"),
    "follow_up_id": (feedback.FollowUp, "public_id"),
    "invitation_id": (loops.Invitation, "public_id"),
    "item_id": (feedback.GoldItem, "public_id"),
    "kind": (RoundKind, "key"),
    "key": (RoundKind, "key"),
    "loop_id": (loops.Loop, "public_id"),
    "mock_id": (loops.Mock, "public_id"),
    "moment_id": (feedback.Moment, "public_id"),
    "notice_id": (loops.Notice, "public_id"),
    "question_id": (feedback.Question, "public_id"),
    "recording_id": (loops.Recording, "public_id"),
    "rendition_id": (loops.Rendition, "public_id"),
    "report_id": (feedback.Report, "public_id"),
    "request_id": (loops.MatchRequest, "public_id"),
    "review_id": (feedback.Review, "public_id"),
    "round_id": (loops.Round, "public_id"),
    "sitting_id": (feedback.Sitting, "public_id"),
    "turn_id": (loops.Turn, "public_id"),
    "upload_id": (loops.Upload, "public_id"),
    "user_id": (loops.User, "public_id"),
    "vignette_id": (Vignette, "key"),
}
OF_API: dict[str, type[Model]] = {
    "attempt": loops.Attempt,
    "loop": loops.Loop,
    "mock": loops.Mock,
    "readiness": loops.Loop,
    "review": feedback.Review,
    "round": loops.Round,
    "sitting": feedback.Sitting,
}
"""What the `public_id` of an address of the API names, by the first part of its name."""
FEW = 4
"""Where an address takes two ids, so many of each are combined: most belong to nothing."""
SKIPPED = {"token", "name", "uidb36", "key"}
"""Arguments that are secrets themselves, or file names of the development mailbox."""
PRIVATE = ("/queue", "/reviews", "/results", "/readiness", "/debriefs", "/follow-ups", "/notices")
"""Pages on which nobody's id of a person may stand, not even in an address."""


@dataclass(frozen=True)
class World:
    """People by the part they play, and the answers by what is secret of them."""

    people: dict[str, User]
    answers: dict[str, Attempt]


@dataclass(frozen=True)
class Secret:
    """Some text, and who may be shown it."""

    text: str
    what: str
    known_to: frozenset[int]


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> Iterator[World]:
    """Make the world once; each test changes it in a savepoint of its own."""
    with kept_rows(django_db_blocker):
        yield made_world()


@pytest.fixture
def world(made: World, db: None) -> World:
    """The world as it was made."""
    return made


def made_world() -> World:
    """One answer in each state of its reviews, and everything that people say about them."""
    now = timezone.now()
    organiser = factories.person("organiser-104")
    cohort = factories.cohort(organiser=organiser, name="Thursday cohort")
    people = {"organiser": organiser}
    for part in ("candidate", "early", "late", "third", "handler", "bystander", "expert"):
        person = factories.person(f"{part}-101", name=f"Fullname Of {part.title()}")
        factories.join(cohort, person)
        people[part] = person
    organiser.name = "Fullname Of Organiser"
    organiser.save()
    outsider = factories.person("outsider-101", name="Fullname Of Outsider")
    factories.cohort(outsider)
    people["outsider"] = outsider
    candidate = people["candidate"]
    answers: dict[str, Attempt] = {}
    for name, age in (("half", 0), ("revealed", 3), ("split", 4), ("gold", 90), ("appealed", 5)):
        answer = factories.answer(candidate, cohort, submitted_at=now - age * DAY)
        factories.artifact(answer, f"notes of {name}")
        answers[name] = answer

    def review(name: str, part: str, **facts: Any) -> feedback.Review:
        made = factories.submitted_review(
            answers[name],
            people[part],
            submitted_at=now - timedelta(hours=2),
            summary=f"summary of {name} by {part}",
            **facts,
        )
        made.evidence.update(note=f"note of {name} by {part}")
        return made

    review("half", "early")
    held = factories.review(
        answers["half"], people["late"], claimed_at=now, lease_until=now + timedelta(minutes=30)
    )
    held.summary = "summary of half by late"
    held.save()
    for part in ("early", "late"):
        review("revealed", part)
    for part, rank in (("early", 0), ("late", 3), ("third", 2)):
        review("split", part, rank=rank)
    for part in ("early", "late"):
        review("appealed", part, rank=1)
    for part in ("early", "late", "expert"):
        purpose = "expert" if part == "expert" else "peer"
        review("gold", part, purpose=purpose)
    review("gold", "third", purpose="gold")
    _said(world := World(people=people, answers=answers))
    return world


def _said(world: World) -> None:
    now = timezone.now()
    people, answers = world.people, world.answers

    def given(name: str, part: str) -> feedback.Review:
        return feedback.Review.objects.get(attempt=answers[name], grader=people[part])

    opened = feedback.Review.objects.in_results().exclude(attempt=answers["revealed"])
    for one in opened.filter(attempt__in=[answers["split"], answers["appealed"], answers["gold"]]):
        part = one.grader.handle.removesuffix("-101")
        feedback.Usefulness.objects.create(
            review=one, mark=2, note=f"useful {one.attempt_id} to {part}", at=now
        )
    feedback.DebriefMessage.objects.create(
        attempt=answers["split"], author=people["early"], text="debrief of split", at=now
    )
    feedback.Question.objects.create(
        review=given("split", "late"), at_ms=5000, text="why of split to late", asked_at=now
    )
    feedback.FollowUp.objects.create(
        review=given("split", "early"), number=1, text="follow-up by early", asked_at=now
    )
    handling = factories.review(
        answers["appealed"],
        people["handler"],
        purpose="appeal",
        claimed_at=now,
        lease_until=now + timedelta(minutes=30),
    )
    feedback.GradeAppeal.objects.create(
        attempt=answers["appealed"],
        text="appeal of appealed " * 8,
        start_ms=0,
        end_ms=60_000,
        made_at=now,
        review=handling,
    )
    feedback.Conflict.objects.create(
        declared_by=people["bystander"], other=people["early"], declared_at=now
    )
    item = gold.offer(attempt=answers["gold"], by=people["candidate"], at=now)
    experts = [people[part] for part in ("early", "late", "expert")]
    gold.ask_experts(item=item, experts=experts, by=people["organiser"], at=now)


def secrets(world: World) -> Iterator[Secret]:
    """Yield every text that somebody must not know."""
    everybody = set(world.people.values())
    for person in everybody:
        for what in ("name", "email"):
            yield Secret(getattr(person, what), f"{what} of {person.handle}", _ids([person]))
    candidate = world.people["candidate"]
    for review in feedback.Review.objects.select_related("attempt", "grader"):
        name = next(key for key, one in world.answers.items() if one == review.attempt)
        known = [review.grader]
        if review.purpose in feedback.Review.READ_BY_CANDIDATE and review.is_submitted:
            known += [candidate] if name != "half" else []
            handed_in = feedback.Review.objects.in_results().filter(attempt=review.attempt)
            known += [one.grader for one in handed_in.select_related("grader")]
        part = review.grader.handle.removesuffix("-101")
        for text in (
            f"summary of {name} by {part}",
            f"note of {name} by {part}",
            str(review.public_id),
        ):
            yield Secret(text, f"{review} ({name})", _ids(known))
    for name, answer in world.answers.items():
        graders = [one.grader for one in answer.reviews.select_related("grader")]
        yield Secret(f"notes of {name}", "an artifact", _ids([candidate, *graders]))
    yield from _said_secrets(world)


def _said_secrets(world: World) -> Iterator[Secret]:
    people = world.people
    candidate, early, late, third = (
        people[part] for part in ("candidate", "early", "late", "third")
    )
    yield Secret("debrief of split", "a debrief", _ids([early, late, third]))
    yield Secret("why of split to late", "a question", _ids([candidate, late]))
    yield Secret("follow-up by early", "a follow-up", _ids([candidate, early]))
    yield Secret("appeal of appealed", "an appeal", _ids([candidate]))
    for conflict in feedback.Conflict.objects.all():
        yield Secret(str(conflict.public_id), "a conflict", _ids([people["bystander"]]))
    for item in feedback.GoldItem.objects.all():
        known = _ids([people["organiser"], people["expert"]])
        yield Secret(str(item.public_id), "a gold item", known)
    for useful in feedback.Usefulness.objects.select_related("review__grader"):
        known = _ids([candidate, useful.review.grader])
        yield Secret(useful.note, "what a candidate thinks of a review", known)


def _ids(people: Iterable[User]) -> frozenset[int]:
    return frozenset(person.pk for person in people)


# The walk


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Yield every named address of the site with its pattern."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                namespace = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
                yield from walk(pattern, namespace)
            elif pattern.name:
                yield f"{prefix}{pattern.name}", pattern

    for name, pattern in walk(get_resolver(), ""):
        if not name.startswith(
            ("admin:", "account_", "mfa_", "socialaccount_", "landing", "theme")
        ):
            yield name, pattern


def paths() -> list[str]:
    """Return every path that can be made of the addresses and the ids there are."""
    found: set[str] = set()
    for name, pattern in addresses():
        arguments = list(pattern.pattern.converters)
        if set(arguments) & SKIPPED - {"key"} or "format" in str(pattern.pattern):
            continue
        choices = [_choices(argument, name) for argument in arguments]
        if len(choices) > 1:
            choices = [few[:FEW] for few in choices]
        for chosen in product(*choices):
            given = dict(zip(arguments, chosen, strict=True))
            found.add(reverse(name, kwargs=given))
    return sorted(found)


def _choices(argument: str, name: str) -> list[Any]:
    if argument == "public_id":
        model = OF_API[name.split("-", maxsplit=1)[0]]
        return list(model._default_manager.order_by("pk").values_list(argument, flat=True))
    if argument in {"edition", "number"}:
        return [1]
    if argument not in IDS:
        pytest.fail(f"The address {name} has an id that the leak test does not know: {argument}")
    model, column = IDS[argument]
    return list(model._default_manager.order_by("pk").values_list(column, flat=True))


def told_to(person: User, client: Client, path: str) -> str:
    """Return everything that an answer tells: its body, and its headers."""
    answer = client.get(path, HTTP_ACCEPT="*/*")
    assert answer.status_code < 500, path
    body = b"" if answer.streaming else answer.content
    told = body.decode(errors="replace") + "".join(f"{k}: {v}\n" for k, v in answer.items())
    if answer.streaming:
        answer.close()
    return told.replace(str(person.public_id), "")


PARTS = ("organiser", "candidate", "early", "late", "third", "handler", "bystander", "outsider")


@pytest.mark.parametrize("part", PARTS)
def test_no_answer_tells_what_its_reader_must_not_know(
    client: Client, world: World, part: str
) -> None:
    reader = world.people[part]
    client.force_login(reader)
    hidden = [one for one in secrets(world) if reader.pk not in one.known_to]
    own_path_ids = [str(one.public_id) for one in world.people.values() if one != reader]
    leaks = []

    for path in paths():
        told = told_to(reader, client, path)
        for secret in hidden:
            if secret.text not in path and secret.text in told:
                leaks.append(f"{path} tells {part} {secret.what}: {secret.text[:40]}")
        if path.startswith(PRIVATE):
            leaks += [f"{path} tells {part} an id" for one in own_path_ids if one in told]

    assert leaks == []


@pytest.mark.parametrize("part", ["early", "third", "bystander", "organiser"])
def test_the_queue_names_no_candidate(client: Client, world: World, part: str) -> None:
    reader = world.people[part]
    client.force_login(reader)

    for path in (reverse("feedback:queue"), reverse("queue-list")):
        told = client.get(path).text.split("given", 1)[0]
        met = {"candidate-101"} if part in {"early", "third"} else set()
        for person in set(world.people.values()) - {reader}:
            assert person.handle in met or person.handle not in told, path


def test_results_before_the_reveal_name_no_grader(client: Client, world: World) -> None:
    client.force_login(world.people["candidate"])
    half = world.answers["half"]

    for name in ("feedback:results", "loops:round", "feedback:readiness_loop"):
        given = {
            "feedback:results": half.public_id,
            "loops:round": half.round.public_id,
            "feedback:readiness_loop": half.round.loop.public_id,
        }[name]
        told = client.get(reverse(name, args=[given])).text
        for part in ("early", "late"):
            assert world.people[part].handle not in told, name


def test_no_mail_tells_what_its_reader_must_not_know(world: World) -> None:
    now = timezone.now()
    notices = with_words(Notice.objects.order_by("pk"))
    assert notices, "a world in which people are told nothing proves nothing"
    for notice in notices:
        letter = compose(notice)
        told = letter.message().as_string() + "".join(
            str(part) for part, _kind in letter.alternatives
        )
        for secret in secrets(world):
            if notice.person_id not in secret.known_to:
                assert secret.text not in told, f"{notice} tells {secret.what}"
    assert now


def test_files_are_named_after_nobody(world: World) -> None:
    names = [rendition.name for rendition in loops.Rendition.objects.all()]
    assert names
    people = world.people.values()
    for name, person in product(names, people):
        for fact in (person.handle, person.name, person.email, str(person.public_id)):
            assert fact not in name


Review = Callable[..., feedback.Review]


@pytest.mark.parametrize("is_swapped", [False, True])
def test_reviews_are_ordered_by_when_they_came_whoever_wrote_them(
    client: Client, db: None, is_swapped: bool
) -> None:
    graders = [factories.person(f"grader-10{n}") for n in range(2)]
    candidate = factories.person("reader-100")
    answer = factories.answer(candidate, factories.cohort(candidate, *graders))
    first, second = reversed(graders) if is_swapped else graders
    for minutes, grader in ((10, first), (20, second)):
        factories.submitted_review(
            answer, grader, submitted_at=factories.NOW + timedelta(minutes=minutes)
        )

    given = feedback.Review.objects.filter(attempt=answer).order_by("submitted_at")
    client.force_login(candidate)
    told = client.get(reverse("feedback:results", args=[answer.public_id])).text

    places = [told.index(review.grader.handle) for review in given]
    assert places == sorted(places)


def test_everybody_in_the_world_is_walked(world: World) -> None:
    assert {*PARTS, "expert"} == set(world.people)
    assert User.objects.filter(~Q(pk__in=[one.pk for one in world.people.values()])).count() <= 1
