"""The child processes that look into files: what they tell, how they end, what they may take."""

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from loops import media
from loops.media import MediaError, Part, Progress
from tests.loops.corpus import encode
from tests.waiting import wait_until

ROOT = Path(media.__file__).parent.parent

NO_SOUND = "    import loops.media as m; return m.Sound(False, None, [], 0.0, {})"

Stepper = Callable[..., object]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    return encode(folder / "film", "webm", video="libvpx", audio="libopus", seconds=2)


@pytest.fixture
def targets(tmp_path: Path) -> list[Path]:
    return [tmp_path / "one", tmp_path / "other"]


@pytest.fixture
def a_child_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a program of the test's own in the place of the child programs."""

    def replace(*lines: str, is_served: bool = False) -> None:
        program = tmp_path / "program"
        served = ["import loops.confined", *lines, "sys.argv[1] = sys.argv[3]",
                  "loops.confined.serve(work)"]  # fmt: skip
        program.write_text("\n".join([
            f"#!{sys.executable}", "import os, sys, time", f"sys.path.insert(0, {str(ROOT)!r})",
            *(served if is_served else lines),
        ]))  # fmt: skip
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return replace


def failure_of(path: Path, target: Path, on_progress: Progress | None = None) -> MediaError:
    target.write_bytes(b"half")
    with pytest.raises(MediaError) as failure:
        media.sound(path, target, on_progress=on_progress)
    assert not target.exists()
    return failure.value


@pytest.mark.parametrize(
    "step",
    [
        lambda film, one, _, told: media.remux([Part(film)], one, on_progress=told),
        lambda film, one, _, told: media.sound(film, one, on_progress=told),
        lambda film, one, other, told: media.picture(film, one, other, on_progress=told),
    ],
    ids=["remux", "sound", "picture"],
)
def test_each_step_tells_how_far_it_is(
    film: Path, targets: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: Stepper
) -> None:
    eager = tmp_path / "eager"
    eager.write_text(
        textwrap.dedent(f"""\
        #!{sys.executable}
        import runpy, sys
        sys.path.insert(0, {str(ROOT)!r})
        import loops.confined
        loops.confined.TELL_EVERY_SECONDS = 0
        program, sys.argv[1:] = sys.argv[2], sys.argv[3:]
        runpy.run_module(program, run_name="__main__")
    """)
    )
    eager.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(eager))
    told: list[float] = []

    step(film, *targets, told.append)

    assert len(told) > 2
    assert told == sorted(told)
    assert told[0] >= 0
    assert 0.8 < told[-1] <= 1


def test_progress_is_told_four_times_a_second_at_most(
    film: Path, targets: list[Path], a_child_that: Callable[..., None]
) -> None:
    a_child_that(
        "def work(request, meter):",
        "    ends = time.monotonic() + 1.1",
        "    while time.monotonic() < ends: meter.reach(0.5)",
        NO_SOUND,
        is_served=True,
    )
    told: list[float] = []

    media.sound(film, targets[0], on_progress=told.append)

    assert 1 <= len(told) <= 4


def test_listener_hears_of_a_child_that_has_no_news(
    film: Path,
    targets: list[Path],
    a_child_that: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_child_that("""print('{"progress": 0.7}', flush=True)""", "time.sleep(600)")
    monkeypatch.setattr(media, "TELL_LEAST_SECONDS", 0.1)
    monkeypatch.setattr(media, "WALL_SECONDS", 1)
    told: list[float] = []

    assert failure_of(film, targets[0], told.append).code == "timed_out"

    assert told.count(0.7) >= 3


def test_listener_that_gives_up_ends_the_child(
    film: Path, targets: list[Path], a_child_that: Callable[..., None], tmp_path: Path
) -> None:
    a_child_that(
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))",
        """print('{"progress": 0.5}', flush=True)""",
        "time.sleep(600)",
    )
    targets[0].write_bytes(b"half")

    with pytest.raises(KeyboardInterrupt):
        media.sound(film, targets[0], on_progress=_give_up)

    assert not targets[0].exists()
    assert not _lives(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    "lines",
    [
        ["sys.exit(3)"],
        ["os.kill(os.getpid(), 9)"],
        ["print('hello')"],
        ["print('[]')"],
        ["print('{}')"],
        ["""print('{"progress": "half"}')"""],
        ["""print('{"error": "whatever", "detail": ""}')"""],
        ["""print('{"result": {"surprise": 1}}')"""],
        ["""print('{"progress": 0.5}')"""],
        ["""print('{"result"')"""],
        ["""print('{"result": {}}')""", "sys.exit(1)"],
        ["while True: sys.stdout.write('x' * 65536)"],
        ["os.write(1, bytes(range(256)))"],
        ["pass"],
    ],
)
def test_child_that_dies_or_talks_nonsense_has_crashed(
    film: Path, targets: list[Path], a_child_that: Callable[..., None], lines: list[str]
) -> None:
    a_child_that(*lines)

    assert failure_of(film, targets[0]).code == "crashed"


