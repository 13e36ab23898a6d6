"""The seam for a speech engine: what one looks like, and the one that this installation has.

None comes with the app. docs/speech_engine.md shows how one is put in; what it hears is kept by
loops.actions.transcripts.
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from loops.cues import Cue

SpokenLine = Cue


class Engine(Protocol):
    """Writes down what is said. It is made once a worker, without arguments."""

    def transcribe(
        self, path: Path, *, language: str, on_progress: Callable[[float], None]
    ) -> Iterable[SpokenLine]:
        """Give the lines that are said in a sound or video file, in ms from its beginning.

        `language` is a tag such as "en-GB", or empty where nobody has told it. `on_progress`
        takes a share from 0 to 1; call it at least each half minute, or the worker is taken for
        dead. What is raised ends this try; three are made, and the recording plays all the same.
        """
        ...


def engine() -> Engine | None:
    """Return the installation's engine, None where it has none."""
    return _made(settings.SPEECH_ENGINE) if settings.SPEECH_ENGINE else None


@cache
def _made(dotted_path: str) -> Engine:
    made: Engine = import_string(dotted_path)()
    return made
