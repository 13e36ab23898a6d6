"""Compile a query once a process, and run it with other values each time.

Django builds the SQL of a queryset anew whenever it runs. Where a query is on every page and has
many parts, that takes longer than the database does.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

_NUMBERS = range(-8_431_777_000, -8_431_776_000)
_TIMES = datetime(1066, 10, 14, 9, 0, 0, 431_777, tzinfo=UTC)


class Prepared:
    """A query over values of three types: `int`, `str` and `datetime`, which stay as they are.

    `build` makes the queryset, with `values_list`, from the names in `types`. Each value has to
    reach the SQL itself: one that was computed with would be computed with once and for all, so
    that is refused.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **types: type) -> None:
        """Take what makes the queryset, and the names and types of the values."""
        self._build = build
        self._types = types
        self._known: tuple[str, list[tuple[Any, str]]] | None = None

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Run the query; return its rows as the driver gives them, JSON as text."""
        sql, parameters = self._known or self._compile()
        given = [values[name] if name else value for value, name in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, given)
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
