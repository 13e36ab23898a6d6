"""The child's side of `loops.media.event_log`: checks a log of events and packs it.

A log is lines of JSON, each [t_ms, operation, …] with times that do not run backwards. What the
operations mean is the business of whoever replays them.
"""

import gzip
import json
import re
from pathlib import Path
from typing import Any

from loops.confined import Meter, beginning_of, serve
from loops.media import EVENT_LOG_MAX_BYTES, MAX_SECONDS, EventLog, MediaError

LINE_MAX_BYTES = 1024 * 1024
OPERATION = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


def work(request: dict[str, Any], meter: Meter) -> EventLog:
    """Check the log and write it packed to the target. Raises MediaError."""
    path, target = Path(request["path"]), Path(request["target"])
    beginning_of(path)
    size = path.stat().st_size
    if size > EVENT_LOG_MAX_BYTES:
        raise MediaError("too_large", f"{size} bytes")
    count = at_ms = done = 0
    is_partial = False
    with (
        path.open("rb") as file,
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
    ):
        while line := file.readline(LINE_MAX_BYTES):
            try:
                at_ms = _time_of(line, at_ms)
            except ValueError as error:
                if not line.endswith(b"\n") and file.tell() == size:
                    is_partial = True  # the recording broke off in the middle of a line
                    break
                raise MediaError("bad_log", f"line {count + 1}: {error}") from error
            count += 1
            done += len(line)
            packed.write(line.rstrip(b"\r\n") + b"\n")
            meter.reach(done / size)
    if not count:
        raise MediaError("truncated", "not one whole line")
    return EventLog(count, at_ms, target.stat().st_size, is_partial)


def _time_of(line: bytes, earliest_ms: int) -> int:
    """Read the time of a line. Raises ValueError for a line that is none."""
    try:
        event = json.loads(line, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(event, list) or len(event) < 2:
        raise ValueError("not a list of a time and an operation")
    at_ms, operation = event[:2]
    if type(at_ms) is not int or not earliest_ms <= at_ms <= MAX_SECONDS * 1000:
        raise ValueError("the time is no number of ms, runs backwards or is too late")
    if not isinstance(operation, str) or not OPERATION.fullmatch(operation):
        raise ValueError("the operation is no short word")
    return at_ms


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


if __name__ == "__main__":
    serve(work)
