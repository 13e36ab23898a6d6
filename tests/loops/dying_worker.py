"""A worker that loses its power at one moment of one step. Run as a process of its own."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.utils import timezone  # noqa: E402 - the settings come first

from loops import blobs  # noqa: E402
from loops.actions import processing  # noqa: E402
from loops.models import Step  # noqa: E402


def dying_after(work: Callable[..., Any]) -> Callable[..., Any]:
    """Do the work, and nothing after it."""

    def last(*args: Any, **kwargs: Any) -> None:
        work(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return last


def main(recording_id: str, step: str, moment: str) -> None:
    """Work at a recording up to a moment: a step's files are made, or kept, or written down."""
    name = Step.Name(step)
    work = processing.WORK[name]

    def doomed(job: processing.Job) -> processing.Outcome:
        if moment == "kept":
            blobs.keep = dying_after(blobs.keep)
        if moment == "written":
            processing._write_down = dying_after(processing._write_down)
        return work(job)

    processing.WORK[name] = dying_after(work) if moment == "made" else doomed
    processing.process(recording_id=int(recording_id), now=timezone.now)


if __name__ == "__main__":
    main(*sys.argv[1:])
