"""The estimator against known truth: what it recovers, and what its bands hold."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from feedback.calibration.estimate import Calibration, calibrate
from feedback.calibration.ratings import Observation

DIMENSIONS = 5
SEEDS = range(20)


@dataclass(frozen=True)
class World:
    """What a simulated cohort is made of; standard deviations in levels."""

    attempts: int = 60
    graders: int = 12
    severity: float = 0.35
    halo: float = 0.30
    profile: float = 0.35
    residual: float = 0.45
    difficulty: float = 0.30
    missing: float = 0.10


@dataclass(frozen=True)
class Outcome:
    """One simulated cohort, the truth beside what was found."""

    levels: dict[int, float]
    severities: dict[int, float]
    difficulties: dict[str, float]
    graders: dict[int, int]
    found: Calibration


@cache
def outcomes(world: World) -> tuple[Outcome, ...]:
    return tuple(outcome(world, seed) for seed in SEEDS)


def outcome(world: World, seed: int) -> Outcome:
    """Draw a cohort in which one, two or three graders see an attempt and few do most of it.

    Ranks are the zones that the noisy level falls into, so the model holds only about.
    """
    draw = np.random.default_rng(seed)
    levels = draw.normal(2, 0.65, world.attempts)
    severities = centred(draw.normal(0, world.severity, world.graders))
    difficulties = centred(draw.normal(0, world.difficulty, DIMENSIONS))
    load = 1 / np.sqrt(np.arange(1, world.graders + 1))
    observations = []
    for attempt, level in enumerate(levels):
        profile = centred(draw.normal(0, world.profile, DIMENSIONS))
        count = 1 + attempt % 3
        for grader in draw.choice(world.graders, count, replace=False, p=load / load.sum()):
            view = level - severities[grader] + draw.normal(0, world.halo)
            seen = view + profile - difficulties + draw.normal(0, world.residual, DIMENSIONS)
            observations += [
                Observation(attempt, int(grader), f"d{row}", int(np.clip(np.floor(value), 0, 3)))
                for row, value in enumerate(seen)
                if draw.random() >= world.missing
            ]
    return Outcome(
        levels=dict(enumerate(levels.tolist())),
        severities=dict(enumerate(severities.tolist())),
        difficulties={f"d{row}": value for row, value in enumerate(difficulties.tolist())},
        graders={attempt: 1 + attempt % 3 for attempt in range(world.attempts)},
        found=calibrate(observations),
    )


def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(), dtype=np.float64)


def rmse(errors: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


USUAL = World()
UNEQUAL = World(severity=0.6)
SMALL = World(attempts=18, graders=6)


@pytest.mark.parametrize("world", [USUAL, UNEQUAL, SMALL, World(missing=0.35)])
@pytest.mark.parametrize("graders", [1, 2, 3])
def test_four_of_five_bands_hold_the_truth(world: World, graders: int) -> None:
    holds = [
        abs(one.level - outcome.levels[one.attempt]) <= 1.2815515655 * one.standard_error
        for outcome in outcomes(world)
        for one in outcome.found.attempts
        if outcome.graders[one.attempt] == graders == one.graders
    ]

    assert len(holds) > 100
    assert 0.70 <= np.mean(holds) <= 0.92


@pytest.mark.parametrize(("world", "ratio"), [(USUAL, 0.92), (UNEQUAL, 0.78)])
def test_correcting_for_who_graded_what_beats_the_plain_mean(world: World, ratio: float) -> None:
    corrected, plain = [], []
    for one in outcomes(world):
        for attempt in one.found.attempts:
            corrected.append(attempt.level - one.levels[attempt.attempt])
            plain.append(attempt.raw_level - one.levels[attempt.attempt])

    assert rmse(corrected) <= ratio * rmse(plain)


def test_correcting_costs_next_to_nothing_where_nothing_is_to_correct() -> None:
    corrected, plain = [], []
    for one in outcomes(World(severity=0, difficulty=0)):
        for attempt in one.found.attempts:
            corrected.append(attempt.level - one.levels[attempt.attempt])
            plain.append(attempt.raw_level - one.levels[attempt.attempt])

    assert rmse(corrected) <= 1.03 * rmse(plain)


def test_severities_are_recovered() -> None:
    correlations = [
        np.corrcoef(
            [one.severities[grader.grader] for grader in one.found.graders],
            [grader.severity_levels for grader in one.found.graders],
        )[0, 1]
        for one in outcomes(USUAL)
    ]

    assert np.mean(correlations) > 0.75


def test_severities_are_drawn_towards_nought() -> None:
    truth = [abs(value) for one in outcomes(USUAL) for value in one.severities.values()]
    found = [abs(one.severity_levels) for each in outcomes(USUAL) for one in each.found.graders]

    assert np.mean(found) < 0.9 * np.mean(truth)


def test_difficulties_are_recovered() -> None:
    errors = [
        one.difficulty_levels - outcome.difficulties[one.dimension]
        for outcome in outcomes(USUAL)
        for one in outcome.found.dimensions
    ]

    assert rmse(errors) < 0.12


@pytest.mark.parametrize("seed", range(5))
def test_known_severities_come_back_in_sign_and_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    known = [-0.7, -0.35, 0.0, 0.35, 0.7]
    observations = [
        Observation(attempt, grader, f"d{dimension}", int(np.clip(np.floor(value), 0, 3)))
        for attempt, level in enumerate(draw.normal(2, 0.5, 40))
        for grader, severity in enumerate(known)
        for dimension, value in enumerate(level - severity + draw.normal(0, 0.5, DIMENSIONS))
    ]

    found = [one.severity_levels for one in calibrate(observations).graders]

    assert found == sorted(found)
    assert found[0] < found[1] < -0.1 < found[2] < 0.1 < found[3] < found[4]


def test_two_pools_that_never_meet_are_told_apart_and_not_compared() -> None:
    draw = np.random.default_rng(3)
    observations = [
        Observation(100 * pool + attempt, 10 * pool + grader, f"d{dimension}", rank)
        for pool, centre in ((0, 1), (1, 2))
        for attempt in range(20)
        for grader in draw.choice(6, 2, replace=False).tolist()
        for dimension, rank in enumerate(draw.integers(centre - 1, centre + 2, 4).tolist())
    ]

    found = calibrate(observations)

    assert found.components == 2
    for pool in (0, 1):
        within = [one.severity_levels for one in found.graders if one.grader // 10 == pool]
        assert sum(within) == pytest.approx(0, abs=1e-9)
