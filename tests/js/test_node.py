"""Runs the tests of the JavaScript parts that need no page: `node --test tests/js`."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OLDEST = (20, 19)  # from here on Node reads our modules without a package.json beside them


def test_javascript_parts_without_a_page() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: the parts without a page are tested where it is.")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2]) < OLDEST:
        pytest.skip(f"Node {told.strip()} is older than 20.19 and cannot read the modules as such.")

    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    ended = subprocess.run(
        [node, "--test", *files], capture_output=True, text=True, timeout=120, check=False
    )

    assert ended.returncode == 0, ended.stdout[-5000:]
