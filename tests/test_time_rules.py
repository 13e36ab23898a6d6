"""The rules of time, held over the product's whole source: what is agreed is an instant in UTC.

They are rules of thumb. A name that is local anywhere in a function counts as local all through
it, and what goes through a call or an attribute is not followed. The tables of mistakes at the end
say what they do find.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("loops", "feedback", "config", "rubrics")

ZONE_IN_SQL = re.compile(
    r"\bAT\s+TIME\s+ZONE|\bSET\s+(LOCAL\s+|SESSION\s+)?TIME\s*ZONE", re.IGNORECASE
)
ORM_FUNCTION = re.compile(r"(Trunc|Extract)([A-Z]\w*)?")
ORM_LOOKUP = re.compile(
    r"\w*_at__(date|time|year|iso_year|quarter|month|week|day|week_day|iso_week_day|hour|minute)"
    r"(__\w*)?"
)
ZONE_AT = {"now": 0, "fromtimestamp": 1, "combine": 2}  # the place of the zone among the arguments
ZONE_OF_DATETIME_AT = 7


# The rules: each returns the lines of a source that break it


def zones_in_sql(source: str) -> list[int]:
    """PostgreSQL has zone data of its own, and reads a repeated hour the other way round."""
    return [source.count("\n", 0, found.start()) + 1 for found in ZONE_IN_SQL.finditer(source)]


def zones_in_queries(source: str) -> list[int]:
    """Days and hours of an instant, asked of the ORM, become a zone in SQL as well."""

    def is_one(node: ast.AST) -> bool:
        match node:
            case ast.ImportFrom(module=module, names=names) if module:
                return module.startswith("django.db.models") and any(
                    ORM_FUNCTION.fullmatch(alias.name) for alias in names
                )
            case ast.Call(func=ast.Attribute(attr=name)) if ORM_FUNCTION.fullmatch(name):
                return True
            case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)):
                return ORM_LOOKUP.fullmatch(name) is not None
            case ast.Assign(targets=[ast.Name(id="date_hierarchy")]):
                return True
            case ast.Call(func=ast.Attribute(attr="datetimes")):
                return True
        return False

    return _lines(filter(is_one, ast.walk(ast.parse(source))))


def naive_times(source: str) -> list[int]:
    """A time without a zone is the machine's opinion of an instant."""

    def is_one(node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(attr="utcnow" | "utcfromtimestamp" | "strptime")):
                return True
            case ast.Call(func=ast.Attribute(value=base, attr="today")):
                return _is_named(base, "datetime", "date")
            case ast.Call(func=ast.Attribute(attr="astimezone"), args=[], keywords=[]):
                return True
            case ast.Call(func=func):
                place = _place_of_zone(node)
                no_zone = place is not None and _zone(node, place) is None
                return no_zone or _is_named(func, "make_naive")
        return False

    return _lines(filter(is_one, ast.walk(ast.parse(source))))


def local_sums(source: str) -> list[int]:
    """An hour added to a local time is not always an hour later: sums are done in UTC."""

    def is_one(node: ast.AST, names: frozenset[str]) -> bool:
        match node:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return _is_local(left, names) or _is_local(right, names)
            case ast.AugAssign(target=target, op=ast.Add() | ast.Sub()):
                return _is_local(target, names)
        return False

    return _lines(_in_functions(source, is_one))


def local_keys(source: str) -> list[int]:
    """Two local times of a repeated hour are equal, though they are an hour apart."""

    def is_one(node: ast.AST, names: frozenset[str]) -> bool:
        match node:
            case ast.Dict(keys=keys):
                return any(key is not None and _is_local(key, names) for key in keys)
            case ast.DictComp(key=key) | ast.SetComp(elt=key) | ast.Subscript(slice=key):
                return _is_local(key, names)
            case ast.Set(elts=items):
                return any(_is_local(item, names) for item in items)
            case ast.Call(func=ast.Attribute(attr="add" | "setdefault"), args=[first, *_]):
                return _is_local(first, names)
        return False

    return _lines(_in_functions(source, is_one))


Rule = Callable[[str], list[int]]
RULES: list[Rule] = [zones_in_sql, zones_in_queries, naive_times, local_sums, local_keys]


# How they read


