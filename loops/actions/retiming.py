"""Tell people of mocks whose local time has moved with the rules of their zone."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from loops.actions.notices import tell
from loops.models import Notice
from loops.queries.retiming import Retimed


@transaction.atomic
def tell_retimed(*, seats: Iterable[Retimed], at: datetime) -> int:
    """Write to each person what their clock reads now, once for each reading; returns how many.

    The mock stays at the instant that both agreed on. Where the zone itself is gone there is
    nothing to tell a time by, so nobody is told.
    """
    before = Notice.objects.filter(kind=Notice.Kind.RETIMED).count()
    for moved in seats:
        mock = moved.seat.mock
        if moved.now:
            tell(
                moved.seat.member,
                Notice.Kind.RETIMED,
                f"mock:{mock.pk}:{mock.sequence}:{moved.now}",
                mock=mock,
                at=at,
                useful_until=mock.starts_at,
                was=moved.was,
                now=moved.now,
                starts_at=mock.starts_at.isoformat(),
                ends_at=mock.ends_at.isoformat(),
            )
    return Notice.objects.filter(kind=Notice.Kind.RETIMED).count() - before
