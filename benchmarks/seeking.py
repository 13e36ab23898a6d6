"""How fast and how exact a browser seeks in a recording of 1 GiB: the app by itself, then nginx.

A real Chromium opens the answer's page and seeks to drawn places. As machines differ and are
shared, each time also stands as a multiple of what the same page needs to fetch one MiB from there.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from random import Random
from statistics import median

from playwright.sync_api import Page, sync_playwright

from benchmarks.media import GIBIBYTE, draw_loop, record
from benchmarks.upload import FOLDER, HOST, Member, Stack, prepared, served

SEEKS = 12
EXACT_WITHIN_S = 0.1
SOUGHT_WITHIN_S = 1.5
LEAVE_S = 10  # at the end of the recording, where there is nothing to seek to
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()

SEEK = """async (video, seconds) => {
  const started = performance.now();
  const sought = new Promise((resolve) => (video.onseeked = resolve));
  video.currentTime = seconds;
  await sought;
  return [video.currentTime, (performance.now() - started) / 1000, video.seekable.end(0)];
}"""
FETCH = """async (video, place) => {
  const first = Math.floor(place);
  const started = performance.now();
  const headers = { Range: `bytes=${first}-${first + 2 ** 20 - 1}` };
  const answer = await fetch(video.currentSrc, { headers, cache: "no-store" });
  await answer.arrayBuffer();
  return (performance.now() - started) / 1000;
}"""


def main() -> int:
    """Print one line for each way of serving; return 1 where a promised figure is not held."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("No Chromium was found: install the package chromium.\n")
        return 1
    is_held = True
    open_to_a_browser = {
        "HAS_TLS": "off",
        "SITE_URL": "http://127.0.0.1",
        "ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
    }
    with prepared(people=1, **open_to_a_browser) as [member]:
        duration_s = put_large(member)
        print(f"\nSeeks in 1 GiB, {duration_s / 60:.0f} minutes of 720p, in Chromium")
        print("                  median s    most s   wrong by   / fetching 1 MiB")
        for is_behind in (False, True):
            with served(is_behind=is_behind) as stack, shown(chromium, stack, member) as page:
                found = seeks(page, duration_s)
                took = [seconds for seconds, _wrong, _plain in found]
                wrong = max(by for _seconds, by, _plain in found)
                ratio = median(seconds / plain for seconds, _wrong, plain in found)
                is_good = max(took) <= SOUGHT_WITHIN_S and wrong < EXACT_WITHIN_S
                name = "behind nginx" if is_behind else "gunicorn alone"
                print(
                    f"  {name:14}{median(took):10.3f}{max(took):10.3f}{wrong:9.3f} s"
                    f"{ratio:18.1f}   {'held' if is_good else 'MISSED'}"
                )
                is_held = is_held and is_good
    print(f"Promised: each within {SOUGHT_WITHIN_S} s, wrong by less than {EXACT_WITHIN_S} s.")
    return 0 if is_held else 1


def put_large(member: Member) -> float:
    """Give the member's answer a drawn recording of 1 GiB; return its length in seconds."""
    from loops import blobs, media  # noqa: PLC0415 - the environment is chosen first
    from loops.models import Rendition  # noqa: PLC0415

    raw = FOLDER / "raw"
    draw_loop(FOLDER / "loop.webm")
    record(FOLDER / "loop.webm", raw, most_bytes=GIBIBYTE)
    rendition = Rendition.objects.select_related("track__recording").get()
    track, recording = rendition.track, rendition.track.recording
    found = media.remux([media.Part(raw)], Path(blobs.stored().path(rendition.name)))
    raw.unlink()
    rendition.size_bytes, rendition.content_type = found.size_bytes, found.content_type
    track.duration_ms = recording.duration_ms = found.duration_ms
    for row in (rendition, track, recording):
        row.save()
    return found.duration_ms / 1000


@contextmanager
def shown(chromium: str, stack: Stack, member: Member) -> Iterator[Page]:
    """Lend the page of the member's answer in a browser that is signed in."""
    from loops.models import Recording  # noqa: PLC0415

    attempt = Recording.objects.get().attempt
    address = f"http://127.0.0.1:{stack.port}"
    cookies = SimpleCookie(member.headers["Cookie"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(base_url=address)
        context.add_cookies(
            [{"name": name, "value": one.value, "url": address} for name, one in cookies.items()]
        )
        page = context.new_page()
        page.goto(f"/results/{attempt.public_id}/")
        page.locator("video").evaluate(
            "v => v.readyState || new Promise(r => v.onloadedmetadata = r)"
        )
        yield page
        browser.close()


def seeks(page: Page, duration_s: float) -> list[tuple[float, float, float]]:
    """Seek to drawn places: the seconds that each took, by how many it was wrong, a fetch's."""
    video, random = page.locator("video"), Random(11)
    found = []
    for _ in range(SEEKS):
        wanted = random.uniform(0, duration_s - LEAVE_S)
        at, took, end = video.evaluate(SEEK, wanted)
        plain = video.evaluate(FETCH, wanted / duration_s * (GIBIBYTE - 2**21))
        found.append((took, abs(at - wanted) if end > duration_s - 1 else duration_s, plain))
    return found


if __name__ == "__main__":
    sys.exit(main())
