"""The Node that Playwright brings along: of one version, and there wherever the tests are."""

from pathlib import Path

import playwright

NODE = str(Path(playwright.__file__).parent / "driver" / "node")
