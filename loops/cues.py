"""[pure] Words beside the picture: WebVTT, SRT and typed transcripts, read and written.

Own code, since the libraries lose words: webvtt-py 0.6 passes over a cue that it cannot read
without a word or a line number, and drops every voice but the first; srt 3.5 takes minutes over
60 kB of figures; pysrt is under the GPL.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter

FILE_BYTES = 2**20
MOST_CUES = 5_000
TEXT_CHARACTERS = 2_000
"""Of one cue: a longer one could not be quoted."""
SPEAKER_CHARACTERS = 80
SLACK_MS = 1_000
"""So much after the end of the recording a cue may lie: clocks differ a little."""
SHORTEST_MS = 2_000
WORD_MS = 500
SHOWN_CHARACTERS = 40

TIME = r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9}))?"
TIMING = re.compile(rf"\s*{TIME}\s*(?:-{{1,2}}|[–—])>\s*{TIME}(?:\s.*)?", re.ASCII)
TYPED_TIME = re.compile(
    r"[\[(]?(?:(\d{1,2}):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,3}))?[\])]?:?", re.ASCII
)
LIKE_A_TIME = re.compile(r"[\[(]?\d{1,3}:\d.*", re.ASCII)
COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
TAG = re.compile(r"<(?:(v)(?:\.[^\s<>]*)?\s([^<>]+)|/?[a-zA-Z][^<>]*|/|[\d:.]+)>")
SRT_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
NAMED = re.compile(r"([^:\n]{1,80}):\s+(.+)", re.DOTALL)
NAME = re.compile(r"[^\W\d_][\w.’'-]*(?: [\w.’'-]+){0,2}")
LANGUAGE = re.compile(r"(?=.{2,12}$)[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,2}")
NEW_LINE = "\n"
LINE_END = re.compile(r"\r\n|\r|\n")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


class Mistake(StrEnum):
    """What is the matter with words that cannot be read."""

    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    NO_CUES = "no_cues"
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    NO_SPAN = "no_span"
    ENDS_FIRST = "ends_first"
    NO_TIME = "no_time"
    NOT_A_TIME = "not_a_time"
    OUT_OF_ORDER = "out_of_order"
    BEYOND_THE_END = "beyond_the_end"


class BadCues(ValueError):
    """Words cannot be read: why, at which line (from 1; 0 is all of it), and what stands there."""

    def __init__(self, mistake: Mistake, line: int = 0, shown: str = "") -> None:
        self.mistake = mistake
        self.line = line
        self.shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"
        super().__init__(f"{mistake} in line {line}: {self.shown}")


@dataclass(frozen=True, slots=True)
class Cue:
    """What somebody says between two ms of media time; the text may have several lines."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A cue and the line at which it was found."""

    cue: Cue
    line: int


# Reading files


def read_file(content: bytes, *, most_ms: int) -> list[Cue]:
    """Read a WebVTT or SRT file into cues in the order of time; those without words fall.

    `most_ms` is the recording's length: a cue that reaches beyond it is cut, one that begins
    beyond it refused. Raises BadCues.
    """
    if len(content) > FILE_BYTES:
        raise BadCues(Mistake.TOO_LARGE)
    return _checked(_found_in(_lines(_decoded(content))), most_ms)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadCues(Mistake.NOT_TEXT, content[: error.start].count(b"\n") + 1) from error


def _found_in(lines: list[str]) -> Iterator[Found]:
    """Give each cue with all lines up to the next timing, but for comments and identifiers.

    Players drop what follows an empty line inside a cue; here no word is lost.
    """
    is_vtt = lines[0].startswith("WEBVTT")
    timing: tuple[int, int] | None = None
    at, said = 0, [""]
    is_comment = False
    for number, line in enumerate(lines, start=1):
        span = TIMING.fullmatch(line)
        if span:
            yield from _voices(timing, _without_identifier(said, is_vtt=is_vtt), at)
            timing, at, said, is_comment = _span(span, number), number, [], False
        elif not line.strip():
            said.append("")
            is_comment = False
        elif is_comment or (number == 1 and is_vtt):
            continue
        elif is_vtt and said and not said[-1] and COMMENT.match(line):
            is_comment = True
        elif "-->" in line:
            raise BadCues(Mistake.NO_SPAN, number, line.strip())
        else:
            said.append(line)
    yield from _voices(timing, said, at)


def _span(found: re.Match[str], line: int) -> tuple[int, int]:
    parts = found.groups()
    start_ms, end_ms = _ms(*parts[:4]), _ms(*parts[4:])
    if start_ms is None or end_ms is None:
        raise BadCues(Mistake.NO_SPAN, line, found[0].strip())
    if end_ms < start_ms:
        raise BadCues(Mistake.ENDS_FIRST, line, found[0].strip())
    return start_ms, end_ms