def _lines(nodes: Iterator[ast.AST]) -> list[int]:
    return sorted({getattr(node, "lineno", 0) for node in nodes})


def _is_named(node: ast.expr, *names: str) -> bool:
    """Tell whether an expression is one of these names, alone or at the end of a dotted one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in names
    return False


def _zone(call: ast.Call, position: int) -> ast.expr | None:
    """Return the zone a call is given, by position or by name; None also if that is None."""
    given = next((word.value for word in call.keywords if word.arg in {"tz", "tzinfo"}), None)
    if given is None and len(call.args) > position:
        given = call.args[position]
    is_none = isinstance(given, ast.Constant) and given.value is None
    return None if is_none else given


def _place_of_zone(call: ast.Call) -> int | None:
    """Return where a call that makes a datetime takes its zone; None for any other call."""
    match call.func:
        case ast.Attribute(value=base, attr=name) if _is_named(base, "datetime"):
            return ZONE_AT.get(name, ZONE_OF_DATETIME_AT if name == "datetime" else None)
        case func if _is_named(func, "datetime"):
            return ZONE_OF_DATETIME_AT
    return None


def _is_local(node: ast.expr, names: frozenset[str]) -> bool:
    """Tell whether an expression is a time by some zone's clock, as far as can be seen."""
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.Call():
            return _makes_local(node, names)
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return _is_local(one, names) or _is_local(other, names)
        case ast.NamedExpr(value=value):
            return _is_local(value, names)
    return False


def _makes_local(call: ast.Call, names: frozenset[str]) -> bool:
    place = _place_of_zone(call)
    if place is not None:
        return not _is_utc(_zone(call, place))
    match call.func:
        case ast.Attribute(attr="astimezone"):
            return not _is_utc(_zone(call, 0))
        case ast.Attribute(value=base, attr="replace"):
            gives_zone = any(word.arg == "tzinfo" for word in call.keywords)
            return (
                not _is_utc(_zone(call, ZONE_OF_DATETIME_AT))
                if gives_zone
                else _is_local(base, names)
            )
    return _is_named(call.func, "localtime", "make_aware")


def _is_utc(zone: ast.expr | None) -> bool:
    return zone is not None and _is_named(zone, "UTC", "utc")


def _in_functions(
    source: str, is_one: Callable[[ast.AST, frozenset[str]], bool]
) -> Iterator[ast.AST]:
    """Give the nodes that break a rule, each judged by the local names of the function around."""
    tree = ast.parse(source)
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for scope in (tree, *functions):
        names = _local_names(scope)
        yield from (node for node in ast.walk(scope) if is_one(node, names))


def _local_names(scope: ast.AST) -> frozenset[str]:
    """Return the names that are given local times, directly or from one another."""
    names: frozenset[str] = frozenset()
    while True:
        found = names | {
            name
            for node in _own_nodes(scope)
            for name, value in _assigned(node)
            if _is_local(value, names)
        }
        if found == names:
            return names
        names = found


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a module or function without those of the functions inside."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own_nodes(child)


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _paired(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _paired(target, value)
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for one, other in zip(targets, values, strict=False):
                yield from _paired(one, other)


# The product


@pytest.mark.parametrize("rule", RULES)
def test_the_product_keeps_the_rules_of_time(rule: Rule) -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in rule(path.read_text())
    ]

    assert broken == [], rule.__doc__


def test_no_file_of_sql_and_no_template_knows_a_zone() -> None:
    kept = [*(ROOT / "templates").rglob("*")]
    kept += [path for package in PACKAGES for path in (ROOT / package).rglob("*.sql")]
    broken = [str(path) for path in kept if path.is_file() and zones_in_sql(path.read_text())]

    assert broken == []


