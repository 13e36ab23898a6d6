"""What the training pages show: how far a member is, a vignette to rate, and what it came to.

Reference levels and reasons are asked for only once the member has handed in their own, and not
while they read the same vignette again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from feedback.models import GradingRules, Sitting, Unlock
from feedback.training import (
    ITEMS_NEEDED,
    Gap,
    Next,
    Sat,
    Score,
    Standing,
    gap_of,
    next_item,
    standing,
)
from loops.models import Cohort, User
from rubrics.models import DEFAULT_COMPANY, Anchor, Dimension, Reference, RoundKind, Vignette
from rubrics.queries import label_rows

TIME_MARK = re.compile(r"\[(\d{1,3}:\d{2})\]\s*")
SPEAKER = re.compile(r"(Interviewer):\s*")
CODE_INDENT = "    "
SHOWS: dict[str, tuple[str | Promise, str | Promise]] = {
    "fluent-and-empty": (
        _("Fluent and empty"),
        _("The words run well, and little in them meets a line of the rubric."),
    ),
    "halting-and-rich": (
        _("Halting and rich"),
        _("The speech stumbles, and what is said meets the lines of the rubric."),
    ),
    "big-names-small-decisions": (
        _("Big names, small decisions"),
        _("Well-known technology stands where decisions and their reasons should."),
    ),
    "plain-words-clear-forks": (
        _("Plain words, clear forks"),
        _("No name impresses, and each fork has its options, its choice and its price."),
    ),
    "inflated-scope": (
        _("Inflated scope"),
        _("A large setting is told of, and the candidate's own part in it is small."),
    ),
    "honest-small-scope": (
        _("Honest small scope"),
        _("A small setting is told of, and what was done in it reaches further than it sounds."),
    ),
}


@dataclass(frozen=True)
class SatRow:
    """A sitting of the member, as a kind's line needs it; `at` is None while it is open."""

    public_id: str
    item: str
    title: str
    number: int
    opened_at: datetime
    at: datetime | None
    score: Score

    @property
    def is_repeat(self) -> bool:
        """Say whether its member had met the vignette before."""
        return self.number > 1


