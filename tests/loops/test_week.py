"""The week as a circle of spans: what overlaps becomes one, what touches stays two."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.week import DAY, WEEK, Span, clock, digest, tidied

MON, TUE, SAT, SUN = 0, 1, 5, 6
EVENING = Span(MON, 18 * 60, 22 * 60)

spans = st.lists(
    st.tuples(
        st.integers(0, 6), st.integers(0, DAY - 1), st.sampled_from([1, 30, 150, 700, DAY])
    ).map(lambda told: Span(told[0], told[1], told[1] + told[2])),
    max_size=12,
)


def minutes(week: "tuple[Span, ...] | list[Span]") -> list[int]:
    """Return every minute of the week that is in a span, as often as it is in one."""
    return sorted(minute % WEEK for span in week for minute in range(span.begins, span.ends))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        ([EVENING], [EVENING]),
        # those that touch stay as they were written, at midnight too
        (
            [EVENING, Span(MON, 22 * 60, DAY), Span(TUE, 0, 90)],
            [EVENING, Span(MON, 22 * 60, DAY), Span(TUE, 0, 90)],
        ),
        ([EVENING, Span(MON, 19 * 60, 20 * 60)], [EVENING]),
        ([EVENING, EVENING], [EVENING]),
        ([Span(MON, 1090, 1200), EVENING], [Span(MON, 1080, 1320)]),
        # over midnight, also from Sunday into Monday
        ([Span(MON, 1320, 1590), Span(TUE, 60, 180)], [Span(MON, 1320, 1620)]),
        ([Span(SUN, 1320, 1590), Span(MON, 60, 180)], [Span(SUN, 1320, 1620)]),
        (
            [Span(SUN, 1320, 1590), Span(MON, 150, 180)],
            [Span(MON, 150, 180), Span(SUN, 1320, 1590)],
        ),
        # no span is longer than a day
        (
            [Span(MON, 1080, 2460), Span(TUE, 960, 1200)],
            [Span(MON, 1080, DAY), Span(TUE, 0, 1200)],
        ),
    ],
)
def test_what_overlaps_becomes_one(before: list[Span], after: list[Span]) -> None:
    assert list(tidied(before).spans) == after


def test_what_was_joined_is_told() -> None:
    late = Span(MON, 20 * 60, 23 * 60)
    saturday = Span(SAT, 600, 700)

    (joined,) = tidied([late, saturday, EVENING]).joined

    assert joined.before == (EVENING, late)
    assert joined.after == (Span(MON, 1080, 1380),)


def test_a_week_without_a_gap_is_seven_whole_days() -> None:
    around = [Span(day, 720, 720 + DAY) for day in range(7)] + [Span(day, 0, 1) for day in range(7)]

    assert minutes(tidied(around).spans) == [*range(WEEK)]


@given(spans)
def test_tidying_keeps_each_minute_once(week: list[Span]) -> None:
    found = tidied(week)

    assert minutes(found.spans) == sorted(set(minutes(week)))
    assert all(0 <= one.start_minute < DAY for one in found.spans)
    assert all(0 < one.end_minute - one.start_minute <= DAY for one in found.spans)
    assert tidied(found.spans).spans == found.spans
    assert tidied(found.spans).joined == ()


@given(spans)
def test_a_span_that_overlaps_none_stays_as_it_was_written(week: list[Span]) -> None:
    found = tidied(week)

    joined = [span for one in found.joined for span in one.before]
    assert all(span in found.spans for span in week if span not in joined)


def test_a_digest_tells_weeks_apart_and_not_their_order() -> None:
    monday = (0, 1080, 1320, "Europe/Berlin", None, None)
    tuesday = (1, 1080, 1320, "Europe/Berlin", None, None)

    assert digest([monday, tuesday]) == digest([tuesday, monday])
    assert (
        len(
            {
                digest([]),
                digest([monday]),
                digest([monday, tuesday]),
                digest([(0, 1080, 1321, "Europe/Berlin", None, None)]),
                digest([(0, 1080, 1320, "Europe/Paris", None, None)]),
                digest([(0, 1080, 1320, "Europe/Berlin", date(2026, 3, 2), None)]),
                digest([(0, 1080, 1320, "Europe/Berlin", None, date(2026, 3, 2))]),
            }
        )
        == 7
    )


@pytest.mark.parametrize(
    ("minute", "told"), [(0, "00:00"), (1090, "18:10"), (1440, "24:00"), (1590, "02:30")]
)
def test_a_minute_is_told_by_the_clock(minute: int, told: str) -> None:
    assert clock(minute) == told
