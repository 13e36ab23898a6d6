"""A query compiled once: what it is run with, and what it refuses."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from loops.models import Membership, User
from loops.queries.prepared import Prepared
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
