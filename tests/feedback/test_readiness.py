"""The reading of a round: states, gates, next steps, and what no evidence can do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from feedback.calibration.priors import OCCASION_VARIANCE
from feedback.readiness import (
    Answer,
    Gate,
    Kind,
    NextStep,
    Reading,
    State,
    Step,
    Waiting,
    read_round,
)
from feedback.verdict import Cap

NOW = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
STAFF = 2
Z_80 = 1.2815515655446004
UNBOUNDED = Cap("unbounded", rank=1)

quick = settings(max_examples=150, deadline=None)


def answer(number: int, **changes: object) -> Answer:
    """Make a good live answer, one of many alike: own prompt, own grader, a day old."""
    usual = Answer(
        attempt_id=number,
        prompt_key=f"prompt-{number}",
        kind=Kind.LIVE,
        answered_at=NOW - timedelta(days=1),
        level=3.0,
        standard_error=0.3,
        graders=frozenset({number}),
        is_met=True,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def answers(count: int, **changes: object) -> list[Answer]:
    return [answer(number, **changes) for number in range(1, count + 1)]


def days(count: float) -> timedelta:
    return timedelta(days=count)


kinds = st.sampled_from(list(Kind))
numbers = st.floats(0.5, 3.5)
ages = st.integers(0, 400).map(days)


@st.composite
def rounds(draw: st.DrawFn, least: int = 0) -> list[Answer]:
    """Draw a round's answers, with prompts and graders repeated and some of them capped."""
    centre = draw(numbers)
    return [
        Answer(
            attempt_id=number,
            prompt_key=draw(st.sampled_from("abcde")),
            kind=draw(kinds),
            answered_at=NOW - draw(ages),
            level=centre + draw(st.floats(-0.5, 0.5)),
            standard_error=draw(st.floats(0.05, 0.6)),
            graders=draw(st.frozensets(st.integers(1, 5), min_size=1, max_size=3)),
            is_met=draw(st.booleans()),
            caps=draw(st.sampled_from([(), (), (), (UNBOUNDED,), (Cap("silent", rank=2),)])),
            is_followed_up=draw(st.booleans()),
        )
        for number in range(draw(st.integers(least, 8)))
    ]


targets = st.integers(1, 3)
ORDER = list(State)


# State words


def test_states_run_from_the_least_to_the_most() -> None:
    assert ORDER == [
        "no_evidence",
        "too_little_evidence",
        "below_bar",
        "cannot_tell",
        "at_bar",
    ]


def test_nothing_is_no_evidence() -> None:
    found = read_round([], STAFF, NOW)

    assert found == Reading(
        state=State.NO_EVIDENCE,
        level=None,
        low=None,
        high=None,
        bar=2.0,
        answers=0,
        retakes=0,
        met=0,
        prompts=0,
        graders=0,
        has_live=False,
        newest_at=None,
        active_caps=(),
        missing_gates=(Gate.PROMPTS, Gate.GRADERS, Gate.LIVE_MOCK, Gate.FRESH_ANSWER),
        next_step=NextStep(Step.RECORD_FIRST),
        state_then=State.NO_EVIDENCE,
        waiting=Waiting(),
    )


@pytest.mark.parametrize("level", [0.5, 3.5])
@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_answers_are_too_little_evidence(count: int, level: float) -> None:
    found = read_round(answers(count, level=level), STAFF, NOW)

    assert found.state is State.TOO_LITTLE_EVIDENCE
    assert found.level == pytest.approx(level)


def test_band_above_the_bar_with_every_gate_open_is_at_bar() -> None:
    found = read_round(answers(3), STAFF, NOW)

    assert found.state is State.AT_BAR
    assert found.missing_gates == ()
    assert found.next_step == NextStep(Step.KEEP_WARM)
    assert (found.answers, found.met, found.prompts, found.graders) == (3, 3, 3, 3)


def test_band_under_the_bar_with_three_answers_is_below_bar_whatever_the_gates() -> None:
    found = read_round(
        answers(3, level=1.0, kind=Kind.RECORDED, prompt_key="one", graders=frozenset({1})),
        STAFF,
        NOW,
    )

    assert found.state is State.BELOW_BAR
    assert found.missing_gates == (Gate.PROMPTS, Gate.GRADERS, Gate.LIVE_MOCK)


