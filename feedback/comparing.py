"""Two windows' drafts of one review side by side: where they differ, and what was chosen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from feedback.actions.reviews import Draft
from feedback.forms import DIMENSION, NOT_OBSERVED
from feedback.models import Review
from feedback.queries.grading import Rubric

MINE, THEIRS, BOTH = "mine", "theirs", "both"
PICK = "pick-"


@dataclass(frozen=True)
class Difference:
    """One field that the two say differently: in words, and the form's values of the kept one."""

    field: str
    label: str
    mine: str
    theirs: str
    values: tuple[str, ...]
    is_text: bool = False

    @property
    def values_as_json(self) -> str:
        """Write the values of the kept one for a script."""
        return json.dumps(self.values)


def differences(mine: Draft, theirs: Draft, rubric: Rubric) -> list[Difference]:
    """Return where what was typed differs from what is kept, in the order of the form."""
    found = [
        _difference(
            f"{DIMENSION}{dimension.key}",
            dimension.label,
            mine.ratings.get(dimension.key, ...),
            theirs.ratings.get(dimension.key, ...),
            words=lambda rank: _rank_words(rank, rubric),
            values=_rank_values,
        )
        for dimension in rubric.dimensions
    ]
    texts = {downcode.key: downcode.text for downcode in rubric.downcodes}
    found += [
        _difference(
            "downcodes",
            _("Signals"),
            mine.downcodes,
            theirs.downcodes,
            words=lambda keys: "; ".join(texts[key] for key in texts if key in keys) or _("none"),
            values=lambda keys: tuple(sorted(keys)),
        ),
        _difference(
            "verdict",
            _("Verdict"),
            mine.verdict,
            theirs.verdict,
            words=lambda verdict: _chosen(verdict and str(Review.Verdict(verdict).label)),
            values=_if_any,
        ),
        _difference(
            "level_given",
            _("Level given"),
            mine.level_given_rank,
            theirs.level_given_rank,
            words=lambda rank: _("nothing chosen") if rank is None else rubric.labels[rank],
            values=lambda rank: () if rank is None else (str(rank),),
        ),
        _difference(
            "confidence",
            _("Confidence"),
            mine.confidence,
            theirs.confidence,
            words=lambda said: _chosen(said and str(Review.Confidence(said).label)),
            values=_if_any,
        ),
    ]
    summary = _difference(
        "summary",
        _("Summary for the candidate"),
        mine.summary,
        theirs.summary,
        words=lambda text: text,
        values=lambda text: (text,),
    )
    if summary:
        found.append(replace(summary, is_text=True))
    return [one for one in found if one]


def merged(mine: Draft, theirs: Draft, picks: Mapping[str, str]) -> Draft:
    """Return the draft that was chosen field by field; where nothing was, what was typed."""

    def is_theirs(field: str) -> bool:
        return picks.get(field) == THEIRS

    ratings = dict(mine.ratings)
    for key in {*mine.ratings, *theirs.ratings}:
        if is_theirs(f"{DIMENSION}{key}"):
            ratings.pop(key, None)
            if key in theirs.ratings:
                ratings[key] = theirs.ratings[key]
    summary = theirs.summary if is_theirs("summary") else mine.summary
    if picks.get("summary") == BOTH:
        summary = "\n\n".join(filter(None, [theirs.summary, mine.summary]))
    return Draft(
        ratings=ratings,
        downcodes=theirs.downcodes if is_theirs("downcodes") else mine.downcodes,
        verdict=theirs.verdict if is_theirs("verdict") else mine.verdict,
        confidence=theirs.confidence if is_theirs("confidence") else mine.confidence,
        level_given_rank=(
            theirs.level_given_rank if is_theirs("level_given") else mine.level_given_rank
        ),
        summary=summary,
    )


def picks_in(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was chosen of each field that differed."""
    return {
        name.removeprefix(PICK): data[name]
        for name in data
        if name.startswith(PICK) and data[name] in {MINE, THEIRS, BOTH}
    }


def _difference(
    field: str,
    label: str,
    mine: Any,
    theirs: Any,
    *,
    words: Callable[[Any], str],
    values: Callable[[Any], tuple[str, ...]],
) -> Difference | None:
    if mine == theirs:
        return None
    return Difference(field, label, words(mine), words(theirs), values(theirs))


def _rank_words(rank: object, rubric: Rubric) -> str:
    if rank is ...:
        return _("nothing chosen")
    return rubric.labels[rank] if isinstance(rank, int) else _("Not observed")


def _rank_values(rank: object) -> tuple[str, ...]:
    if rank is ...:
        return ()
    return (str(rank) if isinstance(rank, int) else NOT_OBSERVED,)


def _chosen(words: str) -> str:
    return words or _("nothing chosen")


def _if_any(value: str) -> tuple[str, ...]:
    return (value,) if value else ()