# What the rules find, and what they leave alone


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (zones_in_sql, "x.execute('SELECT starts_at AT TIME ZONE %s')"),
        (zones_in_sql, "x = '''select a at\n time zone 'UTC' '''"),
        (zones_in_sql, "x.execute('SET LOCAL TIME ZONE 1')"),
        (zones_in_queries, "from django.db.models.functions import Now, TruncDate"),
        (zones_in_queries, "x.annotate(day=functions.ExtractWeekDay('starts_at', tzinfo=zone))"),
        (zones_in_queries, "Mock.objects.filter(starts_at__date=day)"),
        (zones_in_queries, "Mock.objects.filter(mock__starts_at__hour__gte=22)"),
        (zones_in_queries, "Mock.objects.values('starts_at__week_day')"),
        (zones_in_queries, "Mock.objects.datetimes('starts_at', 'day')"),
        (zones_in_queries, "class A:\n    date_hierarchy = 'starts_at'"),
        (naive_times, "datetime.now()"),
        (naive_times, "datetime.datetime.now()"),
        (naive_times, "datetime.now(tz=None)"),
        (naive_times, "datetime.utcnow()"),
        (naive_times, "datetime.utcfromtimestamp(0)"),
        (naive_times, "datetime.fromtimestamp(0)"),
        (naive_times, "datetime.strptime(text, '%Y')"),
        (naive_times, "date.today()"),
        (naive_times, "datetime.today()"),
        (naive_times, "datetime(2026, 3, 8)"),
        (naive_times, "datetime(2026, 3, 8, 2, 30, fold=1)"),
        (naive_times, "datetime(2026, 3, 8, tzinfo=None)"),
        (naive_times, "dt.datetime(2026, 3, 8)"),
        (naive_times, "datetime.combine(day, time.min)"),
        (naive_times, "x.astimezone()"),
        (naive_times, "timezone.make_naive(x)"),
        (local_sums, "x.astimezone(zone) + hour"),
        (local_sums, "hour + x.astimezone(tz=zone)"),
        (local_sums, "datetime.combine(day, time.min, tzinfo=zone) + hour"),
        (local_sums, "datetime.combine(day, time.min, zone) - hour"),
        (local_sums, "datetime(2026, 3, 8, tzinfo=ZoneInfo(name)) + hour"),
        (local_sums, "datetime.now(zone) - hour"),
        (local_sums, "timezone.localtime(x, zone) + hour"),
        (local_sums, "x.replace(tzinfo=zone) - hour"),
        (local_sums, "x.astimezone(zone).replace(hour=0) + day"),
        (local_sums, "def f():\n    local = x.astimezone(zone)\n    return local + hour"),
        (local_sums, "def f():\n    local: datetime = x.astimezone(zone)\n    local += hour"),
        (local_sums, "def f():\n    a, b = x.astimezone(zone), 1\n    c = a\n    return c - hour"),
        (local_sums, "def f():\n    if (a := x.astimezone(zone)):\n        return a - hour"),
        (local_sums, "def f():\n    a = x.astimezone(zone) if x else y\n    return b - a"),
        (local_sums, "def f():\n    a = x.astimezone(zone)\n    return [a + h for h in hours]"),
        (local_sums, "def f():\n    a = x.astimezone(zone)\n    def g():\n        return a + hour"),
        (local_keys, "{x.astimezone(zone): 1}"),
        (local_keys, "{x.astimezone(zone) for x in y}"),
        (local_keys, "def f():\n    a = x.astimezone(zone)\n    return known[a]"),
        (local_keys, "known.add(x.astimezone(zone))"),
    ],
)
def test_a_mistake_is_found(rule: Rule, source: str) -> None:
    assert rule(source)


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC) + hour",
        "datetime.now(tz=UTC)",
        "timezone.now() - hour",
        "datetime(2026, 3, 8, tzinfo=UTC) + hour",
        "datetime(2026, 3, 8, 0, 0, 0, 0, UTC)",
        "datetime.combine(day, time.min, UTC) + hour",
        "datetime.fromtimestamp(0, UTC) + hour",
        "x.replace(tzinfo=zone, fold=1).astimezone(UTC) + hour",
        "x.astimezone(timezone.utc) + hour",
        "x.astimezone(zone).date() + day",
        "{x.astimezone(zone).date(): 1}",
        "name.replace('a', 'b') + 'c'",
        "def f():\n    local = x.astimezone(zone)\n    return local.hour + 1",
        "def f():\n    local = x.astimezone(zone)\ndef g(local):\n    return local + hour",
        "Loop.objects.filter(interview_on__year=2026, starts_at__gte=now, starts_at__isnull=True)",
        "x = 'see that time zones come from one place'",
    ],
)
def test_what_is_right_is_left_alone(source: str) -> None:
    assert {rule.__name__: rule(source) for rule in RULES if rule(source)} == {}
