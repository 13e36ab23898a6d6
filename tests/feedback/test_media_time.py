"""Media times as people write and read them."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from feedback.forms import MediaTimeField
from feedback.media_time import media_span_words, media_time_words, parse_media_time


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