def test_band_across_the_bar_cannot_be_told() -> None:
    found = read_round(answers(3, level=2.1), STAFF, NOW)

    assert found.state is State.CANNOT_TELL
    assert found.missing_gates == ()
    assert found.low is not None
    assert found.high is not None
    assert found.low < 2 < found.high


def test_lower_end_at_the_bar_to_the_dot_is_at_bar_and_under_it_is_not() -> None:
    reach = Z_80 * ((OCCASION_VARIANCE + 0.09) / 3) ** 0.5

    def state(level: float) -> State:
        return read_round(answers(3, level=level, answered_at=NOW), STAFF, NOW).state

    assert state(2 + reach + 1e-9) is State.AT_BAR
    assert state(2 + reach - 1e-9) is State.CANNOT_TELL
    assert state(2 - reach + 1e-9) is State.CANNOT_TELL
    assert state(2 - reach - 1e-9) is State.BELOW_BAR


@pytest.mark.parametrize(
    ("gate", "given"),
    [
        (Gate.PROMPTS, [*answers(2), answer(3, prompt_key="prompt-1")]),
        (Gate.GRADERS, [*answers(2), answer(3, graders=frozenset({1, 2}))]),
        (Gate.LIVE_MOCK, answers(6, kind=Kind.RECORDED)),
        (Gate.FRESH_ANSWER, answers(6, answered_at=NOW - days(45) - timedelta(seconds=1))),
        (Gate.NO_ACTIVE_CAP, [*answers(2), answer(3, caps=(UNBOUNDED,))]),
    ],
)
def test_each_shut_gate_alone_holds_at_bar_back(gate: Gate, given: list[Answer]) -> None:
    found = read_round(given, STAFF, NOW)

    assert found.missing_gates == (gate,)
    assert found.low is not None
    assert found.low >= found.bar
    assert found.state is State.CANNOT_TELL


def test_answer_of_forty_five_days_is_fresh() -> None:
    found = read_round(answers(6, answered_at=NOW - days(45)), STAFF, NOW)

    assert found.state is State.AT_BAR


def test_reading_remembers_what_it_was_when_the_newest_answer_was_given() -> None:
    found = read_round(answers(6), STAFF, NOW + days(100))

    assert (found.state, found.state_then) == (State.CANNOT_TELL, State.AT_BAR)
    assert found.newest_at == NOW - days(1)


@pytest.mark.parametrize("target", [1, 2, 3])
def test_bar_is_where_the_target_begins(target: int) -> None:
    assert read_round([], target, NOW).bar == target


@pytest.mark.parametrize("target", [0, 4])
def test_target_off_the_ladder_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match=rf"^Rank {target} is no target"):
        read_round([], target, NOW)


def test_attempt_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        read_round([answer(1), answer(1, level=2.0)], STAFF, NOW)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="rehearsal"):
        read_round([answer(1, kind="rehearsal")], STAFF, NOW)


# Level and band


def test_one_live_answer_has_the_noise_of_the_occasion_and_of_its_grading() -> None:
    found = read_round([answer(1, level=2.4, answered_at=NOW)], STAFF, NOW)

    reach = Z_80 * (OCCASION_VARIANCE + 0.3**2) ** 0.5
    assert found.level == pytest.approx(2.4)
    assert found.low == pytest.approx(2.4 - reach)
    assert found.high == pytest.approx(2.4 + reach)


@pytest.mark.parametrize(
    ("changes", "weight"),
    [
        ({"kind": "live"}, 1.0),
        ({"kind": "live", "is_followed_up": True}, 1.0),
        ({"kind": "recorded", "is_followed_up": True}, 0.8),
        ({"kind": "recorded"}, 0.6),
        ({"kind": "retake", "is_followed_up": True}, 0.2),
    ],
)
def test_kinds_weigh_as_evidence_should(changes: dict[str, object], weight: float) -> None:
    live = answer(1, level=1.0)
    other = answer(2, level=3.0, answered_at=live.answered_at, **changes)

    found = read_round([live, other], STAFF, NOW)

    assert found.level == pytest.approx((1.0 + weight * 3.0) / (1 + weight))


