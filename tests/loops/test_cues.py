"""Captions as people and programs write them: what is read of them, and what they are told."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.cues import (
    FILE_BYTES,
    MOST_CUES,
    TEXT_CHARACTERS,
    BadCues,
    Cue,
    Mistake,
    fitting,
    language_tag,
    read_file,
    read_typed,
    time_words,
    write_srt,
    write_typed,
    write_vtt,
)

HOUR_MS = 3_600_000


def read(text: str, *, most_ms: int = HOUR_MS) -> list[tuple[int, int, str, str]]:
    found = read_file(text.encode(), most_ms=most_ms)
    return [(cue.start_ms, cue.end_ms, cue.speaker, cue.text) for cue in found]


# Files found in the world

ODDITIES = {
    "a plain file": (
        "WEBVTT\n\n00:01.000 --> 00:02.500\nHello.\n",
        [(1000, 2500, "", "Hello.")],
    ),
    "header, style, region, note and cue settings": (
        "WEBVTT - made by hand\nKind: captions\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\n"
        "REGION\nid:left\n\nNOTE\nnot said,\nnot shown\n\n"
        "00:00:01.000 --> 00:00:02.000 align:start position:10%\nOne\n\nNOTE by hand,\nlater\n\n"
        "00:00:03.000 --> 00:00:04.000\nTwo\n",
        [(1000, 2000, "", "One"), (3000, 4000, "", "Two")],
    ),
    "windows lines and a byte order mark": (
        "\ufeffWEBVTT\r\n\r\n1\r\n00:01.000 --> 00:02.000\r\nHello\r\nthere\r\n\r\n",
        [(1000, 2000, "", "Hello\nthere")],
    ),
    "old mac lines": (
        "WEBVTT\r\r00:01.000 --> 00:02.000\rHello\r",
        [(1000, 2000, "", "Hello")],
    ),
    "voices": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Mara Lind>Who <i>decides</i>?</v>\n"
        "<v Tom &amp; Co>I do\n",
        [(1000, 2000, "Mara Lind", "Who decides?"), (1000, 2000, "Tom & Co", "I do")],
    ),
    "one voice in two spans": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Mara>Well,</v> <v Mara>then\n",
        [(1000, 2000, "Mara", "Well,\nthen")],
    ),
    "words before the voice": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n(rings) <v Mara>Hello\n",
        [(1000, 2000, "", "(rings)"), (1000, 2000, "Mara", "Hello")],
    ),
    "karaoke times, classes, ruby and languages": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n"
        "<c.yellow>a</c><00:01.500> b <lang de>c</lang> <ruby>d<rt>e</rt></ruby>\n",
        [(1000, 2000, "", "a b c de")],
    ),
    "entities": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\np99 &lt; 40&nbsp;ms &amp; R&D &#8212; &quot;so&quot;\n",
        [(1000, 2000, "", 'p99 < 40 ms & R&D — "so"')],
    ),
    "a smaller sign that begins no tag": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\na < b, 3 <4, x <- y\n",
        [(1000, 2000, "", "a < b, 3 <4, x <- y")],
    ),
    "subrip": (
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,500\nthere\n",
        [(1000, 2000, "", "Hello"), (3000, 4500, "", "there")],
    ),
    "subrip without empty lines between": (
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n2\n00:00:03,000 --> 00:00:04,000\nthere\n",
        [(1000, 2000, "", "Hello"), (3000, 4000, "", "there")],
    ),
    "subrip with fonts, positions and overrides": (
        "1\n00:00:01,000 --> 00:00:02,000 X1:10 X2:20\n"
        "{\\an8}<font color='red'><b>Hello</b></font>\n",
        [(1000, 2000, "", "Hello")],
    ),
    "subrip that begins anywhere": (
        "\n\n7\n00:00:01,000-->00:00:02,000\nHello\n",
        [(1000, 2000, "", "Hello")],
    ),
    "a number that is said": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nforty-\n42\n00:03.000 --> 00:04.000\nand on\n",
        [(1000, 2000, "", "forty-\n42"), (3000, 4000, "", "and on")],
    ),
    "no header, no number, no hours, short fractions": (
        "0:01.5 --> 0:02\nHello\n",
        [(1500, 2000, "", "Hello")],
    ),
    "a comma in WebVTT and a point in SubRip": (
        "WEBVTT\n\n00:00:01,250 --> 00:00:02,000\nHello\n",
        [(1250, 2000, "", "Hello")],
    ),
    "arrows that a word processor made": (
        "1\n00:00:01,000 –> 00:00:02,000\nHello\n\n2\n00:00:03,000 -> 00:00:04,000\nthere\n",
        [(1000, 2000, "", "Hello"), (3000, 4000, "", "there")],
    ),
    "out of order and overlapping": (
        "WEBVTT\n\n00:05.000 --> 00:09.000\nlater\n\n00:01.000 --> 00:06.000\nsooner\n",
        [(1000, 6000, "", "sooner"), (5000, 9000, "", "later")],
    ),
    "an empty line inside": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n\nHello\n\nthere\n\n"
        "three\n00:03.000 --> 00:04.000\nx\n",
        [(1000, 2000, "", "Hello\nthere"), (3000, 4000, "", "x")],
    ),
    "names of cues": (
        "WEBVTT\n\nintro\n00:01.000 --> 00:02.000\nHello\n\n"
        "2 - discovery\n00:03.000 --> 00:04.000\nx\n",
        [(1000, 2000, "", "Hello"), (3000, 4000, "", "x")],
    ),
    "cues without words": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\n<i> </i>\n\n"
        "00:03.000 --> 00:04.000\nHello\n",
        [(3000, 4000, "", "Hello")],
    ),
    "a cue of no length": (
        "WEBVTT\n\n00:01.000 --> 00:01.000\nHello\n",
        [(1000, 1001, "", "Hello")],
    ),
    "an hour and more": (
        "WEBVTT\n\n01:00:00.000 --> 75:10.000\nHello\n",
        [(3_600_000, 4_510_000, "", "Hello")],
    ),
    "a comment that tells of an arrow": (
        "WEBVTT\n\nNOTE from --> to\n\n00:01.000 --> 00:02.000\nHello\n",
        [(1000, 2000, "", "Hello")],
    ),
    "signs that nobody sees": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nHel\u2028lo\x00 \ufeffthe\tre\n",
        [(1000, 2000, "", "Hel lo the re")],
    ),
    "no end of line at the end": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nHello",
        [(1000, 2000, "", "Hello")],
    ),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_files_of_the_world_are_read(name: str) -> None:
    text, expected = ODDITIES[name]

    assert read(text, most_ms=5_400_000) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_told_apart(encoding: str) -> None:
    content = "WEBVTT\n\n00:01.000 --> 00:02.000\nÜber\n".encode(encoding)

    assert [cue.text for cue in read_file(content, most_ms=HOUR_MS)] == ["Über"]


@pytest.mark.parametrize(
    ("content", "mistake", "line"),
    [
        (b"", Mistake.NO_CUES, 0),
        (b"WEBVTT\n\nNOTE nothing\n", Mistake.NO_CUES, 0),
        (b"just words\nand more\n", Mistake.NO_CUES, 0),
        ("1\n00:00:01,000 --> 00:00:02,000\n\xfcber\n".encode("latin-1"), Mistake.NOT_TEXT, 3),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", Mistake.NOT_TEXT, 1),
        (b"WEBVTT\n\n00:0x.000 --> 00:02.000\nHello\n", Mistake.NO_SPAN, 3),
        (b"WEBVTT\n\n00:01.000 --> 00:61.000\nHello\n", Mistake.NO_SPAN, 3),
        (b"WEBVTT\n\n00:75:00.000 --> 01:20:00.000\nHello\n", Mistake.NO_SPAN, 3),
        (b"WEBVTT\n\n00:01.000 -->\nHello\n", Mistake.NO_SPAN, 3),
        (b"1\n00:00:05,000 --> 00:00:02,000\nHello\n", Mistake.ENDS_FIRST, 2),
        (b"WEBVTT\n\n01:01.000 --> 01:03.000\nHello\n", Mistake.BEYOND_THE_END, 3),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"a " * 1001, Mistake.TOO_LONG, 3),
        (b"x" * (FILE_BYTES + 1), Mistake.TOO_LARGE, 0),
        (b"00:01.000 --> 00:02.000\nx\n" * (MOST_CUES + 1), Mistake.TOO_MANY, 2 * MOST_CUES + 1),
    ],
)
def test_a_file_that_cannot_be_read_names_line_and_mistake(
    content: bytes, mistake: Mistake, line: int
) -> None:
    with pytest.raises(BadCues) as refused:
        read_file(content, most_ms=60_000)

    assert (refused.value.mistake, refused.value.line) == (mistake, line)


def test_a_cue_may_reach_a_second_beyond_the_end_and_is_cut_there() -> None:
    text = "WEBVTT\n\n01:00.900 --> 01:30.000\nthe last words\n"

    assert read(text, most_ms=60_000) == [(60_900, 61_000, "", "the last words")]


@pytest.mark.parametrize(
    "content",
    [
        b"1" * FILE_BYTES,
        b"1\n" * (FILE_BYTES // 2),
        b"\n" * FILE_BYTES,
        b" " * FILE_BYTES,
        b"00:01 --> 00:02\n" + b"<v " * (FILE_BYTES // 4),
        b"00:01 --> 00:02\n<v" + b" " * (FILE_BYTES - 20),
        b"00:01 --> 00:02\n" + b"<" * (FILE_BYTES - 20),
        b"00:01 --> 00:02\n" + b"<a" * (FILE_BYTES // 2 - 20),
        b"00:01 --> 00:02\n" + b"&a" * (FILE_BYTES // 2 - 20),
        b"00:01 --> 00:02\n" + b"{\\" * (FILE_BYTES // 2 - 20),
        b"00:01 --> 00:02\n" + b"a\n" * (FILE_BYTES // 2 - 20),
        b"00:01" + b" " * (FILE_BYTES - 10),
        b"00:01 --> 00:02\n" * (FILE_BYTES // 16),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_a_hostile_file_takes_no_time(content: bytes) -> None:
    began = time.process_time()
    with suppress(BadCues):
        read_file(content, most_ms=HOUR_MS)

    assert time.process_time() - began < 2


# Typing

TYPED = """0:00 Good evening.
0:12 Mara: Who decides
whether it ships?