@dataclass(frozen=True)
class KindLine:
    """How far a member is with the vignettes of a round kind."""

    kind: RoundKind
    labels: tuple[str, ...]
    items: tuple[str, ...]
    sat: tuple[SatRow, ...]
    unlocked_at: datetime | None
    is_by_repeat: bool
    at: datetime

    @property
    def total(self) -> int:
        """Return how many vignettes there are."""
        return len(self.items)

    @cached_property
    def handed_in(self) -> tuple[SatRow, ...]:
        """Return the sittings that were handed in, in that order."""
        return tuple(sorted((one for one in self.sat if one.at), key=_when))

    @property
    def read(self) -> int:
        """Return how many vignettes were handed in once at least."""
        return len({one.item for one in self.handed_in} & set(self.items))

    @property
    def again(self) -> int:
        """Return how many were handed in of the round of repeats under way."""
        number = self.coming.number if self.coming else 1
        return len({one.item for one in self.handed_in if one.number == number} & set(self.items))

    @cached_property
    def open(self) -> SatRow | None:
        """Return the sitting that was opened and not handed in."""
        return next((one for one in self.sat if one.at is None), None)

    @cached_property
    def coming(self) -> Next | None:
        """Return what comes next, whether or not it is open yet."""
        return next_item(
            self.items, [Sat(one.item, one.number, one.at) for one in self.sat if one.at]
        )

    @property
    def can_go_on(self) -> bool:
        """Say whether there is a vignette to read now."""
        return bool(self.open) or bool(self.coming and self.coming.is_open(self.at))

    @property
    def is_unlocked(self) -> bool:
        """Say whether the member counts as trained."""
        return self.unlocked_at is not None

    @property
    def is_repeating(self) -> bool:
        """Say whether all were read, so that what comes is a repeat."""
        return bool(self.coming and self.coming.number > 1)

    @property
    def repeat_opens_at(self) -> datetime | None:
        """Return when the repeat opens, where that lies ahead."""
        coming = self.coming
        return coming.opens_at if coming and not coming.is_open(self.at) else None

    @property
    def state(self) -> str:
        """Say where the member stands: the first of these that is so."""
        if not self.items:
            return "none"
        if self.is_unlocked:
            return "unlocked"
        if self.repeat_opens_at and not self.open:
            return "waiting"
        if self.is_repeating:
            return "repeat"
        return "begun" if self.sat else "new"

    @property
    def standing(self) -> Standing:
        """Return what the last four items come to."""
        return standing([one.score for one in self.handed_in])

    @property
    def left_to_four(self) -> int:
        """Return how many items are still missing for the rule to say anything."""
        return max(0, ITEMS_NEEDED - self.standing.items)

    @property
    def needed_exact(self) -> int:
        """Return how many exact ratings the last four items would take."""
        return -(-self.standing.rated // 2)


@dataclass(frozen=True)
class Overview:
    """All round kinds of both ladders, and the cohorts that let only trained members grade."""

    engineer: tuple[KindLine, ...]
    manager: tuple[KindLine, ...]
    strict_cohorts: tuple[Cohort, ...]


@dataclass(frozen=True)
class Paragraph:
    """A passage of a vignette: who speaks if it is not the candidate, and when."""

    text: str
    time: str = ""
    speaker: str = ""
    is_code: bool = False


@dataclass(frozen=True)
class LevelLine:
    """A level of a dimension with its anchor."""

    rank: int
    label: str
    anchor: str


@dataclass(frozen=True)
class DimensionCard:
    """A dimension to rate, with its anchors by rank."""

    dimension: Dimension
    levels: tuple[LevelLine, ...]

    def anchor_of(self, rank: int | None) -> str:
        """Return the line of the rubric for a rank; below and *not observed* have none."""
        return next((level.anchor for level in self.levels if level.rank == rank), "")


@dataclass(frozen=True)
class Compared:
    """A dimension after handing in: one's own level beside the reference, and its reason."""

    card: DimensionCard
    rank: int | None
    reference_rank: int | None
    reason: str
    labels: Sequence[str]

    @property
    def gap(self) -> Gap:
        """Say how the two lie to each other."""
        return gap_of(self.rank, self.reference_rank)

    @property
    def label(self) -> str | Promise:
        """Say one's own level."""
        return _said(self.rank, self.labels)

    @property
    def reference_label(self) -> str | Promise:
        """Say the reference level."""
        return _said(self.reference_rank, self.labels)

    @property
    def reference_anchor(self) -> str:
        """Return the line of the rubric that the reference rests on."""
        return self.card.anchor_of(self.reference_rank)

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Return what the level ruler shows: both in the middle of their level."""
        both = [(self.rank, _("you")), (self.reference_rank, _("reference"))]
        return [(rank + 0.5, str(who)) for rank, who in both if rank is not None]


@dataclass(frozen=True)
class Half:
    """What a half of a trap pair shows; nothing before both halves were handed in."""

    title: str | Promise = ""
    text: str | Promise = ""
    other_title: str | Promise = ""
    other: SatRow | None = None


@dataclass(frozen=True)
class SittingPage:
    """One sitting. `compared` is empty until it is handed in, and while it is read again."""

    sitting: Sitting
    line: KindLine
    cards: tuple[DimensionCard, ...]
    compared: tuple[Compared, ...]
    half: Half | None

    @property
    def vignette(self) -> Vignette:
        """Return what is read."""
        return self.sitting.vignette

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the four labels by rank."""
        return self.line.labels

    @property
    def is_submitted(self) -> bool:
        """Say whether the one shot is taken."""
        return self.sitting.submitted_at is not None

    @property
    def is_hidden(self) -> bool:
        """Say whether the references are put away because the vignette is read again."""
        return self.is_submitted and not self.compared

    @property
    def own(self) -> list[tuple[str, str | Promise]]:
        """Return one's own ratings alone: each dimension's label with the level given."""
        ratings = self.sitting.ratings
        return [
            (card.dimension.label, _said(ratings.get(card.dimension.key), self.labels))
            for card in self.cards
        ]

    @property
    def place(self) -> int:
        """Return its number in the kind's order; 0 for one that was replaced since."""
        items = self.line.items
        return items.index(self.vignette.key) + 1 if self.vignette.key in items else 0

    @property
    def paragraphs(self) -> list[Paragraph]:
        """Return the text in passages."""
        return paragraphs_of(self.vignette.text)

    def count(self, gap: Gap) -> int:
        """Return how many ratings lie so to their references."""
        return sum(one.gap == gap for one in self.compared)

    @property
    def within_one(self) -> int:
        """Return how many ratings are one level off."""
        return self.count(Gap.ONE)

    @property
    def far(self) -> int:
        """Return how many ratings are off by two or more."""
        return self.count(Gap.FAR)

    @property
    def unlike(self) -> int:
        """Return of how many dimensions only one side observed something."""
        return self.count(Gap.UNLIKE)


def overview(user: User, at: datetime) -> Overview:
    """Return how far a member is with every round kind; two queries."""
    lines = [_line(kind, at) for kind in _kinds(user).order_by("ladder", "position", "key")]
    strict = Cohort.objects.filter(
        pk__in=GradingRules.objects.filter(
            requires_unlock=True, cohort__memberships__user=user
        ).values("cohort_id")
    )
    return Overview(
        engineer=tuple(line for line in lines if line.kind.ladder == "ic"),
        manager=tuple(line for line in lines if line.kind.ladder == "em"),
        strict_cohorts=tuple(strict.order_by("name", "pk")),
    )


def kind_line(user: User, kind: RoundKind, at: datetime) -> KindLine:
    """Return how far a member is with one round kind; one query."""
    return _line(_kinds(user).get(pk=kind.pk), at)


def sitting_page(sitting: Sitting, at: datetime) -> SittingPage:
    """Return the page of a sitting that `access.sitting_to_take` let its member have.

    Three queries, and a fourth for the references where they may be read.
    """
    vignette = sitting.vignette
    line = kind_line(sitting.member, vignette.round_kind, at)
    cards = cards_of(vignette, line.labels)
    compared: tuple[Compared, ...] = ()
    half = None
    if are_references_open(sitting, line.sat):
        references = {one.dimension_id: one for one in Reference.objects.filter(vignette=vignette)}
        compared = tuple(
            Compared(
                card=card,
                rank=sitting.ratings.get(card.dimension.key),
                reference_rank=references[card.dimension.pk].rank,
                reason=references[card.dimension.pk].reason,
                labels=line.labels,
            )
            for card in cards
        )
        half = half_of(vignette, line)
    return SittingPage(sitting, line, cards, compared, half)


def are_references_open(sitting: Sitting, sat: Iterable[SatRow]) -> bool:
    """Say whether the member may read the references of a sitting of theirs.

    They may once it is handed in, but while they read the same vignette again.
    """
    if sitting.submitted_at is None:
        return False
    return all(one.at is not None for one in sat if one.item == sitting.vignette.key)


def half_of(vignette: Vignette, line: KindLine) -> Half | None:
    """Say what a half of a trap pair shows, once its other half was handed in too."""
    if not vignette.pair_key:
        return None
    done = [one for one in line.handed_in if one.item == vignette.pair_key]
    if not done or vignette.shows not in SHOWS:
        return Half()
    title, text = SHOWS[vignette.shows]
    return Half(title=title, text=text, other=done[-1], other_title=done[-1].title)


def cards_of(vignette: Vignette, labels: Sequence[str]) -> tuple[DimensionCard, ...]:
    """Return the dimensions that a vignette is rated on, with their anchors; one query."""
    anchors = (
        Anchor.objects.filter(dimension__version=vignette.version_id)
        .select_related("dimension")
        .order_by("dimension__position", "rank")
    )
    levels: dict[int, list[LevelLine]] = {}
    dimensions: dict[int, Dimension] = {}
    for anchor in anchors:
        dimensions[anchor.dimension_id] = anchor.dimension
        levels.setdefault(anchor.dimension_id, []).append(
            LevelLine(anchor.rank, labels[anchor.rank], anchor.text)
        )
    return tuple(
        DimensionCard(dimension, tuple(levels[id])) for id, dimension in dimensions.items()
    )


def paragraphs_of(text: str) -> list[Paragraph]:
    """Part a vignette's text at its blank lines; what is indented is code and keeps its lines."""
    found = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if all(line.startswith(CODE_INDENT) for line in lines):
            code = "\n".join(line.removeprefix(CODE_INDENT) for line in lines)
            found.append(Paragraph(code, is_code=True))
            continue
        words = " ".join(line.strip() for line in lines)
        time = TIME_MARK.match(words)
        words = words[time.end() :] if time else words
        speaker = SPEAKER.match(words)
        found.append(
            Paragraph(
                text=words[speaker.end() :] if speaker else words,
                time=time[1] if time else "",
                speaker=speaker[1] if speaker else "",
            )
        )
    return [one for one in found if one.text]


def _said(rank: int | None, labels: Sequence[str]) -> str | Promise:
    return _("not observed") if rank is None else labels[rank]


def _kinds(user: User) -> QuerySet[Any]:
    """Return the round kinds, each with its vignettes and what the member did with them."""
    here = OuterRef("pk")
    items = Vignette.objects.in_force().filter(round_kind=here)
    sat = Sitting.objects.filter(member=user, vignette__round_kind=here)
    unlock = Unlock.objects.filter(member=user, round_kind=here)
    labels = label_rows(DEFAULT_COMPANY).filter(level__ladder=OuterRef("ladder"))
    return RoundKind.objects.annotate(
        items=ArraySubquery(items.values("key")),
        sat=ArraySubquery(
            sat.order_by("opened_at", "pk").values(
                row=JSONObject(
                    public_id="public_id",
                    item="vignette__key",
                    title="vignette__title",
                    number="number",
                    opened_at="opened_at",
                    at="submitted_at",
                    exact="exact",
                    rated="rated",
                    farthest="farthest",
                )
            )
        ),
        said=ArraySubquery(labels.values("text")),
        unlocked_at=Subquery(unlock.values("at")[:1]),
        is_by_repeat=Subquery(unlock.values("is_by_repeat")[:1]),
    )


def _line(kind: Any, at: datetime) -> KindLine:
    return KindLine(
        kind=kind,
        labels=tuple(kind.said),
        items=tuple(kind.items),
        sat=tuple(_sat_row(row) for row in kind.sat),
        unlocked_at=kind.unlocked_at,
        is_by_repeat=bool(kind.is_by_repeat),
        at=at,
    )


def _sat_row(row: dict[str, Any]) -> SatRow:
    opened_at = parse_datetime(row["opened_at"])
    if opened_at is None:
        raise ValueError("A sitting has the time at which it was opened.")
    return SatRow(
        public_id=row["public_id"],
        item=row["item"],
        title=row["title"],
        number=row["number"],
        opened_at=opened_at,
        at=parse_datetime(row["at"]) if row["at"] else None,
        score=Score(row["exact"], row["rated"], row["farthest"]),
    )


def _when(row: SatRow) -> datetime:
    return row.at or row.opened_at
