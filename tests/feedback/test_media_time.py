"""Media times as people write and read them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from feedback.forms import MediaTimeField
from feedback.media_time import (
    Moment,
    media_span_words,
    media_time_words,
    moment_of,
    parse_media_time,
)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0:00"),
        (999, "0:00"),
        (95_000, "1:35"),
        (599_999, "9:59"),
        (3_599_000, "59:59"),
        (3_600_000, "1:00:00"),
        (5_405_000, "1:30:05"),
    ],
)
def test_words_of_a_time(ms: int, words: str) -> None:
    assert media_time_words(ms) == words


def test_words_of_a_span_and_of_an_instant() -> None:
    assert media_span_words(95_000, 140_000) == "1:35–2:20"
    assert media_span_words(95_000, 95_400) == "1:35"


@pytest.mark.parametrize(
    ("text", "ms"),
    [("1:35", 95_000), (" 12:05 ", 725_000), ("95", 95_000), ("90:00", 5_400_000), ("0:7", 7000)],
)
def test_times_as_people_type_them(text: str, ms: int) -> None:
    assert parse_media_time(text) == ms
    assert MediaTimeField().clean(text) == ms


@pytest.mark.parametrize("text", ["soon", "1:75", "1:60:00", "-1:00", "1.5", "1:2:3:4", "٣:٠٠x"])
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        MediaTimeField().clean(text)

    assert refusal.value.messages == [
        f"“{text}” is not a time. Write minutes and seconds, such as 12:05."
    ]


def test_no_time_is_none() -> None:
    assert MediaTimeField(required=False).clean("  ") is None


@given(st.integers(0, 99 * 3600 * 1000 - 1))
def test_words_read_back_are_the_time_to_the_second(ms: int) -> None:
    assert parse_media_time(media_time_words(ms)) == ms // 1000 * 1000


# Where an instant lies


STARTED = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
MINUTES_10 = 600_000


def moment_at(elapsed_ms: int, *pauses: tuple[int, int], duration_ms: int = MINUTES_10) -> Moment:
    return moment_of(
        STARTED + timedelta(milliseconds=elapsed_ms),
        started_at=STARTED,
        pauses=pauses,
        duration_ms=duration_ms,
    )


def test_an_instant_without_pauses_is_its_distance_from_the_start() -> None:
    assert moment_at(0) == Moment(0)
    assert moment_at(95_000) == Moment(95_000)
    assert moment_at(MINUTES_10) == Moment(MINUTES_10)


def test_an_instant_after_a_pause_lies_that_much_earlier() -> None:
    assert moment_at(59_999, (60_000, 30_000)) == Moment(59_999)
    assert moment_at(100_000, (60_000, 30_000)) == Moment(70_000)
    assert moment_at(200_000, (60_000, 30_000), (100_000, 50_000)) == Moment(120_000)


def test_an_instant_in_a_pause_lies_where_the_recording_paused() -> None:
    for elapsed_ms in (60_000, 75_000, 89_999):
        assert moment_at(elapsed_ms, (60_000, 30_000)) == Moment(60_000)
    assert moment_at(90_000, (60_000, 30_000)) == Moment(60_000)
    assert moment_at(400, (0, 800)) == Moment(0), "the recorder took a moment to begin"


def test_an_instant_outside_is_clamped_and_says_so() -> None:
    assert moment_at(-1) == Moment(0, is_before=True)
    assert moment_at(MINUTES_10 + 1) == Moment(MINUTES_10, is_after=True)
    assert moment_at(MINUTES_10 + 1, (0, 1)) == Moment(MINUTES_10)


@given(
    st.integers(0, 4_000_000),
    st.lists(st.tuples(st.integers(0, MINUTES_10), st.integers(0, 300_000)), max_size=6),
)
def test_media_time_never_runs_backwards_nor_out(
    elapsed_ms: int, pauses: list[tuple[int, int]]
) -> None:
    pauses.sort()

    earlier, later = (moment_at(ms, *pauses) for ms in (elapsed_ms, elapsed_ms + 1))

    assert 0 <= earlier.ms <= later.ms <= MINUTES_10
    assert later.ms - earlier.ms <= 1


@given(st.lists(st.tuples(st.integers(1, 60_000), st.integers(0, 60_000)), max_size=6))
def test_what_the_recorder_did_is_found_again(steps: list[tuple[int, int]]) -> None:
    """Record for a while, pause for a while, and so on: the end is the sum of what was recorded."""
    recorded_ms = elapsed_ms = 0
    pauses: list[tuple[int, int]] = []
    for record_ms, pause_ms in steps:
        recorded_ms += record_ms
        elapsed_ms += record_ms + pause_ms
        pauses.append((recorded_ms, pause_ms))

    assert moment_at(elapsed_ms, *pauses, duration_ms=recorded_ms) == Moment(recorded_ms)
