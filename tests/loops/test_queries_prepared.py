"""A query compiled once: what it is run with, and what it refuses."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from psycopg import connect
from pytest_django import DjangoAssertNumQueries

from loops.models import Membership, User
from loops.queries.prepared import Prepared, run_once
from tests.factories import NOW


def rows_of(handle: str, user: int, at: datetime) -> QuerySet[Any, Any]:
    found = Membership.objects.filter(user__handle=handle, user=user, joined_at__lte=at)
    return found.values_list("user_id", "role")


def test_each_run_takes_its_own_values(peer: User, candidate: User) -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)

    def run(user: User, handle: str, at: datetime = NOW) -> list[tuple[Any, ...]]:
        return query.rows(handle=handle, user=user.pk, at=at)

    assert run(peer, peer.handle) == [(peer.pk, "member")]
    assert run(candidate, candidate.handle) == [(candidate.pk, "member")]
    assert run(candidate, peer.handle) == []
    assert run(peer, peer.handle, NOW - timedelta(days=1)) == []


def test_a_value_that_was_computed_with_is_refused(peer: User) -> None:
    def rows_before(at: datetime) -> QuerySet[Any, Any]:
        return Membership.objects.filter(joined_at__lte=at - timedelta(days=1)).values_list("pk")

    with pytest.raises(ValueError, match="at"):
        Prepared(rows_before, at=datetime).rows(at=NOW)


def test_a_value_meets_no_injection(peer: User) -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)

    assert query.rows(handle="' OR 1=1 --", user=peer.pk, at=NOW) == []


def test_a_constant_with_a_percent_sign_stays_as_it_is(peer: User) -> None:
    def like(user: int) -> QuerySet[Any, Any]:
        return User.objects.filter(pk=user, handle__contains="%s").values_list("pk")

    User.objects.filter(pk=peer.pk).update(handle="per%s")

    assert Prepared(like, user=int).rows(user=peer.pk) == [(peer.pk,)]


def test_the_server_keeps_the_statement_for_as_long_as_the_connection(
    peer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)

    with django_assert_num_queries(2):  # handing it over is part of connecting
        found = [query.rows(handle=peer.handle, user=peer.pk, at=NOW) for _ in range(2)]

    assert found == [[(peer.pk, "member")]] * 2
    assert kept_by_the_server() >= {query.name}


def test_its_plan_is_made_once(peer: User) -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)

    for _run in range(3):
        query.rows(handle=peer.handle, user=peer.pk, at=NOW)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = %s",
            [query.name],
        )
        assert cursor.fetchone() == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_handed_the_statement_anew() -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)
    query.rows(handle="nobody", user=1, at=NOW)

    connection.close()

    assert query.rows(handle="nobody", user=1, at=NOW) == []
    assert kept_by_the_server() == {query.name}


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_between_requests_is_handed_it_anew() -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)
    query.rows(handle="nobody", user=1, at=NOW)
    ended = connection.connection.info.backend_pid

    with connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    connection.close_if_unusable_or_obsolete()  # as at the beginning of a request

    assert query.rows(handle="nobody", user=1, at=NOW) == []
    assert connection.connection.info.backend_pid != ended


def test_behind_a_pooler_of_transactions_nothing_is_kept(
    peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    query = Prepared(rows_of, handle=str, user=int, at=datetime)

    assert query.rows(handle=peer.handle, user=peer.pk, at=NOW) == [(peer.pk, "member")]
    assert query.name not in kept_by_the_server()


def test_what_is_run_once_gives_the_same_rows(peer: User) -> None:
    query = Prepared(rows_of, handle=str, user=int, at=datetime)
    at_once = run_once(rows_of(handle=peer.handle, user=peer.pk, at=NOW))

    assert at_once == query.rows(handle=peer.handle, user=peer.pk, at=NOW) != []


def kept_by_the_server() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}
