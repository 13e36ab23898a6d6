"""The estimator: hand-computed examples, and what holds whatever the ratings are."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.calibration import priors
from feedback.calibration.estimate import CODE_VERSION, Calibration, calibrate
from feedback.calibration.ratings import Observation

quick = settings(max_examples=60, deadline=None)


@st.composite
def ratings(draw: st.DrawFn, highest: int = 3, lowest: int | None = None) -> list[Observation]:
    """Draw the ratings of a few attempts, many of them missing or not observed."""
    ranks = st.integers(0 if lowest is None else lowest, highest)
    cells = st.tuples(st.integers(1, 5), st.integers(1, 4), st.sampled_from("abcd"))
    rated = draw(st.dictionaries(cells, ranks if lowest is not None else st.none() | ranks))
    return [Observation(*cell, rank) for cell, rank in rated.items()]


def grades(attempt: int, grader: int, *ranks: int | None) -> list[Observation]:
    """Lay out one review: the ranks on dimensions a, b, c and so on."""
    return [
        Observation(attempt, grader, dimension, rank)
        for dimension, rank in zip("abcdefgh", ranks, strict=False)
    ]


def levels(calibration: Calibration) -> dict[int, float]:
    return {one.attempt: one.level for one in calibration.attempts}


def errors(calibration: Calibration) -> dict[int, float]:
    return {one.attempt: one.standard_error for one in calibration.attempts}


def severities(calibration: Calibration) -> dict[int, float]:
    return {one.grader: one.severity_levels for one in calibration.graders}


def difficulties(calibration: Calibration) -> dict[str, float]:
    return {one.dimension: one.difficulty_levels for one in calibration.dimensions}


# Little or nothing


def test_nothing_calibrates_to_nothing() -> None:
    found = calibrate([])

    assert (found.attempts, found.graders, found.dimensions) == ((), (), ())
    assert found.agreement is None
    assert found.components == 0
    assert found.is_converged
    assert found.code_version == CODE_VERSION


def test_single_rating_stands_where_it_was_put_with_the_whole_assumed_error() -> None:
    (attempt,) = calibrate([Observation(7, 3, "depth", 3)]).attempts

    error = math.sqrt(priors.HALO_VARIANCE + priors.RESIDUAL_VARIANCE + priors.SEVERITY_VARIANCE)
    assert attempt.level == 3.5
    assert attempt.standard_error == pytest.approx(error)
    assert attempt.low == pytest.approx(3.5 - 1.2815515655 * error)
    assert attempt.high == 4.0
    assert (attempt.raw_level, attempt.graders, attempt.component) == (3.5, 1, 0)


def test_review_of_five_dimensions_has_the_error_that_research_gives_one_rater() -> None:
    (attempt,) = calibrate(grades(1, 1, 2, 2, 2, 2, 2)).attempts

    # Five equal ratings are a little evidence for little noise, hence not quite equal.
    assert attempt.standard_error**2 == pytest.approx(priors.RATER_VARIANCE, rel=0.10)
    assert attempt.standard_error**2 < priors.RATER_VARIANCE


def test_severity_prior_halves_a_shift_at_eight_shared_gradings() -> None:
    comparison = 2 * priors.REVIEW_VARIANCE / 8

    kept = priors.SEVERITY_VARIANCE / (priors.SEVERITY_VARIANCE + comparison)
    assert kept == pytest.approx(0.5)
    assert pytest.approx(priors.RATER_VARIANCE) == (
        priors.REVIEW_VARIANCE + priors.SEVERITY_VARIANCE
    )


def test_nothing_observed_leaves_graders_and_dimensions_at_nought() -> None:
    found = calibrate(grades(1, 4, None, None))

    assert found.attempts == ()
    assert severities(found) == {4: 0.0}
    assert difficulties(found) == {"a": 0.0, "b": 0.0}
    assert found.graders[0].standard_error == pytest.approx(math.sqrt(priors.SEVERITY_VARIANCE))
    assert (found.graders[0].attempts, found.graders[0].graded) == (0, 0)
    assert [one.ratings for one in found.dimensions] == [0, 0]


def test_equal_ratings_everywhere_leave_nothing_to_correct() -> None:
    found = calibrate(
        [one for attempt in (1, 2, 3) for grader in (1, 2) for one in grades(attempt, grader, 1, 1)]
    )

    assert levels(found) == dict.fromkeys((1, 2, 3), pytest.approx(1.5))
    assert severities(found) == dict.fromkeys((1, 2), pytest.approx(0, abs=1e-12))
    assert difficulties(found) == dict.fromkeys("ab", pytest.approx(0, abs=1e-12))
    assert found.agreement is None
    assert found.agreed.exact == 1.0


# By hand


def test_two_graders_a_level_apart_share_the_difference() -> None:
    found = calibrate([Observation(1, 1, "a", 1), Observation(1, 2, "a", 2)])

    noise = found.variances.halo + found.variances.residual
    severity = found.variances.severity
    shift = 0.5 * severity / (severity + noise)
    assert severities(found) == {
        1: pytest.approx(shift, rel=1e-4),
        2: pytest.approx(-shift, rel=1e-4),
    }
    assert levels(found) == {1: pytest.approx(2.0)}
    assert errors(found) == {1: pytest.approx(math.sqrt((noise + severity) / 2), rel=1e-4)}


def test_ratings_are_mean_less_shift() -> None:
    found = calibrate([*grades(1, 1, 1, 1), *grades(1, 2, 2, 2), *grades(2, 1, 2, 2)])

    severe, lenient = found.graders
    assert severe.shift == severe.severity_levels > 0
    assert lenient.shift == lenient.severity_levels < 0
    assert levels(found)[2] == pytest.approx(2.5 + severe.shift)
    assert found.attempts[1].raw_level == 2.5


def test_dimension_contrast_is_shrunk_by_ridge() -> None:
    found = calibrate(grades(1, 1, 1, 3))

    ridge = found.variances.residual / priors.DIFFICULTY_VARIANCE
    assert difficulties(found) == {
        "a": pytest.approx(1 / (1 + ridge), rel=1e-4),
        "b": pytest.approx(-1 / (1 + ridge), rel=1e-4),
    }
    assert levels(found) == {1: pytest.approx(2.5)}


def test_attempt_is_not_punished_for_what_was_not_observed() -> None:
    whole = [one for attempt in range(1, 21) for one in grades(attempt, 1, 1, 3)]
    found = calibrate([*whole, *grades(21, 1, 1, None), *grades(22, 1, None, 3)])

    # Dimension a is rated a level lower than the average one, b a level higher; 1.5 and 3.5 raw.
    assert difficulties(found)["a"] == pytest.approx(1, abs=0.05)
    assert levels(found)[21] == pytest.approx(2.5, abs=0.05)
    assert levels(found)[22] == pytest.approx(2.5, abs=0.05)
    # What is not known of the contrast of a and b, 20 reviews and the ridge, is half in each.
    ridge = found.variances.residual / priors.DIFFICULTY_VARIANCE
    assert errors(found)[21] ** 2 == pytest.approx(
        found.variances.halo
        + found.variances.residual
        + found.variances.residual / (20 + ridge) / 2
        + found.variances.severity
    )


def test_grader_alone_with_an_attempt_says_nothing_about_severity() -> None:
    shared = [*grades(1, 1, 2, 2), *grades(1, 2, 2, 2)]
    alone = [one for attempt in range(2, 12) for one in grades(attempt, 3, 0, 0)]

    found = calibrate([*shared, *alone])

    assert severities(found)[3] == 0.0
    assert (found.graders[2].attempts, found.graders[2].graded) == (0, 10)
    assert (found.graders[0].attempts, found.graders[0].graded) == (1, 1)


def test_shift_is_at_most_half_a_level_and_the_rest_widens_the_band() -> None:
    found = calibrate(
        [
            one
            for attempt in range(60)
            for grader, rank in ((1, 0), (2, 3), (3, 3), (4, 3))
            for one in grades(attempt, grader, rank, rank, rank)
        ]
        + grades(99, 1, 0, 0, 0)
    )

    severe = found.graders[0]
    assert severe.severity_levels > 1
    assert severe.shift == 0.5
    assert levels(found)[99] == 1.0
    assert errors(found)[99] > severe.severity_levels - 0.5


def test_harsher_ratings_make_a_grader_more_severe() -> None:
    others = [
        one
        for attempt in range(6)
        for grader in (1, 2, 3)
        for one in grades(attempt, grader, 2, (attempt + grader) % 2 + 1)
    ]
    before = calibrate([*others, *(one for a in range(6) for one in grades(a, 4, 2, 2))])
    after = calibrate([*others, *(one for a in range(6) for one in grades(a, 4, 1, 1))])

    assert severities(after)[4] > severities(before)[4] + 0.2
    assert all(severities(after)[one] < severities(before)[one] for one in (1, 2, 3))


def test_strangers_are_components_and_are_not_compared() -> None:
    low = [one for a in (1, 2) for g in (1, 2) for one in grades(a, g, 0, 1)]
    high = [one for a in (3, 4, 5) for g in (3, 4) for one in grades(a, g, 3, 2)]

    found = calibrate([*low, *high])

    assert {one.attempt: one.component for one in found.attempts} == {1: 1, 2: 1, 3: 0, 4: 0, 5: 0}
    assert found.components == 2
    assert severities(found)[1] + severities(found)[2] == pytest.approx(0, abs=1e-9)
    assert severities(found)[3] + severities(found)[4] == pytest.approx(0, abs=1e-9)
    assert levels(found)[1] == pytest.approx(1.0)
    assert levels(found)[3] == pytest.approx(3.0)


def test_more_graders_mean_a_narrower_band() -> None:
    counts = [1, 2, 3, 5, 8]

    found = [
        errors(calibrate([one for g in range(n) for one in grades(1, g, 2, 2, 1, 3, 2)]))[1]
        for n in counts
    ]

    assert found == sorted(found, reverse=True)
    assert found[0] > 1.3 * found[1]


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_second_grader_narrows_the_band_even_two_levels_apart(gap: int) -> None:
    once = grades(1, 1, 0, 0, 0, 0, 0)
    twice = [*once, *grades(1, 2, gap, gap, gap, gap, gap)]

    assert errors(calibrate(twice))[1] < 0.9 * errors(calibrate(once))[1]


def test_graders_at_the_two_ends_of_the_scale_widen_the_band_a_little() -> None:
    once = grades(1, 1, 0, 0, 0, 0, 0)
    twice = [*once, *grades(1, 2, 3, 3, 3, 3, 3)]

    before, after = errors(calibrate(once))[1], errors(calibrate(twice))[1]

    assert before < after < before + 0.1


def test_one_disagreement_says_little_about_severity() -> None:
    once = calibrate([*grades(1, 1, 0, 0, 0, 0, 0), *grades(1, 2, 3, 3, 3, 3, 3)])
    often = calibrate(
        [
            one
            for attempt in range(8)
            for one in [*grades(attempt, 1, 0, 0, 0, 0, 0), *grades(attempt, 2, 3, 3, 3, 3, 3)]
        ]
    )

    assert 0 < severities(once)[1] < 0.2
    assert severities(often)[1] > 1


def test_agreement_is_given_for_each_dimension() -> None:
    found = calibrate(
        [*grades(1, 1, 0, 2), *grades(1, 2, 0, 1), *grades(2, 1, 3, 2), *grades(2, 2, 3, None)]
    )

    a, b = found.dimensions
    assert (a.dimension, a.agreement, a.ratings) == ("a", 1.0, 4)
    assert b.agreement == pytest.approx(0.0)
    assert (b.ratings, b.agreed.exact, b.agreed.adjacent) == (3, 0.0, 1.0)


# Whatever the ratings are


def assert_sound(found: Calibration) -> None:
    for attempt in found.attempts:
        assert math.isfinite(attempt.level)
        assert 0 < attempt.standard_error < 3
        assert 0 <= attempt.low <= attempt.shown_level <= attempt.high <= 4
        assert attempt.graders >= 1
        assert 0 <= attempt.component < found.components
    for grader in found.graders:
        assert abs(grader.shift) <= 0.5
        assert abs(grader.shift) <= abs(grader.severity_levels) < 3
        assert 0 < grader.standard_error < 3
        assert 0 <= grader.attempts <= grader.graded
    assert sum(difficulties(found).values()) == pytest.approx(0, abs=1e-9)
    assert found.is_converged


@quick
@given(ratings())
def test_any_ratings_give_finite_sound_results(observations: list[Observation]) -> None:
    found = calibrate(observations)

    assert_sound(found)
    assert {one.attempt for one in found.attempts} == {
        one.attempt for one in observations if one.rank is not None
    }
    assert {one.grader for one in found.graders} == {one.grader for one in observations}


@quick
@given(st.data(), ratings())
def test_order_of_input_changes_no_bit(
    data: st.DataObject, observations: list[Observation]
) -> None:
    shuffled: Sequence[Observation] = data.draw(st.permutations(observations))

    assert calibrate(shuffled) == calibrate(observations)


@quick
@given(ratings())
def test_not_observed_is_the_same_as_no_rating(observations: list[Observation]) -> None:
    without = calibrate([one for one in observations if one.rank is not None])
    found = calibrate(observations)

    assert levels(found) == pytest.approx(levels(without), abs=1e-9)
    assert errors(found) == pytest.approx(errors(without), abs=1e-9)
    assert {
        one.grader: one.severity_levels for one in found.graders if one.graded
    } == pytest.approx(severities(without), abs=1e-9)


@quick
@given(ratings(), st.permutations(range(1, 6)), st.permutations(range(1, 5)))
def test_names_of_attempts_and_graders_do_not_matter(
    observations: list[Observation], attempts: list[int], graders: list[int]
) -> None:
    renamed = [
        Observation(attempts[one.attempt - 1], graders[one.grader - 1], one.dimension, one.rank)
        for one in observations
    ]

    before, after = calibrate(observations), calibrate(renamed)

    assert levels(after) == {
        attempts[attempt - 1]: pytest.approx(level, abs=1e-8)
        for attempt, level in levels(before).items()
    }
    assert severities(after) == {
        graders[grader - 1]: pytest.approx(severity, abs=1e-8)
        for grader, severity in severities(before).items()
    }


@quick
@given(ratings(lowest=0, highest=2))
def test_raising_every_rating_by_a_rank_raises_every_level_by_one_and_nothing_else(
    observations: list[Observation],
) -> None:
    raised = [
        Observation(one.attempt, one.grader, one.dimension, (one.rank or 0) + 1)
        for one in observations
    ]

    before, after = calibrate(observations), calibrate(raised)

    assert levels(after) == {
        attempt: pytest.approx(level + 1, abs=1e-8) for attempt, level in levels(before).items()
    }
    assert errors(after) == pytest.approx(errors(before), abs=1e-8)
    assert severities(after) == pytest.approx(severities(before), abs=1e-8)
    assert difficulties(after) == pytest.approx(difficulties(before), abs=1e-8)


@quick
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_second_grader_who_agrees_with_the_first_narrows_the_band(ranks: list[int]) -> None:
    once = grades(1, 1, *ranks)
    twice = [*once, *grades(1, 2, *ranks)]

    assert errors(calibrate(twice))[1] < 0.75 * errors(calibrate(once))[1]
