"""Settle how a cohort grades: how many reviews an answer gets, and from whom."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import settle_cohort
from feedback.models import GradingRules
from loops.actions.events import record
from loops.errors import Refused
from loops.models import Cohort, User


class NoSuchNumber(Refused):
    """Fewer than two reviews compare nothing, more than four wear a cohort out."""

    code = "no_such_number"
    status = 422
    message = _("An answer can have two, three or four reviews. The rules stay as they were.")


@transaction.atomic
def set_rules(
    *, cohort: Cohort, reviews_wanted: int, requires_unlock: bool, by: User, at: datetime
) -> int:
    """Keep a cohort's rules and count its queue anew; returns how many answers it changes.

    Saving what is kept already changes nothing and is no event.
    """
    if not GradingRules.REVIEWS_LEAST <= reviews_wanted <= GradingRules.REVIEWS_MOST:
        raise NoSuchNumber
    Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
    rules, _is_new = GradingRules.objects.get_or_create(cohort=cohort)
    was = {"reviews_wanted": rules.reviews_wanted, "requires_unlock": rules.requires_unlock}
    now = {"reviews_wanted": reviews_wanted, "requires_unlock": requires_unlock}
    if was == now:
        return 0
    rules.reviews_wanted = reviews_wanted
    rules.requires_unlock = requires_unlock
    rules.save()
    record("rules_set", rules, by=by, at=at, was=was, **now)
    if was["reviews_wanted"] == reviews_wanted:
        return 0
    return settle_cohort(cohort=cohort, at=at)
