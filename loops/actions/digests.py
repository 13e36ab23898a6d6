"""Write the daily digest: one mail, at eight in its reader's morning, of what is still unread."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from loops.actions.notices import tell
from loops.hours import load_zone, local_span
from loops.models import Notice, User
from loops.queries.notices import is_useful, with_words
from loops.telling import told

HOUR = 8


def due_people(at: datetime) -> list[int]:
    """Return who has something in wait for a digest whose hour has come, by id."""
    waiting = Notice.objects.filter(
        mail_state=Notice.Mail.DIGEST, due_at__lte=at, person__is_active=True
    )
    oldest: dict[tuple[int, str], datetime] = {}
    rows = waiting.order_by("-due_at").values_list("person_id", "person__time_zone", "due_at")
    for person_id, zone, due_at in rows:
        oldest[person_id, zone] = due_at
    return sorted(
        person_id for (person_id, zone), due_at in oldest.items() if due_at <= last_hour(at, zone)
    )


def last_hour(at: datetime, zone: str) -> datetime:
    """Return the newest instant at which it was the digest's hour in a zone."""
    today = at.astimezone(load_zone(zone)).date()
    starts = (_hour_of(today - timedelta(days=days), zone) for days in range(3))
    return next(start for start in starts if start is not None and start <= at)


def _hour_of(day: date, zone: str) -> datetime | None:
    """Return the digest's hour on a local day; None where the zone leaves it out."""
    span = local_span(HOUR * 60, HOUR * 60 + 1, day, zone)
    return span.starts_at if span else None


@transaction.atomic
def write_digest(*, person_id: int, at: datetime) -> Notice | None:
    """Put a person's waiting notices into one mail; None where nothing is left to tell.

    What they have read meanwhile, or what is over, is left out. Run twice it is one digest: it is
    named after its day, and what comes to wait afterwards waits for the next.
    """
    person = User.objects.select_for_update().get(pk=person_id)
    until = last_hour(at, person.time_zone)
    subject = f"digest:{until:%Y-%m-%d}"
    if Notice.objects.filter(person=person, kind=Notice.Kind.DIGEST, subject=subject).exists():
        return None
    waiting = with_words(
        Notice.objects.filter(person=person, mail_state=Notice.Mail.DIGEST, due_at__lte=until)
    )
    notices = list(waiting.order_by("due_at", "pk"))
    fresh = [one for one in notices if one.read_at is None and is_useful(one, at)]
    Notice.objects.filter(pk__in=[one.pk for one in notices]).update(mail_state=Notice.Mail.SKIPPED)
    if not fresh:
        return None
    Notice.objects.filter(pk__in=[one.pk for one in fresh]).update(
        mail_state=Notice.Mail.SENT, mailed_at=at
    )
    with timezone.override(load_zone(person.time_zone)):
        lines = [{"title": told(one).title} for one in fresh]
    return tell(person, Notice.Kind.DIGEST, subject, at=at, lines=lines)
