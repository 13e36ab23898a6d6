"""Why the pool found nobody for a person, in words; the codes are those of loops/matching.py."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NO_UNSEEN_PROMPT = "no_unseen_prompt"
FELL_THROUGH = "fell_through"
INTERVIEWS = "interviews"


@dataclass(frozen=True)
class Why:
    """A reason: what was the matter and what follows, a sentence each to the person themselves.

    `short` says it of them, to somebody else.
    """

    happened: str | Promise
    then: str | Promise
    short: str | Promise


REASONS: dict[str, Why] = {
    "alone": Why(
        _("Nobody else was in the pool."),
        _("As soon as somebody of your cohort asks too, you can be paired."),
        _("alone in the pool"),
    ),
    "no_hours": Why(
        _("You offer no hours in the next two weeks that are long enough for a mock."),
        _("The pool pairs by the hours that you offer: one or two evenings a week go far."),
        _("offers no hours that are long enough"),
    ),
    "no_shared_kind": Why(
        _("Nobody else waited for a round of yours."),
        _("Another round beside it often helps."),
        _("nobody else wants these rounds"),
    ),
    "levels_too_far": Why(
        _("Who waited for your rounds practises for a level too far from yours."),
        _("Somebody nearer may ask any day."),
        _("nobody is near the level"),
    ),
    "no_common_hour": Why(
        _("Nobody who wants your rounds has an hour in common with you."),
        _("More hours help, and so do others than your usual ones."),
        _("no hour in common with anybody"),
    ),
    "met_lately": Why(
        _("Whoever was left you have met in the last weeks."),
        _("That fades week by week, and newcomers come first."),
        _("has met everybody lately"),
    ),
    "odd_one_out": Why(
        _("Everybody who would have fitted was paired with somebody else: the numbers were odd."),
        _("You have waited now, so you come before others next time."),
        _("the numbers were odd"),
    ),
    NO_UNSEEN_PROMPT: Why(
        _("You have met every prompt of the rounds that you asked for."),
        _("A mock on a known prompt would prove nothing. Ask for another round."),
        _("has met every prompt"),
    ),
    FELL_THROUGH: Why(
        _("The pool had found somebody, but the time was taken before it was booked."),
        _("You have waited now, so you come before others next time."),
        _("the time was taken meanwhile"),
    ),
    INTERVIEWS: Why(
        _("This time the pool asked you to interview."),
        _("Your own turn is still to come, and you come before others next time."),
        _("interviews first"),
    ),
}


def why(code: str) -> Why | None:
    """Return the words for a code; None where nothing was looked for yet."""
    return REASONS.get(code)