def test_answer_sixty_days_older_weighs_half() -> None:
    old = answer(1, level=1.0, answered_at=NOW - days(61))
    new = answer(2, level=3.0, answered_at=NOW - days(1))

    assert read_round([old, new], STAFF, NOW).level == pytest.approx((0.5 * 1 + 3) / 1.5)


def test_waiting_sinks_the_lower_end_alone_and_doubles_its_reach_in_four_months() -> None:
    given = answers(4, level=2.0, answered_at=NOW)

    fresh, later = read_round(given, STAFF, NOW), read_round(given, STAFF, NOW + days(120))

    assert fresh.low is not None
    assert later.low == pytest.approx(2 - 2 * (2 - fresh.low))
    assert (later.level, later.high) == (fresh.level, fresh.high)


def test_level_and_band_end_where_the_scale_ends() -> None:
    found = read_round([answer(1, level=4.3)], STAFF, NOW + days(3650))

    assert (found.low, found.level, found.high) == (0.0, 4.0, 4.0)


# Retakes


def test_retake_moves_the_level_but_is_no_answer_and_opens_no_gate() -> None:
    retake = answer(9, kind=Kind.RETAKE, prompt_key="prompt-1", level=1.0, answered_at=NOW)

    before = read_round(answers(2), STAFF, NOW)
    after = read_round([*answers(2), retake], STAFF, NOW)

    assert before.level is not None
    assert after.level is not None
    assert after.level < before.level
    assert (after.answers, after.retakes, after.prompts, after.graders) == (2, 1, 2, 2)
    assert after.newest_at == before.newest_at
    assert after.state is State.TOO_LITTLE_EVIDENCE


def test_only_the_newest_retake_of_a_prompt_moves_the_level() -> None:
    first = answer(8, kind=Kind.RETAKE, prompt_key="prompt-1", level=0.5, answered_at=NOW - days(3))
    second = answer(9, kind=Kind.RETAKE, prompt_key="prompt-1", level=2.5, answered_at=NOW)

    both = read_round([*answers(3), first, second], STAFF, NOW)
    newest = read_round([*answers(3), second], STAFF, NOW)

    assert (both.level, both.low, both.high) == (newest.level, newest.low, newest.high)
    assert (both.retakes, newest.retakes) == (2, 1)


def test_retakes_alone_are_too_little_evidence() -> None:
    given = answers(5, kind=Kind.RETAKE)

    found = read_round(given, STAFF, NOW)

    assert found.state is State.TOO_LITTLE_EVIDENCE
    assert (found.answers, found.prompts, found.has_live) == (0, 0, False)
    assert found.next_step == NextStep(Step.RECORD_FIRST)


# Caps


def test_cap_is_active_until_an_answer_goes_without_it() -> None:
    capped = answer(1, caps=(UNBOUNDED,), answered_at=NOW - days(3))
    clean = answer(2, answered_at=NOW - days(2))

    assert read_round([capped], STAFF, NOW).active_caps == ("unbounded",)
    assert read_round([capped, clean], STAFF, NOW).active_caps == ()


def test_another_cap_or_a_retake_does_not_lift_a_cap() -> None:
    capped = answer(1, caps=(UNBOUNDED,), answered_at=NOW - days(3))
    silent = answer(2, caps=(UNBOUNDED, Cap("silent", rank=0)), answered_at=NOW - days(2))
    retake = answer(3, kind=Kind.RETAKE, answered_at=NOW - days(1))

    assert read_round([capped, silent, retake], STAFF, NOW).active_caps == ("silent", "unbounded")


def test_cap_raised_on_a_retake_is_active() -> None:
    clean = answer(1, answered_at=NOW - days(3))
    retake = answer(3, kind=Kind.RETAKE, caps=(UNBOUNDED,), answered_at=NOW - days(2))

    assert read_round([clean, retake], STAFF, NOW).active_caps == ("unbounded",)


