"""The mechanical verdict, downcodes in force, and caps."""

import pytest

from feedback.verdict import (
    Cap,
    DimensionRanks,
    MechanicalVerdict,
    Reason,
    ReasonCode,
    capped,
    dimensions_needed_in,
    in_force,
    mechanical_verdict,
)

STAFF = 2


def dimensions(*ranks: int | None, keys: str = "") -> list[DimensionRanks]:
    """Lay out one review's ranks on dimensions a, b, c and so on."""
    return [
        DimensionRanks(dimension, (rank,), is_key=dimension in keys)
        for dimension, rank in zip("abcdef", ranks, strict=False)
    ]


@pytest.mark.parametrize(
    ("reviews", "least"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4)]
)
def test_downcode_is_in_force_from_half_of_the_reviews_and_two_where_two_are_in(
    reviews: int, least: int
) -> None:
    found = [ticks for ticks in range(reviews + 1) if in_force(ticks=ticks, reviews=reviews)]

    assert found == list(range(least, reviews + 1))


def test_nothing_is_in_force_without_a_review() -> None:
    assert not in_force(ticks=0, reviews=0)


@pytest.mark.parametrize(("ticks", "reviews"), [(-1, 2), (3, 2), (1, 0)])
def test_impossible_ticks_are_refused(ticks: int, reviews: int) -> None:
    with pytest.raises(ValueError, match=rf"^{ticks} ticks in {reviews} reviews"):
        in_force(ticks=ticks, reviews=reviews)


def test_cap_lowers_its_own_dimension_to_its_rank_and_never_raises() -> None:
    caps = [Cap("one_level", 1, "depth"), Cap("tour", 2, "depth"), Cap("unbounded", 0)]

    assert capped(3, dimension="depth", caps=caps) == 1
    assert capped(0, dimension="depth", caps=caps) == 0
    assert capped(3, dimension="scope", caps=caps) == 3
    assert capped(None, dimension="depth", caps=caps) is None


@pytest.mark.parametrize(
    ("ranks", "middle"),
    [
        ((2,), 2.0),
        ((1, 2), 1.5),
        ((1, 3), 2.0),
        ((0, 2, 3), 2.0),
        ((None, 3), 3.0),
        ((None,), None),
    ],
)
def test_middle_rank_is_the_median_of_what_was_observed(
    ranks: tuple[int | None, ...], middle: float | None
) -> None:
    assert DimensionRanks("depth", ranks).middle_rank == middle


def test_verdict_is_met_with_two_thirds_and_every_key_at_the_target() -> None:
    found = mechanical_verdict(dimensions(2, 3, 2, 2, 1, 0, keys="ab"), target_rank=STAFF)

    assert found == MechanicalVerdict(reasons=(), observed=6, at_target=4)
    assert found.is_met


def test_verdict_needs_two_thirds_of_the_observed() -> None:
    found = mechanical_verdict(dimensions(2, 3, 2, 1, 1, keys="ab"), target_rank=STAFF)

    assert not found.is_met
    assert found.reasons == (Reason(ReasonCode.TOO_FEW_AT_TARGET, count=3, needed=4),)


def test_verdict_needs_every_key_dimension_at_the_target() -> None:
    found = mechanical_verdict(dimensions(2, 1, 2, 2, 2, 2, keys="ab"), target_rank=STAFF)

    assert found.reasons == (Reason(ReasonCode.KEY_BELOW_TARGET, subjects=("b",)),)


def test_key_dimension_that_nobody_observed_is_not_at_the_target() -> None:
    found = mechanical_verdict(dimensions(2, None, 2, 2, 2, keys="ab"), target_rank=STAFF)

    assert found.reasons == (Reason(ReasonCode.KEY_NOT_OBSERVED, subjects=("b",)),)


@pytest.mark.parametrize(("needed", "is_met"), [(4, False), (3, True)])
def test_verdict_needs_enough_dimensions_observed(needed: int, *, is_met: bool) -> None:
    found = mechanical_verdict(
        dimensions(2, 2, 2, None, keys="a"), target_rank=STAFF, dimensions_needed=needed
    )

    assert found.is_met is is_met
    assert found.observed == 3
    if not is_met:
        assert found.reasons == (Reason(ReasonCode.TOO_FEW_OBSERVED, count=3, needed=4),)


@pytest.mark.parametrize(("rank", "is_met"), [(0, False), (1, False), (2, True), (3, True)])
def test_round_cap_counts_below_the_target_only(rank: int, *, is_met: bool) -> None:
    found = mechanical_verdict(
        dimensions(3, 3, 3, 3), target_rank=STAFF, caps=[Cap("unbounded", rank)]
    )

    assert found.is_met is is_met
    if not is_met:
        assert found.reasons == (Reason(ReasonCode.ROUND_CAPPED, subjects=("unbounded",)),)


def test_dimension_cap_lowers_the_dimension_before_it_is_judged() -> None:
    graded = dimensions(3, 3, 3, 3, keys="a")

    found = mechanical_verdict(graded, target_rank=STAFF, caps=[Cap("short", 1, "a")])

    assert found.reasons == (Reason(ReasonCode.KEY_BELOW_TARGET, subjects=("a",)),)
    assert found.at_target == 3
    assert mechanical_verdict(graded, target_rank=STAFF).is_met


def test_every_reason_is_given_in_a_fixed_order() -> None:
    found = mechanical_verdict(
        dimensions(0, 0, None, keys="abc"), target_rank=STAFF, caps=[Cap("villain", 1)]
    )

    assert [reason.code for reason in found.reasons] == list(ReasonCode)


def test_nothing_observed_is_not_met() -> None:
    found = mechanical_verdict([], target_rank=STAFF)

    assert found.reasons == (Reason(ReasonCode.TOO_FEW_OBSERVED, count=0, needed=4),)


def test_several_graders_are_judged_by_their_medians() -> None:
    split = [DimensionRanks(key, (1, 2)) for key in "abcd"]
    agreed = [DimensionRanks(key, (1, 2, 2)) for key in "abcd"]

    assert not mechanical_verdict(split, target_rank=STAFF).is_met
    assert mechanical_verdict(agreed, target_rank=STAFF).is_met


def test_code_review_round_needs_three_dimensions_and_others_four() -> None:
    assert dimensions_needed_in("em_technical") == 3
    assert dimensions_needed_in("sd_ambiguous") == 4
