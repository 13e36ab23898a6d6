"""Takes the README's screenshots of the running demo: `make run`, then `make screenshots`."""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
ADDRESS = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-ui-for-media-stream "
    "--use-fake-device-for-media-stream"
).split()
SOUGHT = """async (video, seconds) => {
  while (video.readyState < 4 || video.currentTime < seconds) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}"""


def main() -> int:
    """Sign in as the demo candidate and take each picture; return the exit code."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.stderr.write("No Chromium was found: install it, or set CHROMIUM to its path.\n")
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        desk = browser.new_context(viewport={"width": 1280, "height": 960}, base_url=ADDRESS)
        page = _signed_in(desk.new_page())
        page.goto("/readiness/")
        _take(page, "readiness")
        page.get_by_role("link", name="IC leadership").first.click()
        page.get_by_role("link", name="Answer 3").click()
        _take(page, "results")
        page.goto("/queue/")
        page.get_by_role("link", name="Continue").click()
        page.wait_for_load_state("networkidle")
        page.locator("[data-behaviour~=player]").evaluate("element => element.player.seek(58_000)")
        page.locator("video").last.evaluate(SOUGHT, 57)
        _take(page, "grading")
        page.goto("/mocks/")
        page.get_by_role("link", name="With godwit-429").first.click()
        _take(page, "mock")
        page.goto("/availability/")
        _take(page, "hours")
        page.goto("/recordings/")
        _take(page, "recordings")
        page.goto("/readiness/")
        page.get_by_role("link", name="Finish your draft").click()
        attempt = page.url
        phone = browser.new_context(
            viewport={"width": 390, "height": 844},
            base_url=ADDRESS,
            color_scheme="dark",
            device_scale_factor=2,
            storage_state=desk.storage_state(),
        )
        small = phone.new_page()
        small.goto(f"{attempt}record/")
        small.get_by_role("button", name="I agree, check my devices").click()
        small.get_by_role("button", name="Start recording").wait_for()
        small.evaluate("scrollTo(0, 0)")
        _take(small, "recorder")
        browser.close()
    return 0


def _signed_in(page: Page) -> Page:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill("mara@demo.example")
    page.locator("[name=password]").fill("plumbline-demo")
    page.locator("main form button").last.click()
    page.wait_for_url("**/readiness/**")
    return page


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
