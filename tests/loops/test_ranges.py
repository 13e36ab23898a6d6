"""Byte ranges of RFC 9110: a table of headers and what is sent for them."""

import pytest

from loops.ranges import Span, Unsatisfiable, may_use_range, parse

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-499", Span(0, 500)),
        ("bytes=500-999", Span(500, 1000)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=999-999", Span(999, 1000)),
        ("bytes=500-", Span(500, 1000)),
        ("bytes=0-", Span(0, 1000)),
        ("bytes=900-5000", Span(900, 1000)),
        ("bytes=0-99999999999999999999999999", Span(0, 1000)),
        ("bytes=-300", Span(700, 1000)),
        ("bytes=-1000", Span(0, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("bytes=0000500-0000501", Span(500, 502)),
        ("Bytes=0-1", Span(0, 2)),
        ("bytes= 0-1 ", Span(0, 2)),
        ("bytes=,0-1,", Span(0, 2)),
    ],
)
def test_one_range_is_read(header: str, span: Span) -> None:
    assert parse(header, SIZE) == span


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5",
        "bytes=a-b",
        "bytes=1-b",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=--1",
        "bytes=1 - 2",
        "bytes=0x1-0x2",
        "bytes=1.0-2",
        "bytes=²-³",
        "bytes=١-٢",
        "bytes=5-4",
        "items=0-5",
        "bytes=0-1,5-6",
        "bytes=0-1, -1",
        "=0-1",
        "0-1",
    ],
)
def test_whole_file_is_sent_for_what_is_no_single_range(header: str | None) -> None:
    assert parse(header, SIZE) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("bytes=1000-", SIZE),
        ("bytes=1000-1001", SIZE),
        ("bytes=99999999999999999999999999-", SIZE),
        ("bytes=" + "9" * 6000 + "-", SIZE),
        ("bytes=-0", SIZE),
        ("bytes=0-", 0),
        ("bytes=-5", 0),
    ],
)
def test_range_outside_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse(header, size)


def test_span_tells_its_length_and_its_header() -> None:
    span = Span(500, 1000)

    assert span.length == 500
    assert span.content_range(1234) == "bytes 500-999/1234"


@pytest.mark.parametrize(
    ("if_range", "etag", "may"),
    [
        (None, '"a"', True),
        ('"a"', '"a"', True),
        (' "a" ', '"a"', True),
        ('"b"', '"a"', False),
        ('W/"a"', '"a"', False),
        ('W/"a"', 'W/"a"', False),
        ("Wed, 21 Oct 2026 07:28:00 GMT", '"a"', False),
        ("", '"a"', False),
    ],
)
def test_if_range_compares_strongly(if_range: str | None, etag: str, may: bool) -> None:
    assert may_use_range(if_range, etag) is may