def test_last_words_of_a_child_are_kept(
    film: Path, targets: list[Path], a_child_that: Callable[..., None]
) -> None:
    a_child_that("sys.stderr.write('x' * 1_000_000 + 'the end')", "sys.exit(1)")

    detail = failure_of(film, targets[0]).detail

    assert detail.endswith("the end")
    assert len(detail) < 600


@pytest.mark.parametrize("habit", ["", "os.close(1)", "print('{\"progress\": 0}', flush=True)"])
def test_child_that_hangs_is_ended(
    film: Path,
    tmp_path: Path,
    a_child_that: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    habit: str,
) -> None:
    a_child_that(
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))", habit, "time.sleep(600)"
    )
    monkeypatch.setattr(media, "WALL_SECONDS", 1)

    assert failure_of(film, tmp_path / "target").code == "timed_out"

    assert not _lives(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (f"    bytearray(2 * 1024**3)\n{NO_SOUND}", "crashed"),
        ("    open(request['target'], 'wb').write(bytes(64 * 1024**2))", "disk_full"),
        ("    raise OSError(28, 'No space left on device')", "disk_full"),
        ("    raise OSError(5, 'Input/output error')", "crashed"),
    ],
)
def test_child_may_not_take_what_it_likes(
    film: Path, targets: list[Path], a_child_that: Callable[..., None], work: str, code: str
) -> None:
    a_child_that("def work(request, meter):", work, is_served=True)

    assert failure_of(film, targets[0]).code == code


def test_child_has_limits(
    film: Path, targets: list[Path], a_child_that: Callable[..., None], tmp_path: Path
) -> None:
    a_child_that(
        "def work(request, meter):",
        "    import json, resource as r",
        "    names = 'AS CPU CORE FSIZE'.split()",
        "    limits = {name: r.getrlimit(getattr(r, 'RLIMIT_' + name))[0] for name in names}",
        f"    open({str(tmp_path / 'limits')!r}, 'w').write(",
        "        json.dumps({**limits, 'nice': os.nice(0)}))",
        NO_SOUND,
        is_served=True,
    )

    media.sound(film, targets[0])

    limits = json.loads((tmp_path / "limits").read_text())
    assert limits["AS"] == 1536 * 1024**2
    assert (limits["CPU"], limits["CORE"]) == (600, 0)
    assert film.stat().st_size < limits["FSIZE"] < film.stat().st_size + 32 * 1024**2
    assert limits["nice"] >= 5


@pytest.mark.parametrize("busy", ["time.sleep(600)", "[0 for _ in iter(int, 1)]"])
def test_child_ends_with_its_parent(
    film: Path, a_child_that: Callable[..., None], tmp_path: Path, busy: str
) -> None:
    pid_file = tmp_path / "pid"
    a_child_that(
        "def work(request, meter):",
        f"    open({str(pid_file)!r}, 'w').write(str(os.getpid()))",
        f"    {busy}",
        is_served=True,
    )
    program = (
        "import sys, pathlib; from loops import media\n"
        f"sys.executable = {sys.executable!r}\n"
        f"media.sound(pathlib.Path({str(film)!r}), pathlib.Path({str(tmp_path / 'peaks')!r}))"
    )
    worker = subprocess.Popen(["/usr/bin/env", _real_python(), "-c", program], cwd=ROOT)
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "")
    child = int(pid_file.read_text())
    assert _lives(child)

    worker.send_signal(signal.SIGKILL)
    worker.wait()

    wait_until(lambda: not _lives(child))


def _real_python() -> str:
    return str(Path(sys.prefix) / "bin" / "python")


def _give_up(share: float) -> None:
    raise KeyboardInterrupt


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
