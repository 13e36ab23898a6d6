"""What is said in the answers of which the demo has the words, by the key of the answer. [pure]"""

from pathlib import Path

from loops.cues import Cue, read_typed

FOLDER = Path(__file__).parent / "words"
SAID = {
    "mara/ic_leadership/document_that_mattered": "document_that_mattered",
    "mara/sd_ambiguous/data_location": "data_location",
    "priya/sd_classic/flag_delivery": "flag_delivery",
}


def speech_of(answer: str, *, duration_ms: int) -> list[Cue]:
    """Return what is said in an answer, within its recording; nothing where nobody wrote it."""
    if answer not in SAID:
        return []
    text = (FOLDER / f"{SAID[answer]}.txt").read_text()
    return read_typed(text, most_ms=duration_ms)
