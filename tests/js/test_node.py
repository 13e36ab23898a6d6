"""Runs the tests of the JavaScript parts that need no page: `node --test tests/js`."""

import subprocess
from pathlib import Path

from tests.js.node import NODE

HERE = Path(__file__).parent


def test_javascript_parts_without_a_page() -> None:
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    ended = subprocess.run(
        [NODE, "--test", *files], capture_output=True, text=True, timeout=120, check=False
    )

    assert ended.returncode == 0, ended.stdout[-5000:]
