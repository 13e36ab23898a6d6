"""Every read of the catalogue over more than one table. Writing is in `actions.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from rubrics.differences import Part, PartChange, lines_changed, parts_changed
from rubrics.models import (
    DEFAULT_COMPANY,
    Anchor,
    Downcode,
    Ladder,
    Level,
    LevelLabel,
    Phase,
    Prompt,
    RoundKind,
    RubricVersion,
)

LABEL_COLUMNS = ("level__ladder", "level__rank", "company", "text")


@dataclass(frozen=True)
class KindCard:
    """A round kind on the catalogue page, by the edition in force."""

    key: str
    ladder: str
    title: str
    summary: str
    minutes: int
    dimension_count: int
    edition: int


@dataclass(frozen=True)
class TwinRow:
    """A round kind beside the one of the other ladder that faces it; either may be absent."""

    ic: KindCard | None
    em: KindCard | None


@dataclass(frozen=True)
class LadderLevels:
    """What each level of a ladder takes, from rank 1 up."""

    title: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class CataloguePage:
    """The two ladders side by side: their rounds, and what each level takes."""

    rows: tuple[TwinRow, ...]
    ladders: tuple[LadderLevels, ...]


@dataclass(frozen=True)
class EditionLink:
    """An edition as the list of editions names it."""

    edition: int
    published_at: datetime
    retired_at: datetime | None
    is_wording_only: bool
    is_in_force: bool


@dataclass(frozen=True)
class AnchorCell:
    """What a level looks like on a dimension, under that level's label."""

    rank: int
    label: str
    text: str


@dataclass(frozen=True)
class Signal:
    """A downcode with its cap as pages print it; `dimension` is "" where it caps the round."""

    key: str
    text: str
    dimension: str
    cap_label: str


@dataclass(frozen=True)
class GridRow:
    """A dimension with its anchors by rank and the downcodes that cap it."""

    key: str
    label: str
    is_key: bool
    anchors: tuple[AnchorCell, ...]
    downcodes: tuple[Signal, ...]


@dataclass(frozen=True)
class Span:
    """A phase of the time guide; minutes from the round's start, half-open."""

    name: str
    start_minutes: int
    minutes: int
    round_minutes: int

    @property
    def end_minutes(self) -> int:
        """The minute at which the next phase starts."""
        return self.start_minutes + self.minutes

    @property
    def start_share(self) -> str:
        """Where it starts on a bar of the whole round, as a length of SVG."""
        return f"{100 * self.start_minutes / self.round_minutes:.2f}%"

    @property
    def share(self) -> str:
        """How long it is on that bar."""
        return f"{100 * self.minutes / self.round_minutes:.2f}%"


@dataclass(frozen=True)
class Content:
    """What stands in one edition."""

    grid: tuple[GridRow, ...]
    round_downcodes: tuple[Signal, ...]
    spans: tuple[Span, ...]
    prompts: tuple[Prompt, ...]

    @property
    def downcodes(self) -> tuple[Signal, ...]:
        """All of them: the round's own, then each dimension's."""
        return (*self.round_downcodes, *(signal for row in self.grid for signal in row.downcodes))


@dataclass(frozen=True)
class EditionPage:
    """One edition with all that stands in it, and the editions beside it, newest first."""

    version: RubricVersion
    content: Content
    editions: tuple[EditionLink, ...]

    @property
    def in_force(self) -> EditionLink | None:
        """The edition in force."""
        return next((link for link in self.editions if link.is_in_force), None)

    @property
    def is_in_force(self) -> bool:
        """Whether the page shows the edition in force."""
        return self.in_force is not None and self.in_force.edition == self.version.edition

    @property
    def kit_count(self) -> int:
        """How many prompts have an interviewer's kit."""
        return sum(prompt.has_kit for prompt in self.content.prompts)