[1:05] Otis: The group does.
1:10.500 A third way: to wait.
"""


def typed(text: str, *before: Cue, most_ms: int = HOUR_MS) -> list[Cue]:
    return read_typed(text, most_ms=most_ms, before=before)


def test_typed_lines_get_their_ends() -> None:
    """From the number of their words, or from the line after, whichever comes first."""
    assert typed(TYPED) == [
        Cue(0, 2_000, "Good evening."),
        Cue(12_000, 14_500, "Who decides\nwhether it ships?", "Mara"),
        Cue(65_000, 67_000, "The group does.", "Otis"),
        Cue(70_500, 73_000, "A third way: to wait."),
    ]
    assert [cue.end_ms for cue in typed("0:00 one two three four five six\n0:01 seven")] == [
        1_000,
        3_000,
    ]


def test_two_may_speak_at_once() -> None:
    assert typed("0:05 Mara: So\n0:05 Otis: No") == [
        Cue(5_000, 7_000, "So", "Mara"),
        Cue(5_000, 7_000, "No", "Otis"),
    ]


@pytest.mark.parametrize(
    ("text", "mistake", "line", "shown"),
    [
        ("", Mistake.NO_CUES, 0, ""),
        ("0:05\n\n0:10\n", Mistake.NO_CUES, 0, ""),
        ("\nhello", Mistake.NO_TIME, 2, "hello"),
        ("0:05 a\n1:5 b", Mistake.NOT_A_TIME, 2, "1:5"),
        ("0:05 a\n1:75 b", Mistake.NOT_A_TIME, 2, "1:75"),
        ("0:05 a\n0:10-0:15 b", Mistake.NOT_A_TIME, 2, "0:10-0:15"),
        ("1:05 a\n0:10 b", Mistake.OUT_OF_ORDER, 2, "0:10"),
        ("0:05 a\n2:00:00 b", Mistake.BEYOND_THE_END, 2, "2:00:00"),
        (f"0:05 {'a ' * 1001}", Mistake.TOO_LONG, 1, "a a a a a a a a a a a a a a a a a a a a …"),
        ("0:05 a\n" * (MOST_CUES + 1), Mistake.TOO_MANY, MOST_CUES + 1, ""),
        ("x" * (FILE_BYTES + 1), Mistake.TOO_LARGE, 0, ""),
    ],
)
def test_what_was_typed_wrongly_is_named(
    text: str, mistake: Mistake, line: int, shown: str
) -> None:
    with pytest.raises(BadCues) as refused:
        typed(text)

    found = refused.value
    assert (found.mistake, found.line, found.shown) == (mistake, line, shown)


def test_a_corrected_line_keeps_its_time() -> None:
    """Captions that came as a file keep their ends while their words are put right."""
    before = [Cue(0, 4_200, "Hello wrld"), Cue(5_250, 9_000, "Goodbye", "speaker 1")]
    text = write_typed(before)

    assert text == "0:00 Hello wrld\n0:05.250 speaker 1: Goodbye"
    assert typed(text.replace("wrld", "world"), *before) == [
        Cue(0, 4_200, "Hello world"),
        before[1],
    ]
    assert typed(text.replace("bye", " bye"), *before)[1] == Cue(
        5_250, 9_000, "Good bye", "speaker 1"
    )


def test_a_line_put_between_cuts_the_one_before() -> None:
    before = [Cue(0, 8_000, "Hello"), Cue(9_000, 9_500, "Goodbye")]

    assert typed("0:00 Hello\n0:05 well\n0:09 Goodbye", *before) == [
        Cue(0, 5_000, "Hello"),
        Cue(5_000, 7_000, "well"),
        before[1],
    ]


# Round trips

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
names = texts.map(lambda name: " ".join(name.split())[:40])


@st.composite
def transcripts(draw: st.DrawFn) -> list[Cue]:
    """Transcripts as they are kept: whatever was given, made to fit."""
    spans = st.tuples(st.integers(0, HOUR_MS), st.integers(1, 20_000))
    drawn = draw(st.lists(st.tuples(spans, texts, names), min_size=1, max_size=12))
    found = [Cue(start, start + length, text, name) for (start, length), text, name in drawn]
    kept = fitting([*found, Cue(0, 1, "always something")], most_ms=HOUR_MS)
    assert kept
    return kept


@given(transcripts())
def test_webvtt_comes_back_as_it_was_written(cues: list[Cue]) -> None:
    assert read_file(write_vtt(cues).encode(), most_ms=HOUR_MS) == cues


@given(transcripts())
def test_typed_text_comes_back_as_it_was_written(cues: list[Cue]) -> None:
    assert read_typed(write_typed(cues), most_ms=HOUR_MS, before=cues) == cues


@given(transcripts())
def test_typed_text_keeps_starts_and_words_with_nothing_to_compare(cues: list[Cue]) -> None:
    def said(found: list[Cue]) -> list[tuple[int, list[str]]]:
        named = (f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text for cue in found)
        return [(cue.start_ms, words.split()) for cue, words in zip(found, named, strict=True)]

    assert said(read_typed(write_typed(cues), most_ms=HOUR_MS)) == said(cues)


@given(transcripts())
def test_subrip_keeps_times_and_words(cues: list[Cue]) -> None:
    """But for what the format takes for tags."""
    plain = [cue for cue in cues if not set(cue.text + cue.speaker) & set("<>{}&-–—:")]
    if plain:
        found = read_file(write_srt(plain).encode(), most_ms=HOUR_MS)
        assert [(one.start_ms, one.end_ms) for one in found] == [
            (one.start_ms, one.end_ms) for one in plain
        ]


@given(
    st.binary(max_size=400)
    | st.text(alphabet="0123:.,-> \n<v/&;WEBTNO", max_size=400).map(str.encode)
)
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        found = read_file(content, most_ms=HOUR_MS)
    except BadCues:
        return
    assert found == sorted(found, key=lambda cue: cue.start_ms)
    assert all(cue.text.strip() and cue.start_ms < cue.end_ms for cue in found)
    assert read_file(write_vtt(found).encode(), most_ms=HOUR_MS) == found


# The rest


def test_what_does_not_fit_is_dropped() -> None:
    """Words that nobody asked for must not cost anything."""
    given_cues = [
        Cue(9_000, 12_000, "cut at the end"),
        Cue(-50, 900, "first\n\n"),
        Cue(1_000, 1_000, "no time"),
        Cue(12_000, 13_000, "too late"),
        Cue(2_000, 3_000, "  \x00 "),
        Cue(2_000, 3_000, "x" * (TEXT_CHARACTERS + 1)),
    ]

    assert fitting(given_cues, most_ms=10_000) == [
        Cue(0, 900, "first"),
        Cue(9_000, 11_000, "cut at the end"),
    ]
    assert len(fitting([Cue(0, 1, "x")] * (MOST_CUES + 5), most_ms=10_000)) == MOST_CUES


def test_names_are_shown_to_who_cannot_hear_them() -> None:
    cues = [Cue(0, 1_000, "Who <decides>?", "Mara & Co")]

    assert write_vtt(cues) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Mara &amp; Co>Who &lt;decides&gt;?\n"
    )
    assert "<v Mara &amp; Co>Mara &amp; Co: Who" in write_vtt(cues, with_names=True)
    assert write_srt(cues) == "1\n00:00:00,000 --> 00:00:01,000\nMara & Co: Who <decides>?\n"


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0:00"), (95_000, "1:35"), (95_250, "1:35.250"), (3_605_000, "1:00:05")],
)
def test_times_are_typed_as_they_are_read(ms: int, words: str) -> None:
    assert time_words(ms) == words
    assert typed(f"{words} x", most_ms=2 * HOUR_MS)[0].start_ms == ms


@pytest.mark.parametrize(
    ("given_tag", "tag"),
    [
        ("en", "en"),
        ("en-GB", "en-GB"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("", ""),
        ("e n", ""),
        ("x", ""),
    ],
)
def test_languages_are_tags(given_tag: str, tag: str) -> None:
    assert language_tag(given_tag) == tag
