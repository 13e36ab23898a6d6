"""Make and revoke the address at which a person's own calendar fetches their mocks."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from loops.actions.events import record
from loops.models import CalendarFeed, User

TOKEN_BYTES = 32


@transaction.atomic
def make_feed(*, by: User, at: datetime) -> str:
    """Make a person's calendar address and return its secret part, which is kept nowhere.

    The address made before it is closed: a person has one.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    revoke_feed(by=by, at=at)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    feed = CalendarFeed.objects.create(user=by, token_digest=digest_of(token), made_at=at)
    record("made", feed, by=by, at=at)
    return token


@transaction.atomic
def revoke_feed(*, by: User, at: datetime) -> bool:
    """Close a person's calendar address; says whether one was open."""
    feed = CalendarFeed.objects.select_for_update().filter(user=by, revoked_at=None).first()
    if feed is None:
        return False
    feed.revoked_at = at
    feed.save(update_fields=["revoked_at"])
    record("revoked", feed, by=by, at=at)
    return True


def digest_of(token: str) -> str:
    """Return what is kept of a token. It is random and long, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