@dataclass(frozen=True)
class Comparison:
    """Two editions of a round kind held against each other; each part lists its changes only."""

    kind: RoundKind
    older: EditionLink
    newer: EditionLink
    editions: tuple[EditionLink, ...]
    facts: tuple[PartChange, ...]
    dimensions: tuple[PartChange, ...]
    downcodes: tuple[PartChange, ...]
    phases: tuple[PartChange, ...]
    checklist: tuple[PartChange, ...]
    probes: tuple[PartChange, ...]
    prompts: tuple[PartChange, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        above = (self.facts, self.dimensions, self.downcodes, self.phases)
        return not any((*above, self.checklist, self.probes, self.prompts))


def version_in_force(kind: RoundKind | str) -> RubricVersion | None:
    """Return the edition in force of a round kind (or of its key); None where it has none."""
    versions = RubricVersion.objects.in_force().select_related("round_kind").order_by("id")
    if isinstance(kind, RoundKind):
        return versions.filter(round_kind=kind).first()
    return versions.filter(round_kind__key=kind).first()


def level_labels(ladder: str, company: str = DEFAULT_COMPANY) -> tuple[str, ...]:
    """Return what a company calls the ranks 0 to 3; the default label where it has no word."""
    return ladder_labels(company).get(ladder, ())


def ladder_labels(company: str = DEFAULT_COMPANY) -> dict[str, tuple[str, ...]]:
    """Return by ladder what a company calls the ranks 0 to 3; one query."""
    return words_by_ladder(label_rows(company).values_list(*LABEL_COLUMNS), company)


def label_rows(company: str) -> QuerySet[LevelLabel]:
    """Return the labels from which `words_by_ladder` chooses, in its order."""
    labels = LevelLabel.objects.filter(company__in=[DEFAULT_COMPANY, company])
    return labels.order_by("level__rank", "id")


def words_by_ladder(labels: Iterable[Iterable[Any]], company: str) -> dict[str, tuple[str, ...]]:
    """Choose by ladder what a company calls its ranks, out of rows of LABEL_COLUMNS."""
    words: dict[str, dict[int, str]] = {}
    for ladder, rank, owner, text in labels:
        by_rank = words.setdefault(ladder, {})
        if owner == company or rank not in by_rank:
            by_rank[rank] = text
    return {ladder: tuple(by_rank.values()) for ladder, by_rank in words.items()}


def levels_as_said(ladder: str, company: str = DEFAULT_COMPANY) -> list[tuple[Level, str]]:
    """Return a ladder's levels by rank, each with what a company calls it; one query."""
    labels = (
        LevelLabel.objects.filter(level__ladder=ladder, company__in=[DEFAULT_COMPANY, company])
        .select_related("level")
        .order_by("level__rank", "id")
    )
    said: dict[int, tuple[Level, str]] = {}
    for label in labels:
        if label.company == company or label.level.rank not in said:
            said[label.level.rank] = (label.level, label.text)
    return list(said.values())


def label_companies() -> list[str]:
    """Return the companies that have labels of their own, and "default", by name."""
    return list(LevelLabel.objects.order_by("company").values_list("company", flat=True).distinct())


def catalogue_page() -> CataloguePage:
    """Return the catalogue by the editions in force; three queries."""
    rows = (
        RubricVersion.objects.in_force()
        .order_by("round_kind__ladder", "round_kind__position", "round_kind__key")
        .values_list(
            "round_kind__twin__key",
            "round_kind__key",
            "round_kind__ladder",
            "round_kind__title",
            "round_kind__summary",
            "minutes",
            Count("dimensions"),
            "edition",
        )
    )
    cards = [(twin, KindCard(*facts)) for twin, *facts in rows]
    by_key = {card.key: card for _twin, card in cards}
    pairs = [
        TwinRow(card, by_key.get(twin or "")) for twin, card in cards if card.ladder == Ladder.IC
    ]
    faced = {pair.em for pair in pairs}
    alone = (card for _twin, card in cards if card.ladder == Ladder.EM and card not in faced)
    return CataloguePage((*pairs, *(TwinRow(None, card) for card in alone)), _ladders())


def edition_page(key: str, edition: int | None = None) -> EditionPage:
    """Return an edition, or the one in force, with all that stands in it; four queries.

    Raises `RubricVersion.DoesNotExist` where there is no such round kind or edition.
    """
    editions = _load(key)
    links = _links(editions)
    if edition is None:
        edition = next((link.edition for link in links if link.is_in_force), None)
    loaded = _edition(editions, edition)
    return EditionPage(loaded.version, _contents([loaded])[0], links)


def comparison(key: str, older: int | None = None, newer: int | None = None) -> Comparison:
    """Return what differs between two editions; four queries.

    Where none is named, the newest is held against the one before it. Raises
    `RubricVersion.DoesNotExist` where there is no such round kind or edition.
    """
    editions = _load(key)
    numbers = [loaded.version.edition for loaded in editions]
    if newer is None:
        newer = numbers[0]
    if older is None:
        older = next((number for number in numbers if number < newer), newer)
    sides = [_edition(editions, older), _edition(editions, newer)]
    old, new = _contents(sides)
    before, after = (loaded.version for loaded in sides)
    links = _links(editions)
    by_number = {link.edition: link for link in links}
    return Comparison(
        kind=after.round_kind,
        older=by_number[older],
        newer=by_number[newer],
        editions=links,
        facts=parts_changed(_facts(before), _facts(after)),
        dimensions=parts_changed(_dimension_parts(old), _dimension_parts(new)),
        downcodes=parts_changed(_downcode_parts(old), _downcode_parts(new)),
        phases=lines_changed(_phase_lines(old), _phase_lines(new)),
        checklist=lines_changed(before.checklist, after.checklist),
        probes=lines_changed(before.probes, after.probes),
        prompts=parts_changed(_prompt_parts(old), _prompt_parts(new)),
    )


def _ladders() -> tuple[LadderLevels, ...]:
    levels = list(Level.objects.filter(rank__gt=0).order_by("ladder", "rank"))
    return tuple(
        LadderLevels(str(ladder.label), tuple(row for row in levels if row.ladder == ladder))
        for ladder in Ladder
    )


@dataclass(frozen=True)
class _Loaded:
    """An edition, the labels of its ladder by rank, and its time guide."""

    version: RubricVersion
    labels: tuple[str, ...]
    spans: tuple[Span, ...]


def _load(key: str) -> list[_Loaded]:
    """Load the editions of a round kind, the newest first, in one query; at least one."""
    labels = LevelLabel.objects.filter(
        company=DEFAULT_COMPANY, level__ladder=OuterRef("round_kind__ladder")
    )
    phases = Phase.objects.filter(version=OuterRef("pk")).order_by("position", "id")
    versions = (
        RubricVersion.objects.filter(round_kind__key=key)
        .select_related("round_kind__twin")
        .defer("source")
        .annotate(
            labels=ArraySubquery(labels.order_by("level__rank").values("text")),
            guide=ArraySubquery(phases.values(phase=JSONObject(name="name", minutes="minutes"))),
        )
        .order_by("-edition")
    )
    loaded = [
        _Loaded(version, tuple(version.labels), _spans(version.guide))  # type: ignore[attr-defined]
        for version in versions
    ]
    if not loaded:
        raise RubricVersion.DoesNotExist
    return loaded


def _edition(editions: Iterable[_Loaded], edition: int | None) -> _Loaded:
    for loaded in editions:
        if loaded.version.edition == edition:
            return loaded
    raise RubricVersion.DoesNotExist


def _links(editions: Sequence[_Loaded]) -> tuple[EditionLink, ...]:
    versions = [loaded.version for loaded in editions]
    current = next((version for version in versions if version.retired_at is None), None)
    return tuple(
        EditionLink(
            edition=version.edition,
            published_at=version.published_at,
            retired_at=version.retired_at,
            is_wording_only=version.is_wording_only,
            is_in_force=version is current,
        )
        for version in versions
    )


def _contents(editions: Sequence[_Loaded]) -> list[Content]:
    """Load what stands in editions, in their order; three queries however many there are."""
    ids = [loaded.version.id for loaded in editions]
    of_version = {"version_id__in": ids}
    anchors = list(
        Anchor.objects.filter(dimension__version_id__in=ids)
        .select_related("dimension")
        .order_by("dimension__position", "dimension_id", "rank")
    )
    downcodes = list(Downcode.objects.filter(**of_version).order_by("position", "id"))
    prompts = list(Prompt.objects.filter(**of_version).order_by("position", "id"))
    contents = []
    for loaded in editions:
        id, labels = loaded.version.id, loaded.labels
        signals = [downcode for downcode in downcodes if downcode.version_id == id]
        contents.append(
            Content(
                grid=_grid(
                    [row for row in anchors if row.dimension.version_id == id], signals, labels
                ),
                round_downcodes=tuple(
                    _signal(row, "", labels) for row in signals if row.dimension_id is None
                ),
                spans=loaded.spans,
                prompts=tuple(row for row in prompts if row.version_id == id),
            )
        )
    return contents


def _grid(
    anchors: Sequence[Anchor], downcodes: Sequence[Downcode], labels: Sequence[str]
) -> tuple[GridRow, ...]:
    dimensions = {anchor.dimension_id: anchor.dimension for anchor in anchors}
    return tuple(
        GridRow(
            key=dimension.key,
            label=dimension.label,
            is_key=dimension.is_key,
            anchors=tuple(
                AnchorCell(anchor.rank, _label(labels, anchor.rank), anchor.text)
                for anchor in anchors
                if anchor.dimension_id == id
            ),
            downcodes=tuple(
                _signal(downcode, dimension.key, labels)
                for downcode in downcodes
                if downcode.dimension_id == id
            ),
        )
        for id, dimension in dimensions.items()
    )


def _label(labels: Sequence[str], rank: int) -> str:
    return labels[rank] if rank < len(labels) else ""


def _signal(downcode: Downcode, dimension: str, labels: Sequence[str]) -> Signal:
    return Signal(downcode.key, downcode.text, dimension, _label(labels, downcode.cap_rank))


def _spans(guide: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    total = sum(phase["minutes"] for phase in guide)
    spans: list[Span] = []
    for phase in guide:
        start = spans[-1].end_minutes if spans else 0
        spans.append(Span(phase["name"], start, phase["minutes"], total))
    return tuple(spans)


def _facts(version: RubricVersion) -> list[Part]:
    facts = {
        _("Title"): version.title,
        _("Minutes"): str(version.minutes),
        _("What it grades"): version.grades,
        _("How it weighs"): version.weight_note,
    }
    return [Part(name, name, (("", text),)) for name, text in facts.items()]


def _dimension_parts(content: Content) -> list[Part]:
    return [
        Part(
            row.key,
            row.label,
            (
                (_("Key dimension"), _("yes") if row.is_key else _("no")),
                *((cell.label, cell.text) for cell in row.anchors),
            ),
        )
        for row in content.grid
    ]


def _downcode_parts(content: Content) -> list[Part]:
    names = {row.key: row.label for row in content.grid}
    parts = []
    for signal in content.downcodes:
        cap = {"what": names.get(signal.dimension, _("the round")), "level": signal.cap_label}
        parts.append(
            Part(signal.key, signal.text, ((_("Caps"), _("%(what)s at %(level)s") % cap),))
        )
    return parts


def _phase_lines(content: Content) -> list[str]:
    return [
        _("%(name)s: %(minutes)d min") % {"name": span.name, "minutes": span.minutes}
        for span in content.spans
    ]


def _prompt_parts(content: Content) -> list[Part]:
    parts = []
    for prompt in content.prompts:
        kit = {
            _("Intent"): [prompt.intent] if prompt.intent else [],
            _("Probe"): prompt.probes,
            _("Hint"): prompt.hints,
            _("Wrong turn"): prompt.wrong_turns,
        }
        lines = (
            (f"{name} {number}" if len(texts) > 1 else name, text)
            for name, texts in kit.items()
            for number, text in enumerate(texts, start=1)
        )
        parts.append(Part(prompt.key, prompt.text, tuple(lines)))
    return parts