def _ms(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int | None:
    """Return the time in ms, or None where 60 or more seconds, or minutes of an hour, are told."""
    if int(seconds) > 59 or (hours and int(minutes) > 59):
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "0")[:3].ljust(3, "0"))


def _without_identifier(said: list[str], *, is_vtt: bool) -> list[str]:
    """Take the next cue's number or name away, which stands right above its timing."""
    last = said[-1].strip() if said else ""
    is_apart = len(said) > 1 and not said[-2]
    is_identifier = (is_vtt and is_apart) or (not is_vtt and last.isdecimal())
    return said[:-1] if last and is_identifier else said


def _voices(span: tuple[int, int] | None, said: list[str], line: int) -> Iterator[Found]:
    """Give a cue for each voice of one, and none for no words."""
    if span is None:
        return
    raw = SRT_OVERRIDE.sub("", "\n".join(said))
    voices: list[tuple[str, list[str]]] = [("", [])]
    place = 0
    for tag in TAG.finditer(raw):
        voices[-1][1].append(raw[place : tag.start()])
        place = tag.end()
        if tag[1] or tag[0] == "</v>":
            voices.append((_name(_unescaped(tag[2] or "")), []))
    voices[-1][1].append(raw[place:])
    spoken: list[tuple[str, str]] = []
    for speaker, parts in voices:
        text = _words(_unescaped("".join(parts)))
        if text and spoken and spoken[-1][0] == speaker:
            spoken[-1] = (speaker, f"{spoken[-1][1]}\n{text}")
        elif text:
            spoken.append((speaker, text))
    for speaker, text in spoken:
        yield Found(Cue(*span, text, speaker), line)


def _unescaped(text: str) -> str:
    return ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


# Reading what was typed


def read_typed(text: str, *, most_ms: int, before: Sequence[Cue] = ()) -> list[Cue]:
    """Read lines such as "1:35 Mara: Who decides?"; a line without a time goes on with the last.

    A cue lasts half a second a word, two seconds at least, but not into the next. `before` are
    the cues that the text was written from: what stands as it stood keeps its end, and so does a
    line of which the words were changed. Raises BadCues.
    """
    if len(text.encode(errors="replace")) > FILE_BYTES:
        raise BadCues(Mistake.TOO_LARGE)
    kept: dict[tuple[int, str], list[Cue]] = {}
    for cue in reversed(before):
        kept.setdefault((cue.start_ms, _said(cue)), []).append(cue)
    ends = {cue.start_ms: cue.end_ms for cue in reversed(before)}
    names = {cue.speaker for cue in before}
    blocks = [block for block in _blocks(_lines(text)) if block[1]]
    starts = sorted({start_ms for start_ms, _said_, _line in blocks})
    new_starts = [start_ms for start_ms in starts if start_ms not in ends]
    found = []
    for start_ms, said, line in blocks:
        same = kept.get((start_ms, said))
        cue = same.pop() if same else _named(start_ms, said, names)
        end_ms = cue.end_ms or ends.get(start_ms, 0)
        if end_ms:
            end_ms = min(end_ms, _next(new_starts, start_ms, end_ms))
        else:
            end_ms = start_ms + max(SHORTEST_MS, WORD_MS * len(cue.text.split()))
            end_ms = min(end_ms, _next(starts, start_ms, end_ms))
        found.append(Found(replace(cue, end_ms=end_ms), line))
    return _checked(found, most_ms)


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, int]]:
    """Give the start, the words and the line of each cue."""
    start_ms, at = -1, 0
    said: list[str] = []
    for number, line in enumerate(lines, start=1):
        first, _space, rest = line.strip().partition(" ")
        time = TYPED_TIME.fullmatch(first)
        if not time and LIKE_A_TIME.fullmatch(first):
            raise BadCues(Mistake.NOT_A_TIME, number, first)
        if not time:
            if start_ms < 0 and first:
                raise BadCues(Mistake.NO_TIME, number, line.strip())
            said.append(line)
            continue
        if start_ms >= 0:
            yield start_ms, _words("\n".join(said)), at
        new_ms = _ms(*time.groups())
        if new_ms is None:
            raise BadCues(Mistake.NOT_A_TIME, number, first)
        if new_ms < start_ms:
            raise BadCues(Mistake.OUT_OF_ORDER, number, first)
        start_ms, at, said = new_ms, number, [rest]
    if start_ms >= 0:
        yield start_ms, _words("\n".join(said)), at