def test_cap_last_raised_comes_first() -> None:
    given = [
        answer(1, caps=(Cap("silent", rank=0), UNBOUNDED), answered_at=NOW - days(3)),
        answer(2, caps=(UNBOUNDED, Cap("villain", rank=1)), answered_at=NOW - days(2)),
    ]

    assert read_round(given, STAFF, NOW).active_caps == ("unbounded", "villain")


def test_cap_at_the_target_caps_nothing_there() -> None:
    given = answers(3, caps=(Cap("invented_facts", rank=2),), level=3.9)

    assert read_round(given, STAFF, NOW).active_caps == ()
    assert read_round(given, STAFF + 1, NOW).active_caps == ("invented_facts",)


# Next steps


@pytest.mark.parametrize(
    ("given", "waiting", "step"),
    [
        ([], Waiting(), NextStep(Step.RECORD_FIRST)),
        ([], Waiting(answers=1), NextStep(Step.AWAIT_REVIEWS, count=1)),
        ([], Waiting(answers=1, to_open=2), NextStep(Step.OPEN_REVIEWS, count=2)),
        (answers(3), Waiting(to_open=1), NextStep(Step.OPEN_REVIEWS, count=1)),
        (answers(1), Waiting(), NextStep(Step.NEW_PROMPT, count=2)),
        (answers(2), Waiting(), NextStep(Step.NEW_PROMPT, count=1)),
        (answers(1), Waiting(answers=1), NextStep(Step.NEW_PROMPT, count=1)),
        (answers(1), Waiting(answers=2), NextStep(Step.AWAIT_REVIEWS, count=2)),
        (answers(3, caps=(UNBOUNDED,)), Waiting(), NextStep(Step.REPAIR_CAP, downcode="unbounded")),
        (answers(3), Waiting(answers=1), NextStep(Step.KEEP_WARM)),
        (answers(3, level=0.5), Waiting(), NextStep(Step.NEW_PROMPT)),
        (answers(3, level=0.5, kind="recorded"), Waiting(), NextStep(Step.NEW_PROMPT)),
        (answers(6, kind="recorded"), Waiting(), NextStep(Step.LIVE_MOCK)),
        (answers(6, prompt_key="one"), Waiting(), NextStep(Step.NEW_PROMPT, count=2)),
        (answers(6, answered_at=NOW - days(46)), Waiting(), NextStep(Step.NEWER_ANSWER)),
        (
            answers(6, graders=frozenset({1})),
            Waiting(),
            NextStep(Step.ANOTHER_GRADER, count=2),
        ),
        (answers(3, level=2.1), Waiting(), NextStep(Step.NEW_PROMPT)),
    ],
)
def test_next_step_is_what_would_move_the_reading_most(
    given: list[Answer], waiting: Waiting, step: NextStep
) -> None:
    found = read_round(given, STAFF, NOW, waiting)

    assert found.next_step == step
    assert found.waiting == waiting


# What no evidence can do


@quick
@given(kinds, st.floats(0, 0.5), targets)
def test_one_perfect_attempt_never_shows_at_bar(kind: Kind, error: float, target: int) -> None:
    perfect = answer(
        1,
        kind=kind,
        level=4.0,
        standard_error=error,
        graders=frozenset(range(10)),
        answered_at=NOW,
        is_followed_up=True,
    )

    assert read_round([perfect], target, NOW).state is State.TOO_LITTLE_EVIDENCE


@quick
@given(rounds(), targets, ages)
def test_at_bar_means_that_every_gate_is_open(
    given: list[Answer], target: int, later: timedelta
) -> None:
    found = read_round(given, target, NOW + later)

    if found.state is State.AT_BAR:
        takes = [one for one in given if one.kind != Kind.RETAKE]
        assert found.low is not None
        assert found.low >= target
        assert len({one.prompt_key for one in takes}) >= 3
        assert len({grader for one in takes for grader in one.graders}) >= 3
        assert any(one.kind == Kind.LIVE for one in takes)
        assert NOW + later - max(one.answered_at for one in takes) <= days(45)
        newest = max(takes, key=lambda one: one.answered_at)
        assert all(cap.rank >= target for cap in newest.caps)
    assert (found.state is State.AT_BAR) <= (found.missing_gates == ())


