"""Speech engines for tests: one that tells when somebody speaks, and one that breaks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from loops import media
from loops.speech import SpokenLine


class TellsWhen:
    """Gives a line for each stretch between two silences; it does not know what is said."""

    def transcribe(
        self, path: Path, *, language: str, on_progress: Callable[[float], None]
    ) -> Iterator[SpokenLine]:
        length_ms = media.probe(path).duration_ms
        with TemporaryDirectory() as folder:
            heard = media.sound(path, Path(folder) / "peaks", on_progress=on_progress)
        begins_ms = 0
        for number, (start_ms, end_ms) in enumerate([*heard.silences, (length_ms, length_ms)], 1):
            if start_ms > begins_ms:
                yield SpokenLine(begins_ms, start_ms, f"part {number} {language}".strip())
            begins_ms = end_ms
            on_progress(end_ms / length_ms)


class Breaks:
    """Cannot be had."""

    def transcribe(
        self, path: Path, *, language: str, on_progress: Callable[[float], None]
    ) -> Iterator[SpokenLine]:
        yield SpokenLine(0, 1_000, "nothing of this is kept")
        raise RuntimeError("the model is gone")


class Silent:
    """Is no engine: it has no method transcribe."""
