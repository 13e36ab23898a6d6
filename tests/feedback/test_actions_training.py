"""Training as actions: one shot at each vignette, repeats, unlocking once, and pressing twice."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from feedback.actions import training
from feedback.models import Sitting, Unlock
from loops.models import Event, Notice, User
from rubrics.models import RoundKind, Vignette
from tests import factories
from tests.factories import NOW
from tests.threads import together

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEYS = factories.DIMENSIONS
ALL_L6: dict[str, int | None] = dict.fromkeys(KEYS, 2)


@pytest.fixture
def vignettes() -> list[Vignette]:
    """Five vignettes of one round kind, with L6 for a reference everywhere."""
    return [factories.vignette(f"number-{n}") for n in range(1, 6)]


@pytest.fixture
def kind(vignettes: list[Vignette]) -> RoundKind:
    """Their round kind."""
    return vignettes[0].round_kind


def train(
    kind: RoundKind, member: User, *given: Mapping[str, int | None], at: datetime = NOW
) -> list[Sitting]:
    """Read the next vignettes and hand in these ratings, one a minute."""
    done = []
    for minute, ratings in enumerate(given):
        moment = at + timedelta(minutes=minute)
        opened = training.open_next(kind=kind, by=member, at=moment)
        done.append(training.submit(sitting=opened, ratings=ratings, by=member, at=moment))
    return done


def test_the_next_opens_in_the_files_order_and_an_open_one_comes_back(
    kind: RoundKind, peer: User, second_peer: User
) -> None:
    first = training.open_next(kind=kind, by=peer, at=NOW)
    again = training.open_next(kind=kind, by=peer, at=NOW + DAY)

    assert first == again
    assert (first.vignette.key, first.number, first.is_repeat) == ("number-1", 1, False)
    assert (first.opened_at, first.submitted_at, first.ratings) == (NOW, None, {})
    assert training.open_next(kind=kind, by=second_peer, at=NOW) != first
    training.submit(sitting=first, ratings=ALL_L6, by=peer, at=NOW + DAY)
    assert training.open_next(kind=kind, by=peer, at=NOW + DAY).vignette.key == "number-2"


def test_handing_in_scores_against_the_references(peer: User) -> None:
    ranks = {"discovery": 1, "bounding": None, "options": 0}
    one = factories.vignette(rank=3, ranks=ranks)
    opened = training.open_next(kind=one.round_kind, by=peer, at=NOW)
    ratings = {"discovery": 1, "bounding": 2, "options": 1, "adoption": 1}

    done = training.submit(sitting=opened, ratings=ratings, by=peer, at=NOW + DAY)

    assert (done.exact, done.rated, done.farthest) == (1, 4, 2)
    assert (done.ratings, done.submitted_at) == (ratings, NOW + DAY)
    verbs = Event.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["vignette_opened", "vignette_rated"]


def test_every_dimension_is_needed_and_nothing_is_kept_without(kind: RoundKind, peer: User) -> None:
    opened = training.open_next(kind=kind, by=peer, at=NOW)

    with pytest.raises(training.RatingsMissing) as refusal:
        training.submit(sitting=opened, ratings={"discovery": 2, "options": None}, by=peer, at=NOW)

    assert refusal.value.dimensions == ["bounding", "adoption"]
    opened.refresh_from_db()
    assert (opened.submitted_at, opened.ratings) == (None, {})


def test_what_was_handed_in_stands(kind: RoundKind, peer: User) -> None:
    (done,) = train(kind, peer, ALL_L6)

    again = training.submit(sitting=done, ratings=dict.fromkeys(KEYS, 0), by=peer, at=NOW + DAY)

    assert (again.ratings, again.submitted_at, again.exact) == (ALL_L6, NOW, 4)
    assert Event.objects.filter(verb="vignette_rated").count() == 1


def test_a_sitting_is_nobody_elses(kind: RoundKind, peer: User, second_peer: User) -> None:
    opened = training.open_next(kind=kind, by=peer, at=NOW)

    with pytest.raises(Sitting.DoesNotExist):
        training.submit(sitting=opened, ratings=ALL_L6, by=second_peer, at=NOW)


def test_four_good_items_unlock_once_and_tell(kind: RoundKind, peer: User) -> None:
    train(kind, peer, ALL_L6, ALL_L6, ALL_L6)
    assert not Unlock.objects.exists()

    train(kind, peer, ALL_L6, at=NOW + DAY)

    unlock = Unlock.objects.get()
    assert (unlock.member, unlock.round_kind, unlock.at, unlock.is_by_repeat) == (
        peer,
        kind,
        NOW + DAY,
        False,
    )
    notice = Notice.objects.get(kind=Notice.Kind.UNLOCKED)
    assert (notice.person, notice.data["round"]) == (peer, kind.title)
    train(kind, peer, dict.fromkeys(KEYS, 0), at=NOW + 2 * DAY)
    assert Unlock.objects.get() == unlock
    assert Notice.objects.filter(kind=Notice.Kind.UNLOCKED).count() == 1


def test_one_rating_off_by_two_keeps_it_shut_until_four_others_follow(
    kind: RoundKind, peer: User
) -> None:
    train(kind, peer, {**ALL_L6, "options": 0}, ALL_L6, ALL_L6, ALL_L6)
    assert not Unlock.objects.exists()

    train(kind, peer, ALL_L6, at=NOW + DAY)

    assert Unlock.objects.get().at == NOW + DAY


def test_another_round_does_not_count(kind: RoundKind, peer: User) -> None:
    other = factories.vignette("other", kind="coding")
    train(kind, peer, ALL_L6, ALL_L6, ALL_L6)
    train(other.round_kind, peer, ALL_L6)

    assert not Unlock.objects.exists()


def test_after_the_last_one_the_repeat_opens_in_14_days_and_is_marked(
    kind: RoundKind, peer: User
) -> None:
    poor = dict.fromkeys(KEYS, 0)
    train(kind, peer, poor, poor, poor, poor, poor)
    last_at = NOW + timedelta(minutes=4)

    with pytest.raises(training.RepeatNotOpen) as refusal:
        training.open_next(kind=kind, by=peer, at=last_at + 14 * DAY - timedelta(seconds=1))
    assert refusal.value.opens_at == last_at + 14 * DAY
    assert "16 March 2026" in str(refusal.value)

    done = train(kind, peer, ALL_L6, ALL_L6, ALL_L6, ALL_L6, at=last_at + 14 * DAY)
    assert [(one.vignette.key, one.number, one.is_repeat) for one in done] == [
        (f"number-{n}", 2, True) for n in range(1, 5)
    ]
    assert Unlock.objects.get().is_by_repeat


def test_a_mended_text_is_the_same_item(kind: RoundKind, peer: User) -> None:
    train(kind, peer, ALL_L6)
    Vignette.objects.filter(key="number-1").update(retired_at=NOW)
    factories.vignette("number-1", position=1)

    assert training.open_next(kind=kind, by=peer, at=NOW).vignette.key == "number-2"


def test_an_open_one_is_finished_though_it_was_replaced(kind: RoundKind, peer: User) -> None:
    opened = training.open_next(kind=kind, by=peer, at=NOW)
    Vignette.objects.filter(key="number-1").update(retired_at=NOW)

    (done,) = train(kind, peer, ALL_L6)

    assert done == opened


def test_a_round_without_vignettes_is_refused(peer: User) -> None:
    kind = factories.edition("coding").round_kind

    with pytest.raises(training.NothingToRead):
        training.open_next(kind=kind, by=peer, at=NOW)


def test_a_member_takes_one_shot_at_a_number(kind: RoundKind, peer: User) -> None:
    one = Vignette.objects.get(key="number-1")
    factories.sitting(peer, one)
    factories.sitting(peer, one, number=2)

    with pytest.raises(IntegrityError, match="sitting_one_shot"), transaction.atomic():
        factories.sitting(peer, one)


def test_a_round_is_unlocked_once(peer: User) -> None:
    factories.unlock(peer)

    with pytest.raises(IntegrityError, match="unlock_once"), transaction.atomic():
        factories.unlock(peer)


@pytest.mark.django_db(transaction=True)
def test_ten_presses_at_once_open_one_and_hand_it_in_once(kind: RoundKind, peer: User) -> None:
    opened = together([lambda: training.open_next(kind=kind, by=peer, at=NOW)] * 10)
    assert {one.pk for one in opened} == {Sitting.objects.get().pk}
    train(kind, peer, ALL_L6, ALL_L6, ALL_L6)
    last = training.open_next(kind=kind, by=peer, at=NOW)

    done = together(
        [lambda: training.submit(sitting=last, ratings=ALL_L6, by=peer, at=NOW + DAY)] * 10
    )

    assert {(one.pk, one.exact) for one in done} == {(last.pk, 4)}
    assert Event.objects.filter(verb="vignette_rated").count() == 4
    assert Unlock.objects.count() == Notice.objects.count() == 1
