"""Sentences that pages compose by rule from states, counts and dates; no rows and no markup."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedback.readiness import State
from feedback.verdict import MechanicalVerdict, Reason, ReasonCode

NUMBERS = (
    gettext_lazy("no"),
    gettext_lazy("one"),
    gettext_lazy("two"),
    gettext_lazy("three"),
    gettext_lazy("four"),
    gettext_lazy("five"),
    gettext_lazy("six"),
    gettext_lazy("seven"),
    gettext_lazy("eight"),
    gettext_lazy("nine"),
    gettext_lazy("ten"),
    gettext_lazy("eleven"),
    gettext_lazy("twelve"),
)
SLIGHT_LEVELS, MARKED_LEVELS = 0.1, 0.3
"""From where a severity is worth a word, and from where it is more than "a little"."""


def number_words(number: int) -> str:
    """Write a small number as a word, a large one in figures."""
    return str(NUMBERS[number]) if number < len(NUMBERS) else str(number)


def board_sentence(states: Sequence[State], target_label: str) -> str:
    """Say how many of a loop's rounds are at the target's bar, and how the others stand."""
    counts = Counter(states)
    if counts[State.NO_EVIDENCE] == len(states):
        return _("No round has a graded answer yet.")
    if counts[State.AT_BAR] == len(states):
        return _("Every round is at the %(level)s bar.") % {"level": target_label}
    others = _listed([words for words in _states_but_at_bar(counts) if words])
    return capfirst(f"{_at_bar(counts[State.AT_BAR], len(states), target_label)}; {others}.")


def _at_bar(at_bar: int, rounds: int, target_label: str) -> str:
    if not at_bar:
        return _("no round is at the %(level)s bar yet") % {"level": target_label}
    return ngettext(
        "%(n)s of %(rounds)s rounds is at the %(level)s bar",
        "%(n)s of %(rounds)s rounds are at the %(level)s bar",
        at_bar,
    ) % {"n": number_words(at_bar), "rounds": number_words(rounds), "level": target_label}


def _states_but_at_bar(counts: Mapping[State, int]) -> list[str]:
    below, open_, thin, none = (
        counts[state]
        for state in (
            State.BELOW_BAR,
            State.CANNOT_TELL,
            State.TOO_LITTLE_EVIDENCE,
            State.NO_EVIDENCE,
        )
    )
    said = (
        (below, ngettext("%(n)s is below it", "%(n)s are below it", below)),
        (open_, ngettext("%(n)s cannot be told yet", "%(n)s cannot be told yet", open_)),
        (thin, ngettext("%(n)s has too little evidence", "%(n)s have too little evidence", thin)),
        (none, ngettext("%(n)s has no evidence", "%(n)s have no evidence", none)),
    )
    return [words % {"n": number_words(count)} if count else "" for count, words in said]


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return _("%(these)s and %(last)s") % {"these": ", ".join(parts[:-1]), "last": parts[-1]}


def countdown(on: date, today: date) -> str:
    """Say how far off the interview is."""
    days = (on - today).days
    said = {"n": days, "date": date_format(on, "j F" if on.year == today.year else "j F Y")}
    if days < 0:
        return _("interview was on %(date)s") % said
    if days == 0:
        return _("interview today")
    if days == 1:
        return _("interview tomorrow")
    return _("interview in %(n)s days, on %(date)s") % said


def severity_sentence(severity_levels: float, graders: int) -> str:
    """Say how strict an answer's graders were on average, in levels; "" where they were not.

    Positive is strict. It is the mean of all: one grader's own figure is theirs alone.
    """
    if abs(severity_levels) < SLIGHT_LEVELS:
        return ""
    said = {"n": number_words(graders)}
    is_marked = abs(severity_levels) >= MARKED_LEVELS
    if severity_levels > 0 and is_marked:
        words = ngettext(
            "Your grader was strict; that is taken out.",
            "Your %(n)s graders were strict; that is taken out.",
            graders,
        )
    elif severity_levels > 0:
        words = ngettext(
            "Your grader was a little strict; that is taken out.",
            "Your %(n)s graders were a little strict; that is taken out.",
            graders,
        )
    elif is_marked:
        words = ngettext(
            "Your grader was lenient; that is taken out.",
            "Your %(n)s graders were lenient; that is taken out.",
            graders,
        )
    else:
        words = ngettext(
            "Your grader was a little lenient; that is taken out.",
            "Your %(n)s graders were a little lenient; that is taken out.",
            graders,
        )
    return words % said


def opinion_words(
    verdict: str, level_given_rank: int, target_rank: int, labels: Sequence[str]
) -> str:
    """Say a grader's verdict, in its own words, at the target, and the highest level of a yes."""
    said = {
        "verdict": verdict,
        "target": labels[target_rank],
        "given": labels[level_given_rank],
        "lowest": labels[1],
    }
    if level_given_rank == target_rank or target_rank == 1 > level_given_rank:
        return _("%(verdict)s at %(target)s") % said
    if level_given_rank == 0:
        return _("%(verdict)s at %(target)s, no at %(lowest)s") % said
    return _("%(verdict)s at %(target)s, yes at %(given)s") % said


