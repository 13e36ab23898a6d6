"""Why the pool found nobody for a person, in words; the codes are those of loops/matching.py."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NO_UNSEEN_PROMPT = "no_unseen_prompt"
FELL_THROUGH = "fell_through"
INTERVIEWS = "interviews"


@dataclass(frozen=True)
class Why:
    """A reason: what was the matter, and what follows from it, a sentence each."""

    happened: str | Promise
    then: str | Promise


REASONS: dict[str, Why] = {
    "alone": Why(
        _("Nobody else was in the pool."),
        _("As soon as somebody of your cohort asks too, you can be paired."),
    ),
    "no_hours": Why(
        _("You offer no hours in the next two weeks that are long enough for a mock."),
        _("The pool pairs by the hours that you offer: one or two evenings a week go far."),
    ),
    "no_shared_kind": Why(
        _("Nobody else waited for a round of yours."),
        _("Another round beside it often helps."),
    ),
    "levels_too_far": Why(
        _("Who waited for your rounds practises for a level too far from yours."),
        _("Somebody nearer may ask any day."),
    ),
    "no_common_hour": Why(
        _("Nobody who wants your rounds has an hour in common with you."),
        _("More hours help, and so do others than your usual ones."),
    ),
    "met_lately": Why(
        _("Whoever was left you have met in the last weeks."),
        _("That fades week by week, and newcomers come first."),
    ),
    "odd_one_out": Why(
        _("Everybody who would have fitted was paired with somebody else: the numbers were odd."),
        _("You have waited now, so you come before others next time."),
    ),
    NO_UNSEEN_PROMPT: Why(
        _("You have met every prompt of the rounds that you asked for."),
        _("A mock on a known prompt would prove nothing. Ask for another round."),
    ),
    FELL_THROUGH: Why(
        _("The pool had found somebody, but the time was taken before it was booked."),
        _("You have waited now, so you come before others next time."),
    ),
    INTERVIEWS: Why(
        _("This time the pool asked you to interview."),
        _("Your own turn is still to come, and you come before others next time."),
    ),
}


def why(code: str) -> Why | None:
    """Return the words for a code; None where nothing was looked for yet."""
    return REASONS.get(code)