@quick
@given(rounds(), targets)
def test_every_state_is_what_its_words_say(given: list[Answer], target: int) -> None:
    found = read_round(given, target, NOW)

    if found.low is None or found.high is None:
        assert (found.state, given) == (State.NO_EVIDENCE, [])
    elif found.state is State.TOO_LITTLE_EVIDENCE:
        assert found.answers < 3
    elif found.state is State.BELOW_BAR:
        assert found.high < target
        assert found.answers >= 3
    elif found.state is State.CANNOT_TELL:
        assert found.answers >= 3
        assert found.high >= target
        assert found.low < target or found.missing_gates
    else:
        assert found.state is State.AT_BAR


@quick
@given(rounds(), targets, ages, ages)
def test_ageing_never_raises_a_state_nor_narrows_a_band_nor_moves_a_level(
    given: list[Answer], target: int, first: timedelta, more: timedelta
) -> None:
    sooner = read_round(given, target, NOW + first)
    later = read_round(given, target, NOW + first + more)

    assert ORDER.index(later.state) <= ORDER.index(sooner.state)
    assert later.level == sooner.level
    assert later.high == sooner.high
    if sooner.low is not None:
        assert later.low is not None
        assert later.low <= sooner.low
    assert set(sooner.missing_gates) <= set(later.missing_gates)


def test_an_age_of_the_world_is_survived() -> None:
    later = datetime(9999, 1, 1, tzinfo=UTC)
    given = [*answers(3, level=1.0), answer(9, answered_at=datetime(1, 1, 1, tzinfo=UTC))]

    found = read_round(given, STAFF, later)

    assert (found.state, found.low) == (State.BELOW_BAR, 0.0)


@quick
@given(st.data(), rounds(), targets)
def test_order_of_answers_does_not_matter(
    data: st.DataObject, given: list[Answer], target: int
) -> None:
    shuffled = data.draw(st.permutations(given))

    assert read_round(shuffled, target, NOW) == read_round(given, target, NOW)


@quick
@given(
    rounds(),
    st.sampled_from([Kind.LIVE, Kind.RECORDED]),
    st.floats(0.1, 0.8),
    st.floats(0.5, 1.0),
)
def test_second_grader_narrows_less_than_a_new_prompt_with_one_grader(
    given: list[Answer], kind: Kind, error: float, kept: float
) -> None:
    """All else equal: same kind, same day, every single grading equally sure.

    A second grader leaves at best half of the variance of the first one's grading, and at worst
    all of it (`kept`), as where severities are unknown. Levels keep off the ends of the scale.
    """
    others = [replace(one, level=2.0) for one in given]
    one = answer(100, kind=kind, level=2.0, standard_error=error, answered_at=NOW)
    regraded = replace(one, standard_error=error * kept**0.5, graders=frozenset({100, 101}))
    prompt = replace(one, attempt_id=101, prompt_key="another", graders=frozenset({101}))

    before = width(read_round([*others, one], STAFF, NOW))
    with_grader = width(read_round([*others, regraded], STAFF, NOW))
    with_prompt = width(read_round([*others, one, prompt], STAFF, NOW))

    assert with_prompt < with_grader <= before


@quick
@given(rounds(least=1), st.sampled_from([Kind.LIVE, Kind.RECORDED]))
def test_answer_of_the_newest_day_always_narrows_the_band(given: list[Answer], kind: Kind) -> None:
    takes = [one for one in given if one.is_first_take]
    assume(takes)
    newest = max(one.answered_at for one in takes)
    others = [replace(one, level=2.0) for one in given]
    more = answer(100, kind=kind, level=2.0, answered_at=newest)

    before = read_round(others, STAFF, newest)
    after = read_round([*others, more], STAFF, newest)

    assert width(after) < width(before)


def width(reading: Reading) -> float:
    assert reading.low is not None
    assert reading.high is not None
    return reading.high - reading.low
