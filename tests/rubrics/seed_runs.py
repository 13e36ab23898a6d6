"""Runs of seven words, hashed, so that a text can be held against another without keeping that.

Run with the path of a text to write its runs into `data/seed_runs.txt`.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

WORDS_A_RUN = 7
SALT = b"plumbline catalogue"
RUNS_FILE = Path(__file__).parent / "data" / "seed_runs.txt"


def runs(text: str) -> Iterator[str]:
    """Yield every run of seven lower-case words of a text, whatever stands between them."""
    words = re.findall(r"[^\W_]+", text.lower().replace("’", "'").replace("'", ""))
    for start in range(len(words) - WORDS_A_RUN + 1):
        yield " ".join(words[start : start + WORDS_A_RUN])


def hashed(run: str) -> str:
    """Hash a run; twelve hex digits leave a chance of one in ten thousand million of a clash."""
    return hashlib.blake2b(run.encode(), key=SALT, digest_size=6).hexdigest()


def known_runs() -> frozenset[str]:
    """Return the hashes that were committed."""
    lines = RUNS_FILE.read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


if __name__ == "__main__":
    found = sorted({hashed(run) for run in runs(Path(sys.argv[1]).read_text(encoding="utf-8"))})
    heading = (
        "# Each run of seven words of the source document, hashed by tests/rubrics/seed_runs.py"
    )
    RUNS_FILE.write_text("\n".join([heading, *found, ""]))