def prediction_sentence(predicted_rank: int, level: float, labels: Sequence[str]) -> str:
    """Compare what the candidate predicted with the zone (a rank 0 to 3) that a level lies in."""
    received_rank = min(max(int(level), 0), len(labels) - 1)
    said = {"predicted": labels[predicted_rank]}
    gap = predicted_rank - received_rank
    if gap == 0:
        return _("You predicted %(predicted)s, and that is what it was.") % said
    words = (
        ngettext(
            "You predicted %(predicted)s, one level above.",
            "You predicted %(predicted)s, %(n)s levels above.",
            gap,
        )
        if gap > 0
        else ngettext(
            "You predicted %(predicted)s, one level under it.",
            "You predicted %(predicted)s, %(n)s levels under it.",
            -gap,
        )
    )
    return words % {**said, "n": number_words(abs(gap))}


def verdict_sentences(
    verdict: MechanicalVerdict, names: Mapping[str, str], target_label: str
) -> list[str]:
    """Say why the mechanical verdict is as it is.

    `names` are what a page calls dimensions and downcodes, by key.
    """
    if verdict.is_met:
        said = {
            "level": target_label,
            "n": number_words(verdict.at_target),
            "of": number_words(verdict.observed),
        }
        return [
            _(
                "Every key dimension is at %(level)s or higher, as are %(n)s of the %(of)s "
                "observed, and nothing in force caps the round."
            )
            % said
        ]
    return [_reason_sentence(reason, names, target_label) for reason in verdict.reasons]


def _reason_sentence(reason: Reason, names: Mapping[str, str], target_label: str) -> str:
    subjects = [names[key] for key in reason.subjects]
    said = {
        "subjects": _listed(subjects),
        "quoted": _listed([f"“{subject}”" for subject in subjects]),
        "level": target_label,
        "count": number_words(reason.count),
        "needed": number_words(reason.needed),
    }
    many = len(subjects)
    words = {
        ReasonCode.TOO_FEW_OBSERVED: ngettext(
            "Only %(count)s dimension was observed; a yes needs %(needed)s.",
            "Only %(count)s dimensions were observed; a yes needs %(needed)s.",
            reason.count,
        ),
        ReasonCode.ROUND_CAPPED: ngettext(
            "%(quoted)s is in force and caps the round.",
            "%(quoted)s are in force and cap the round.",
            many,
        ),
        ReasonCode.KEY_NOT_OBSERVED: ngettext(
            "%(subjects)s is a key dimension and was not observed.",
            "%(subjects)s are key dimensions and were not observed.",
            many,
        ),
        ReasonCode.KEY_BELOW_TARGET: ngettext(
            "%(subjects)s is a key dimension and stands below %(level)s.",
            "%(subjects)s are key dimensions and stand below %(level)s.",
            many,
        ),
        ReasonCode.TOO_FEW_AT_TARGET: ngettext(
            "%(count)s dimension is at %(level)s or higher; two thirds would be %(needed)s.",
            "%(count)s dimensions are at %(level)s or higher; two thirds would be %(needed)s.",
            reason.count,
        ),
    }
    return capfirst(words[reason.code] % said)
