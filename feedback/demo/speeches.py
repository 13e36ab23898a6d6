"""What is said in the answers of which the demo has the words, by the key of the answer. [pure]"""

from dataclasses import replace
from pathlib import Path

from loops.cues import Cue, read_typed

FOLDER = Path(__file__).parent / "words"
SAID = {
    "mara/ic_leadership/document_that_mattered": "document_that_mattered",
    "mara/sd_ambiguous/data_location": "data_location",
    "priya/sd_classic/flag_delivery": "flag_delivery",
}
WRITTEN_FOR_MS = 122_000
"""The texts are timed for the shortest take; in a longer one people speak more slowly."""


def speech_of(answer: str, *, duration_ms: int) -> list[Cue]:
    """Return what is said in an answer, within its recording; nothing where nobody wrote it."""
    if answer not in SAID:
        return []
    text = (FOLDER / f"{SAID[answer]}.txt").read_text()
    return [
        replace(
            cue,
            start_ms=cue.start_ms * duration_ms // WRITTEN_FOR_MS // 1000 * 1000,
            end_ms=cue.end_ms * duration_ms // WRITTEN_FOR_MS // 1000 * 1000,
        )
        for cue in read_typed(text, most_ms=WRITTEN_FOR_MS)
    ]
