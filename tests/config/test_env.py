"""The readers of the environment, by tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.env import (
    KEEP_PLANS,
    Env,
    EnvError,
    database_from_url,
    load,
    mail_from_url,
    read_env_file,
    redis_broker,
    redis_database,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("on", True),
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("off", False),
        ("False", False),
        ("no", False),
        ("0", False),
        ("", True),
        ("  ", True),
    ],
)
def test_flag_reads_the_usual_spellings(written: str, expected: bool) -> None:
    assert Env({"DEBUG": written}).flag("DEBUG", True) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("", 7), ("0", 0), ("12", 12), ("1_000", 1000)],
)
def test_number_reads_whole_numbers(written: str, expected: int) -> None:
    assert Env({"N": written}).number("N", 7) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("", 5), ("90", 90), ("90s", 90), ("15m", 900), ("48h", 172_800), ("14d", 1_209_600)],
)
def test_duration_reads_units(written: str, expected: int) -> None:
    assert Env({"T": written}).duration_s("T", 5) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("", ["x"]), ("a", ["a"]), (" a, b ,,c ", ["a", "b", "c"])],
)
def test_names_are_parted_by_commas(written: str, expected: list[str]) -> None:
    assert Env({"L": written}).names("L", ["x"]) == expected


@pytest.mark.parametrize(
    ("reader", "arguments", "written", "message"),
    [
        ("text", {}, "", "A is not set. .env.example says what it is for."),
        ("text", {"choices": ["b", "c"]}, "d", "A is 'd': it must be one of b, c."),
        ("flag", {"default": True}, "maybe", "A is 'maybe': it must be on or off."),
        ("number", {"default": 1}, "two", "A is 'two': it must be a whole number from 0 up."),
        (
            "number",
            {"default": 1, "least": 1, "most": 9},
            "10",
            "A is 10: it must be a whole number from 1 to 9.",
        ),
        (
            "duration_s",
            {"default": 1},
            "soon",
            "A is 'soon': it must be a duration such as 90s, 15m, 48h or 14d.",
        ),
        ("secret", {}, "", "A is not set. .env.example says what it is for."),
    ],
)
def test_a_mistake_names_the_variable(
    reader: str, arguments: dict[str, object], written: str, message: str
) -> None:
    with pytest.raises(EnvError) as caught:
        getattr(Env({"A": written}), reader)("A", **arguments)

    assert str(caught.value) == message


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    env = Env({"KEY_FILE": str(tmp_path / "key")})

    assert env.has("KEY")
    assert env.secret("KEY") == "hush"


def test_a_secret_is_not_given_twice(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")

    with pytest.raises(EnvError, match=r"^KEY and KEY_FILE are both set: keep one of them\.$"):
        Env({"KEY": "x", "KEY_FILE": str(tmp_path / "key")}).secret("KEY")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "KEY_FILE points at {}: No such file or directory."),
        ("\n", "KEY_FILE points at {}, which is empty."),
    ],
)
def test_a_secret_file_that_holds_nothing_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)

    with pytest.raises(EnvError) as caught:
        Env({"KEY_FILE": str(path)}).secret("KEY")

    assert str(caught.value) == message.format(path)


def test_a_file_is_read_as_compose_reads_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n\nA=1\n  B = two words  # told\nC='#3'\nD=\"q\"\nE=\nF=a#b\n"
    )

    assert read_env_file(tmp_path / ".env") == {
        "A": "1",
        "B": "two words",
        "C": "#3",
        "D": "q",
        "E": "",
        "F": "a#b",
    }


def test_a_line_without_a_name_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nexport B\n")

    with pytest.raises(EnvError, match=r"\.env, line 2: expected NAME=value\.$"):
        read_env_file(tmp_path / ".env")


def test_the_process_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=1\nSIGNUP=open\n")
    monkeypatch.setenv("ENV_FILE", ".env")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("SIGNUP", "")

    env = load(tmp_path)

    assert (env.number("PORT", 0), env.text("SIGNUP")) == (2, "open")


def test_no_file_is_read_where_none_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("ONLY_IN_THE_FILE=1\n")
    monkeypatch.setenv("ENV_FILE", "none")

    assert not load(tmp_path).has("ONLY_IN_THE_FILE")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://ann:p%40ss@db:5433/plumb?sslmode=require",
            ("plumb", "ann", "p@ss", "db", "5433", {"sslmode": "require", "options": KEEP_PLANS}),
        ),
        ("postgres:///plumb", ("plumb", "", "", "", "", {"options": KEEP_PLANS})),
        (
            "postgresql://ann@/plumb?host=/run/a%20b&port=6",
            ("plumb", "ann", "", "/run/a b", "6", {"options": KEEP_PLANS}),
        ),
        (
            "postgres:///plumb?options=-c%20work_mem%3D8MB",
            ("plumb", "", "", "", "", {"options": f"{KEEP_PLANS} -c work_mem=8MB"}),
        ),
    ],
)
def test_a_database_address_is_taken_apart(url: str, expected: tuple[object, ...]) -> None:
    read = database_from_url(url)

    assert (
        tuple(read[k] for k in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")) == expected
    )


def test_nothing_is_left_on_a_pooled_connection() -> None:
    read = database_from_url("postgresql://ann@pooler/plumb?sslmode=require", is_pooled=True)

    assert read["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert read["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a/b", "DATABASE_URL starts with 'mysql': it must be postgresql://…."),
        (
            "postgresql://db",
            "DATABASE_URL names no database: postgresql://user:password@host:5432/database.",
        ),
        ("postgresql://db:x/y", "DATABASE_URL has a port that is no number."),
    ],
)
def test_a_wrong_database_address_says_how_it_looks(url: str, message: str) -> None:
    with pytest.raises(EnvError) as caught:
        database_from_url(url)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("url", "port", "starts_tls", "is_tls"),
    [
        ("smtp://mail", 25, False, False),
        ("smtp+tls://a:b@mail", 587, True, False),
        ("smtps://a:b@mail:4650", 4650, False, True),
    ],
)
def test_a_mail_address_is_taken_apart(url: str, port: int, starts_tls: bool, is_tls: bool) -> None:
    read = mail_from_url(url)

    assert (read["EMAIL_HOST"], read["EMAIL_PORT"]) == ("mail", port)
    assert (read["EMAIL_USE_TLS"], read["EMAIL_USE_SSL"]) == (starts_tls, is_tls)


@pytest.mark.parametrize(
    ("url", "cache", "broker"),
    [
        ("redis://r:6379/0", "redis://r:6379/1", "redis://r:6379/0"),
        ("rediss://:p@r/3", "rediss://:p@r/4", "rediss://:p@r/3"),
        ("redis://r", "redis://r/1", "redis://r/0"),
        (
            "unix:///tmp/r.sock?db=2",
            "unix:///tmp/r.sock?db=3",
            "redis+socket:///tmp/r.sock?virtual_host=2",
        ),
        (
            "unix:///tmp/r.sock",
            "unix:///tmp/r.sock?db=1",
            "redis+socket:///tmp/r.sock?virtual_host=0",
        ),
    ],
)
def test_one_redis_address_serves_cache_and_queue(url: str, cache: str, broker: str) -> None:
    assert (redis_database(url, 1), redis_broker(url)) == (cache, broker)


@pytest.mark.parametrize("url", ["http://r", "redis://r/zero", "unix:///r?db=x"])
def test_a_wrong_redis_address_names_the_variable(url: str) -> None:
    with pytest.raises(EnvError, match=r"^REDIS_URL "):
        redis_broker(url)
