"""Keep recordings as long as their cohort's rule says, and no shorter than was told beforehand."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loops import blobs
from loops.actions.events import record
from loops.actions.notices import tell
from loops.actions.recordings import erase
from loops.errors import Refused
from loops.models import Attempt, Cohort, Membership, Notice, Recording, User
from loops.queries.keeping import (
    DAYS_LEAST,
    DAYS_MOST,
    GONE,
    NOTICE,
    OF_A_RULE,
    Plan,
    plan_of,
    plans_of,
    untold,
)

TOLD_TOGETHER = timedelta(days=1)
"""What falls due so soon after another of the same member's goes into the same notice."""
WAITED_FOR = timedelta(days=1)
"""So long an erasing that was told of may wait for a grader at work before it is told anew."""
TOLD_AGAIN = timedelta(days=1)


class NoSuchDays(Refused):
    """A rule keeps recordings for too few days, or for longer than anybody plans."""

    code = "no_such_days"
    status = 422
    message = _("Recordings can be kept for 7 to 1095 days, or until they are erased.")


@transaction.atomic
def set_rule(*, cohort: Cohort, days: int | None, by: User, at: datetime) -> int:
    """Set for how many days a cohort keeps recordings, None for good, and tell its members.

    What was told of single recordings holds no more: under the new rule each is told of anew,
    and stays seven days from then at least. Returns how many the rule would have erased by now,
    or will within seven days.
    """
    if days is not None and not DAYS_LEAST <= days <= DAYS_MOST:
        raise NoSuchDays
    cohort = Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
    was = cohort.keep_recordings_days
    if was == days:
        return 0
    cohort.keep_recordings_days = days
    cohort.save(update_fields=["keep_recordings_days"])
    event = record("keeping_set", cohort, by=by, at=at, days=days, was=was)
    Recording.objects.filter(attempt__round__loop__cohort=cohort).exclude(erases_at=None).update(
        erases_at=None
    )
    _take_back(cohort, at)
    for place in cohort.memberships.exclude(user=by).select_related("user").order_by("user_id"):
        tell(
            place.user,
            Notice.Kind.KEEPING,
            f"keeping:{cohort.pk}:{event.pk}",
            at=at,
            days=days,
            cohort_name=cohort.name,
            cohort=str(cohort.public_id),
        )
    return len(
        _due(untold(at + NOTICE).filter(attempt__round__loop__cohort=cohort), at + NOTICE, at)
    )


def due_to_tell(at: datetime) -> list[tuple[int, int]]:
    """Return whom to tell, by member and cohort, that recordings are erased in seven days."""
    due = _due(untold(at + NOTICE), at + NOTICE, at)
    loops = {recording.attempt.round.loop for recording, _plan in due}
    return sorted({(loop.member_id, loop.cohort_id) for loop in loops})


@transaction.atomic
def tell_of(*, member_id: int, cohort_id: int, at: datetime) -> int:
    """Tell a member which of their recordings their cohort's rule is about to erase, and when.

    From here on each has its hour, seven days ahead at least. Returns how many they are.
    """
    cohort = Cohort.objects.select_for_update(no_key=True).get(pk=cohort_id)
    horizon = at + NOTICE + TOLD_TOGETHER
    theirs = untold(horizon).filter(
        attempt__round__loop__member=member_id, attempt__round__loop__cohort=cohort_id
    )
    rows = _due(theirs.select_for_update(of=("self",)), horizon, at)
    if not any(plan.due_at and plan.due_at <= at + NOTICE for _recording, plan in rows):
        return 0
    told = []
    for recording, plan in rows:
        recording.erases_at = max(plan.due_at or at, at + NOTICE)
        recording.save(update_fields=["erases_at"])
        told.append(_as_told(recording))
    told.sort(key=lambda row: str(row["erases_at"]))
    tell(
        rows[0][0].attempt.round.loop.member,
        Notice.Kind.ERASING,
        f"erasing:{cohort.pk}:{at:%Y%m%dT%H%M%S}",
        at=at,
        useful_until=max(recording.erases_at or at for recording, _plan in rows),
        cohort_name=cohort.name,
        days=cohort.keep_recordings_days,
        recordings=told,
    )
    return len(rows)


def due_to_erase(at: datetime) -> list[int]:
    """Return the recordings whose hour has come."""
    due = Recording.objects.exclude(state__in=GONE).filter(erases_at__lte=at)
    return list(due.order_by("erases_at", "pk").values_list("pk", flat=True)[:100])


@transaction.atomic
def erase_due(*, recording_id: int, at: datetime) -> bool:
    """Erase a recording whose hour has come, if its cohort's rule still asks for that.

    Where it does not, because the rule or the answer has changed since, its candidate is told
    anew before anything is erased.
    """
    found = Recording.objects.values_list("attempt_id", flat=True).get(pk=recording_id)
    Attempt.objects.select_for_update(no_key=True).get(pk=found)
    recording = (
        Recording.objects.select_for_update(of=("self",))
        .select_related(*OF_A_RULE)
        .get(pk=recording_id)
    )
    if recording.state in GONE or recording.erases_at is None or recording.erases_at > at:
        return False
    plan = plan_of(recording, at)
    if plan is None or plan.due_at is None or plan.due_at > at + WAITED_FOR:
        recording.erases_at = None
        recording.save(update_fields=["erases_at"])
        return False
    if plan.due_at > at:
        return False
    erase(recording=recording, by=None, at=at, rule_days=plan.days)
    return True


@transaction.atomic
def tell_of_full_disk(*, at: datetime) -> int:
    """Tell every organiser, once a day, that the server takes no recordings for want of room."""
    if blobs.has_room(0):
        return 0
    places = Membership.objects.filter(role=Membership.Role.ORGANISER, user__is_active=True)
    people = User.objects.filter(pk__in=places.values("user")).order_by("pk")
    subject = f"disk:{at:%Y-%m-%d}"
    told = Notice.objects.filter(subject=subject, kind=Notice.Kind.DISK_FULL)
    count = 0
    for person in people.exclude(pk__in=told.values("person")):
        tell(person, Notice.Kind.DISK_FULL, subject, at=at, useful_until=at + TOLD_AGAIN)
        count += 1
    return count


def _due(
    recordings: Iterable[Recording], by: datetime, at: datetime
) -> list[tuple[Recording, Plan]]:
    """Return the recordings that a rule asks for by an instant; what waits for reviews is none."""
    rows = list(recordings)
    plans = plans_of(rows, at)
    return [
        (row, plan)
        for row in rows
        if (plan := plans[row.pk]).due_at is not None and plan.due_at <= by
    ]


def _take_back(cohort: Cohort, at: datetime) -> None:
    """Withdraw what was told of recordings to be erased: it is true no more."""
    told = Notice.objects.filter(
        kind=Notice.Kind.ERASING,
        subject__startswith=f"erasing:{cohort.pk}:",
        withdrawn_at=None,
        useful_until__gt=at,
    )
    told.filter(mail_state=Notice.Mail.WAITING).update(mail_state=Notice.Mail.SKIPPED)
    told.update(withdrawn_at=at)


def _as_told(recording: Recording) -> dict[str, object]:
    attempt = recording.attempt
    return {
        "recording": str(recording.public_id),
        "round": attempt.round.title,
        "number": attempt.number,
        "name": attempt.name,
        "is_draft": attempt.is_draft,
        "erases_at": recording.erases_at.isoformat() if recording.erases_at else "",
    }
