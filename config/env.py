"""Typed readers of the environment, which fail naming the variable. Imports no framework."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ON = ("on", "true", "yes", "1")
OFF = ("off", "false", "no", "0")
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
KEEP_PLANS = "-c plan_cache_mode=force_generic_plan"


class EnvError(Exception):
    """A variable is missing or cannot be read; the message names it and says what it may be."""


class Env:
    """A read-only view of variables: those of the process first, then those of a file.

    An empty value counts as not set, so that `NAME=` in a file or a compose file switches
    nothing on by accident.
    """

    def __init__(
        self, variables: Mapping[str, str], fallback: Mapping[str, str] | None = None
    ) -> None:
        self._variables = {**(fallback or {}), **{k: v for k, v in variables.items() if v != ""}}

    def has(self, name: str) -> bool:
        """Say whether the variable, or the file that holds it, is set to something."""
        return any(self._variables.get(key) for key in (name, f"{name}_FILE"))

    def text(self, name: str, default: str | None = None, *, choices: Sequence[str] = ()) -> str:
        """Read a text; with `choices`, one of them."""
        value = self._variables.get(name, "").strip()
        if value == "":
            if default is None:
                raise EnvError(f"{name} is not set. .env.example says what it is for.")
            return default
        if choices and value not in choices:
            raise EnvError(f"{name} is {value!r}: it must be one of {', '.join(choices)}.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Read a switch: on or off, in any of the usual spellings."""
        value = self.text(name, "").lower()
        if value == "":
            return default
        if value in ON:
            return True
        if value in OFF:
            return False
        raise EnvError(f"{name} is {value!r}: it must be on or off.")

    def number(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """Read a whole number between `least` and `most`, both included."""
        value = self.text(name, "")
        if value == "":
            return default
        bounds = f"from {least}" + (f" to {most}" if most is not None else " up")
        if not re.fullmatch(r"-?\d[\d_]*", value):
            raise EnvError(f"{name} is {value!r}: it must be a whole number {bounds}.")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise EnvError(f"{name} is {value}: it must be a whole number {bounds}.")
        return number

    def duration_s(self, name: str, default: int) -> int:
        """Read a duration such as 90, 90s, 15m, 48h or 14d, in whole seconds."""
        value = self.text(name, "")
        if value == "":
            return default
        match = re.fullmatch(r"(\d+)\s*([smhd]?)", value)
        if match is None:
            raise EnvError(
                f"{name} is {value!r}: it must be a duration such as 90s, 15m, 48h or 14d."
            )
        return int(match[1]) * UNITS_S[match[2] or "s"]

    def names(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Read a list of words parted by commas; blanks around them are dropped."""
        value = self.text(name, "")
        return (
            [word.strip() for word in value.split(",") if word.strip()] if value else list(default)
        )

    def secret(self, name: str, default: str | None = None) -> str:
        """Read a secret from `name`, or from the file that `name`_FILE points at."""
        file_name = self.text(f"{name}_FILE", "")
        if file_name and self.text(name, ""):
            raise EnvError(f"{name} and {name}_FILE are both set: keep one of them.")
        if not file_name:
            return self.text(name, default)
        try:
            value = Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as error:
            reason = error.strerror or "cannot be read"
            raise EnvError(f"{name}_FILE points at {file_name}: {reason}.") from error
        if not value:
            raise EnvError(f"{name}_FILE points at {file_name}, which is empty.")
        return value


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines as Docker Compose reads them; a file that is not there has none.

    A library would bring interpolation and `export`, which Compose's `env_file` does not share;
    one file has to mean the same to both. Quotes around a whole value are taken off.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EnvError(f"{path} cannot be read: {error}.") from error
    variables = {}
    for position, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", line)
        if match is None:
            raise EnvError(f"{path}, line {position}: expected NAME=value.")
        name, value = match[1], match[2]
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        else:
            value = re.split(r"\s+#", value, maxsplit=1)[0]
        variables[name] = value
    return variables


def load(checkout: Path) -> Env:
    """Return the process's variables over those of the checkout's `.env`.

    ENV_FILE names another file; set to `none`, no file is read.
    """
    file_name = os.environ.get("ENV_FILE", ".env") or ".env"
    fallback = {} if file_name == "none" else read_env_file(checkout / file_name)
    return Env(os.environ, fallback)


def database_from_url(
    url: str, *, name: str = "DATABASE_URL", is_pooled: bool = False
) -> dict[str, Any]:
    """Read postgresql://user:password@host:port/name?sslmode=… as Django's database settings.

    The query's `host` names the folder of a socket; its other keys go to libpq. Unless a pooler
    of transactions `is_pooled` in between, a statement that the server is asked to keep keeps its
    plan, too: it would be planned anew for each page wherever that looks a little cheaper.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise EnvError(f"{name} starts with {parts.scheme!r}: it must be postgresql://….")
    try:
        port = parts.port
    except ValueError as error:
        raise EnvError(f"{name} has a port that is no number.") from error
    options = dict(parse_qsl(parts.query))
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise EnvError(f"{name} names no database: postgresql://user:password@host:5432/database.")
    if not is_pooled:
        of_url = options.get("options", "")
        options["options"] = f"{KEEP_PLANS} {of_url}".rstrip()
    return {
        "DISABLE_SERVER_SIDE_CURSORS": is_pooled,
        "NAME": database,
        "USER": options.pop("user", unquote(parts.username or "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(port or options.pop("port", "")),
        "OPTIONS": options,
    }


def mail_from_url(url: str, *, name: str = "EMAIL_URL") -> dict[str, Any]:
    """Read smtp://user:password@host:port as Django's EMAIL_ settings.

    smtp+tls:// starts TLS after connecting, smtps:// connects with it.
    """
    parts = urlsplit(url)
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    if parts.scheme not in ports or not parts.hostname:
        raise EnvError(
            f"{name} must be smtp://, smtp+tls:// or smtps://, then user:password@host:port."
        )
    try:
        port = parts.port or ports[parts.scheme]
    except ValueError as error:
        raise EnvError(f"{name} has a port that is no number.") from error
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def redis_database(url: str, step: int, *, name: str = "REDIS_URL") -> str:
    """Return the Redis address with its database number moved on by `step`."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    try:
        if parts.scheme == "unix":
            return f"unix://{parts.path}?db={int(query.get('db', '0')) + step}"
        if parts.scheme in {"redis", "rediss"}:
            number = int(parts.path.lstrip("/") or query.get("db", "0")) + step
            return parts._replace(path=f"/{number}").geturl()
    except ValueError as error:
        raise EnvError(f"{name} names a database that is no number.") from error
    raise EnvError(f"{name} must start with redis://, rediss:// or unix://.")


def redis_broker(url: str, *, name: str = "REDIS_URL") -> str:
    """Return the Redis address as Celery spells it (`redis+socket://` for a socket)."""
    checked = redis_database(url, 0, name=name)
    parts = urlsplit(checked)
    if parts.scheme != "unix":
        return checked
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query))['db']}"
