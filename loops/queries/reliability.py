"""What people's last promises say: reliability, counted from the outcomes of their seats."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from loops.models import Seat, User
from loops.promises import Promise, Reliability, reliability


def reliability_of(people: Iterable[User], at: datetime) -> dict[int, Reliability]:
    """Return each person's reliability by id; one query, however many people."""
    ids = [person.pk for person in people]
    told: dict[int, list[Promise]] = defaultdict(list)
    rows = Seat.objects.filter(member__in=ids, outcome__in=Seat.COUNTED).values_list(
        "member_id", "outcome", "outcome_at"
    )
    for member_id, outcome, outcome_at in rows:
        if outcome_at is not None:
            told[member_id].append(Promise(outcome, outcome_at))
    return {pk: reliability(told[pk], at) for pk in ids}