def _named(start_ms: int, said: str, names: Container[str]) -> Cue:
    """Part the speaker from the words; the end is still to be found."""
    parts = NAMED.fullmatch(said)
    if parts and (parts[1] in names or _is_name(parts[1])):
        return Cue(start_ms, 0, parts[2], parts[1])
    return Cue(start_ms, 0, said)


def _is_name(text: str) -> bool:
    """Say whether this may call a person: one to three words, none of them in small letters."""
    return bool(NAME.fullmatch(text)) and not any(word[0].islower() for word in text.split())


def _next(starts: list[int], start_ms: int, otherwise: int) -> int:
    place = bisect_right(starts, start_ms)
    return starts[place] if place < len(starts) else otherwise


# Limits


def fitting(found: Iterable[Cue], *, most_ms: int) -> list[Cue]:
    """Return what is within the limits, in the order of time: the rest is dropped, not refused."""
    fits = []
    for cue in found:
        start_ms, end_ms = max(0, cue.start_ms), min(cue.end_ms, most_ms + SLACK_MS)
        text = _words(cue.text)
        if text and start_ms < end_ms and len(text) <= TEXT_CHARACTERS:
            fits.append(Cue(start_ms, end_ms, text, _name(cue.speaker)))
    return sorted(fits, key=attrgetter("start_ms"))[:MOST_CUES]


def language_tag(given: str) -> str:
    """Return a language's tag as browsers write it, such as en-GB, or nothing where it is none."""
    return given if LANGUAGE.fullmatch(given) else ""


def _checked(found: Iterable[Found], most_ms: int) -> list[Cue]:
    cues = []
    last_ms = most_ms + SLACK_MS
    for number, one in enumerate(found):
        if number == MOST_CUES:
            raise BadCues(Mistake.TOO_MANY, one.line)
        if len(one.cue.text) > TEXT_CHARACTERS:
            raise BadCues(Mistake.TOO_LONG, one.line, one.cue.text)
        if one.cue.start_ms >= last_ms:
            raise BadCues(Mistake.BEYOND_THE_END, one.line, time_words(one.cue.start_ms))
        end_ms = min(max(one.cue.end_ms, one.cue.start_ms + 1), last_ms)
        cues.append(replace(one.cue, end_ms=end_ms))
    if not cues:
        raise BadCues(Mistake.NO_CUES)
    return sorted(cues, key=attrgetter("start_ms"))


def _lines(text: str) -> list[str]:
    return LINE_END.split(text)


def _words(text: str) -> str:
    """Return the words with single spaces between them, and without empty lines."""
    lines = [" ".join(UNPRINTABLE.sub(" ", line).split()) for line in _lines(text)]
    return "\n".join(filter(None, lines))


def _name(text: str) -> str:
    return _words(text).replace("\n", " ")[:SPEAKER_CHARACTERS].strip()


# Writing


def write_vtt(cues: Iterable[Cue], *, with_names: bool = False) -> str:
    """Write a WebVTT file. `with_names` says each speaker's name in words, too.

    Players show voices by style at most, so who cannot hear them would not know who speaks.
    """
    return "\n".join(["WEBVTT", "", *(_vtt_cue(cue, with_names=with_names) for cue in cues)])


def _vtt_cue(cue: Cue, *, with_names: bool) -> str:
    timing = f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}"
    said = cue.text
    if cue.speaker and with_names:
        said = f"{cue.speaker}: {said}"
    voice = f"<v {html.escape(cue.speaker, quote=False)}>" if cue.speaker else ""
    return f"{timing}\n{voice}{html.escape(said, quote=False)}\n"


def write_srt(cues: Iterable[Cue]) -> str:
    """Write an SRT file, which knows neither voices nor a sign for what looks like a timing."""
    return "\n".join(
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n"
        f"{cue.speaker}{': ' if cue.speaker else ''}{cue.text.replace('-->', '->')}\n"
        for number, cue in enumerate(cues, start=1)
    )


def write_typed(cues: Iterable[Cue]) -> str:
    """Write cues as they are typed, for `read_typed`."""
    return "\n".join(f"{time_words(cue.start_ms)} {_said(cue)}" for cue in cues)


def _said(cue: Cue) -> str:
    """Return speaker and words as they are typed: no further line may begin like a time."""
    said = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
    first, *more = said.split("\n")
    return first + "".join(
        f"{' ' if LIKE_A_TIME.fullmatch(line.split(' ')[0]) else NEW_LINE}{line}" for line in more
    )


def time_words(ms: int) -> str:
    """Write a time as it is typed: 1:35, 1:00:00, or 1:35.250 where it is not a full second."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{whole}.{rest:03}" if rest else whole


def _clock(ms: int, point: str = ".") -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
