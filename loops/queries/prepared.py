"""Compile and plan a query once, and run it with other values each time.

Django builds the SQL of a queryset anew whenever it runs, and PostgreSQL plans it anew. Where a
query is on every page and has many parts, both take longer by far than its rows do.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from weakref import WeakSet

from django.db import connection
from django.db.models import QuerySet

_NUMBERS = range(-8_431_777_000, -8_431_776_000)
_TIMES = datetime(1066, 10, 14, 9, 0, 0, 431_777, tzinfo=UTC)
_COLUMN_TYPES = {int: "bigint", str: "text", datetime: "timestamptz"}
_statements = count(1)


class Prepared:
    """A query over values of three types: `int`, `str` and `datetime`, which stay as they are.

    `build` makes the queryset, with `values_list`, from the names in `types`. Each value has to
    reach the SQL itself: one that was computed with would be computed with once and for all, so
    that is refused.

    The server keeps the statement and its plan for as long as the connection lasts. Behind a
    pooler that hands out another connection for each transaction, for which Django has
    `DISABLE_SERVER_SIDE_CURSORS`, each run is a statement of its own.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **types: type) -> None:
        """Take what makes the queryset, and the names and types of the values."""
        self._build = build
        self._types = types
        self.name = f"plumbline_{next(_statements)}"
        self._known: tuple[str, list[tuple[Any, str]]] | None = None
        self._prepared_on: WeakSet[Any] = WeakSet()

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Run the query; return its rows as the driver gives them, JSON as text."""
        sql, parameters = self._known or self._compile()
        with connection.cursor() as cursor:  # a connection that was lost is another one from here
            if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
                given = [values[name] if name else value for value, name in parameters]
                cursor.execute(sql, given)
            else:
                if connection.connection not in self._prepared_on:
                    self._prepare(sql, parameters)
                places = ", ".join(["%s"] * len(self._types))
                cursor.execute(
                    f"EXECUTE {self.name} ({places})", [values[name] for name in self._types]
                )
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _compile(self) -> tuple[str, list[tuple[Any, str]]]:
        stand_ins = _stand_ins(self._types)
        sql, parameters = self._build(**stand_ins).query.sql_with_params()
        named = {(type(value), value): name for name, value in stand_ins.items()}
        found = [(value, _name_of(value, named)) for value in parameters]
        lost = stand_ins.keys() - {name for _value, name in found}
        if lost:
            raise ValueError(f"{sorted(lost)} did not reach the SQL as they are.")
        self._known = sql, found
        return self._known

    def _prepare(self, sql: str, parameters: list[tuple[Any, str]]) -> None:
        """Hand the statement to the server: no query of any page's, but part of connecting."""
        numbers = {name: f"${number}" for number, name in enumerate(self._types, start=1)}
        places = iter(parameters)

        def numbered(found: re.Match[str]) -> str:
            name = next(places)[1] if found.group() == "%s" else ""
            return numbers[name] if name else found.group()

        statement = re.sub("%%|%s", numbered, sql)
        types = ", ".join(_COLUMN_TYPES[kind] for kind in self._types.values())
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(
                f"PREPARE {self.name} ({types}) AS {statement}",
                [value for value, name in parameters if not name],
            )
        self._prepared_on.add(connection.connection)


def run_once(query: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """Run a query as it is; return its rows as `Prepared` does."""
    with connection.cursor() as cursor:
        cursor.execute(*query.query.sql_with_params())
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _stand_ins(types: Mapping[str, type]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for number, (name, kind) in enumerate(types.items()):
        values = {
            int: _NUMBERS[number],
            str: f"\x01{name}",
            datetime: _TIMES.replace(day=number + 1),
        }
        made[name] = values[kind]
    return made


def _name_of(value: Any, named: Mapping[tuple[type, Any], str]) -> str:
    try:
        return named.get((type(value), value), "")
    except TypeError:  # a list: never one of the values
        return ""
