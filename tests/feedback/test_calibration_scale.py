"""The level scale: ranks, bars and bands."""

import pytest

from feedback.calibration.scale import band, bar_of_rank, clipped, level_of_rank


def test_rank_sits_in_the_middle_of_its_zone_and_the_bar_at_its_start() -> None:
    assert [level_of_rank(rank) for rank in range(4)] == [0.5, 1.5, 2.5, 3.5]
    assert [bar_of_rank(rank) for rank in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_band_holds_eighty_of_a_hundred() -> None:
    assert band(2.0, 0.5) == pytest.approx((2 - 0.640776, 2 + 0.640776), abs=1e-6)


def test_band_and_level_end_where_the_scale_ends() -> None:
    assert band(3.9, 1.0) == pytest.approx((3.9 - 1.281552, 4.0), abs=1e-6)
    assert band(0.1, 1.0) == pytest.approx((0.0, 0.1 + 1.281552), abs=1e-6)
    assert (clipped(-0.1), clipped(1.2), clipped(4.1)) == (0.0, 1.2, 4.0)
