"""A cohort's grading rules in words, for pages below feedback."""

from typing import Any

from django import template

from feedback.queries.rules import rules_of
from loops.models import Cohort

register = template.Library()


@register.inclusion_tag("feedback/rules/_of_cohort.html")
def grading_rules(cohort: Cohort, *, is_organiser: bool = False) -> dict[str, Any]:
    """Say how a cohort grades; lead an organiser to where that is settled. One query."""
    return {"cohort": cohort, "rules": rules_of(cohort), "is_organiser": is_organiser}
