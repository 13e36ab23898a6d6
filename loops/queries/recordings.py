"""How much room a member's recordings take, and how much they have."""

from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from loops.models import Rendition, Upload, User


def quota_of(user: User) -> int:
    """Return how many bytes the member's recordings may take."""
    return settings.MEMBER_QUOTA_BYTES if user.quota_bytes is None else user.quota_bytes


def bytes_used(user: User) -> int:
    """Count the bytes of all that a member recorded: as it came, and as it was made to play."""
    found = User.objects.filter(pk=user.pk).annotate(used_bytes=bytes_used_in_sql(user))
    return int(found.values_list("used_bytes", flat=True).get())


def bytes_used_in_sql(user: User) -> Any:
    """Return the same count as an expression, for a query that asks for other things too."""
    raw = _total(Upload.objects.filter(is_kept=True), "received_bytes", user)
    made = _total(Rendition.objects.all(), "size_bytes", user)
    return raw + made


def _total(rows: QuerySet[Any], column: str, user: User) -> Any:
    member = "track__recording__attempt__round__loop__member"
    of_theirs = rows.order_by().filter(**{member: user})
    summed = of_theirs.values(member).annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(summed), 0, output_field=BigIntegerField())
