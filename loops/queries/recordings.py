"""How much room a member's recordings take, and how much they have."""

from django.conf import settings
from django.db.models import Sum

from loops.models import Rendition, Upload, User


def quota_of(user: User) -> int:
    """Return how many bytes the member's recordings may take."""
    return settings.MEMBER_QUOTA_BYTES if user.quota_bytes is None else user.quota_bytes


def bytes_used(user: User) -> int:
    """Count the bytes of all that a member recorded: as it came, and as it was made to play."""
    of_theirs = {"track__recording__attempt__round__loop__member": user}
    raw = Upload.objects.filter(is_kept=True, **of_theirs).aggregate(
        total=Sum("received_bytes", default=0)
    )
    made = Rendition.objects.filter(**of_theirs).aggregate(total=Sum("size_bytes", default=0))
    return int(raw["total"]) + int(made["total"])
