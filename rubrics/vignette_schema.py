"""[pure] What a file of vignettes says: written answers with reference levels, to train graders on.

A file belongs to one round kind and is held against the dimensions that its rubric has. What
becomes of it is in `actions.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field

from rubrics import schema
from rubrics.marked_yaml import Problem, Problems, Report, Value, check_unique, hint, read

__all__ = ["Files", "VignettesFile", "parse_files", "parse_vignettes", "unfit"]

FOLDER = "vignettes/"
"""Before the name of a file, it says that the file holds vignettes."""
KEY_LENGTH = 60
NAME_LENGTH = 120
WORDS_LEAST, WORDS_MOST = 150, 300
REASON_WORDS_MOST = 40
NOT_OBSERVED = -1
LEVELS = {"below": 0, "l5": 1, "l6": 2, "l7": 3, "not_observed": NOT_OBSERVED}
HALVES = {
    "fluent-and-empty": "halting-and-rich",
    "big-names-small-decisions": "plain-words-clear-forks",
    "inflated-scope": "honest-small-scope",
}
SHOWS = HALVES | {other: one for one, other in HALVES.items()}
"""What a half of a trap pair shows, and what the other half has to show."""

VIGNETTE_KEYS = ("key", "title", "author", "reviewer", "prompt", "text", "references")


@dataclass(frozen=True)
class Reference:
    """The level of a vignette on one dimension, and why; None is *not observed*."""

    dimension: str
    rank: int | None
    reason: str
    line: int = field(compare=False)


@dataclass(frozen=True)
class Vignette:
    """A written answer. `shows` and `pair` are "" but on the halves of a trap pair."""

    key: str
    title: str
    author: str
    reviewer: str
    prompt: str
    text: str
    shows: str
    pair: str
    references: tuple[Reference, ...]
    line: int = field(compare=False)

    @property
    def digest(self) -> str:
        """Digest all that it says; its place in the file is not of it."""
        content = asdict(self)
        del content["line"]
        content["references"] = sorted(
            [one.dimension, one.rank, one.reason] for one in self.references
        )
        return schema.digest_of(content)


@dataclass(frozen=True)
class VignettesFile:
    """The vignettes of a round kind, in their order."""

    kind: str
    vignettes: tuple[Vignette, ...]
    name: str
    line: int


@dataclass(frozen=True)
class Files:
    """All that was given: the catalogue, and the vignettes of its kinds."""

    catalogue: schema.Catalogue
    vignettes: tuple[VignettesFile, ...]


def parse_files(texts: Mapping[str, str], known: Iterable[schema.KnownKind] = ()) -> Files:
    """Parse the files of a catalogue, vignettes among them. Raises `Problems` with all mistakes.

    Vignettes are held against the rubric beside them where that was given; what stands in the
    database is for the importer.
    """
    of_vignettes = {name: text for name, text in texts.items() if name.startswith(FOLDER)}
    others = {name: text for name, text in texts.items() if name not in of_vignettes}
    known = list(known)
    problems: list[Problem] = []
    catalogue = schema.Catalogue((), None, None)
    files: list[VignettesFile] = []
    try:
        catalogue = schema.parse_catalogue(others, known)
    except Problems as found:
        problems.extend(found.problems)
    for name, text in sorted(of_vignettes.items()):
        try:
            files.append(parse_vignettes(text, name))
        except Problems as found:
            problems.extend(found.problems)
    if not problems:
        problems = [*_cross_checked(files, catalogue.rubrics, known)]
    if problems:
        raise Problems(problems)
    return Files(catalogue, tuple(files))


def parse_vignettes(text: str, name: str) -> VignettesFile:
    """Parse one file of vignettes; `name` stands before each mistake. Raises `Problems`."""
    report = Report(name)
    fields = read(text, report).fields(("kind", "vignettes"))
    items = fields["vignettes"].items("vignette")
    vignettes = [_vignette(item) for item in items]
    check_unique(items, [vignette.key for vignette in vignettes], "key")
    check_unique(items, [vignette.title for vignette in vignettes], "title")
    _check_pairs(items, vignettes)
    file = VignettesFile(fields["kind"].slug(), tuple(vignettes), name, fields["kind"].line)
    report.close()
    return file


def unfit(file: VignettesFile, dimensions: Collection[str]) -> list[Problem]:
    """Return where a file does not fit a rubric with these dimensions: each needs its level."""
    problems = []
    for vignette in file.vignettes:
        rated = {reference.dimension for reference in vignette.references}
        for reference in vignette.references:
            if reference.dimension not in dimensions:
                mistake = (
                    f"references of vignette {vignette.key!r} name no dimension of {file.kind}: "
                    f"{reference.dimension!r}{hint(reference.dimension, dimensions)}"
                )
                problems.append(Problem(file.name, reference.line, mistake))
        for key in dimensions:
            if key not in rated:
                mistake = f"references of vignette {vignette.key!r} lack the dimension {key!r}"
                problems.append(Problem(file.name, vignette.line, mistake))
    return problems


def _vignette(item: Value) -> Vignette:
    fields = item.fields(VIGNETTE_KEYS, optional=("shows", "pair"))
    text = fields["text"].paragraphs()
    _check_words(fields["text"], text, WORDS_LEAST, WORDS_MOST)
    shows = fields["shows"]
    pair = fields["pair"]
    return Vignette(
        key=fields["key"].dashed_slug(at_most=KEY_LENGTH),
        title=fields["title"].text(at_most=NAME_LENGTH),
        author=fields["author"].text(at_most=NAME_LENGTH),
        reviewer=fields["reviewer"].text(at_most=NAME_LENGTH),
        prompt=fields["prompt"].text(),
        text=text,
        shows="" if shows.is_null() else shows.one_of({word: word for word in SHOWS}) or "",
        pair="" if pair.is_null() else pair.dashed_slug(at_most=KEY_LENGTH),
        references=tuple(_references(fields["references"])),
        line=item.line,
    )


def _references(value: Value) -> Iterable[Reference]:
    entries = value.entries()
    if value and not entries:
        value.fault("are empty")
    for key, entry in entries.items():
        fields = entry.fields(("level", "reason"))
        rank = fields["level"].one_of(LEVELS)
        reason = fields["reason"].text()
        _check_words(fields["reason"], reason, 0, REASON_WORDS_MOST)
        yield Reference(key, None if rank == NOT_OBSERVED else rank, reason, entry.line)


def _check_words(value: Value, text: str, least: int, most: int) -> None:
    count = len(text.split())
    if text and not least <= count <= most:
        bounds = f"{least} to {most}" if least else f"at most {most}"
        value.fault(f"has {count} words, it takes {bounds}")


def _check_pairs(items: list[Value], vignettes: list[Vignette]) -> None:
    """Hold the halves of each trap pair against each other; whoever has a pair shows something."""
    by_key = {vignette.key: vignette for vignette in vignettes}
    for item, vignette in zip(items, vignettes, strict=True):
        if bool(vignette.shows) != bool(vignette.pair):
            item.fault("has 'shows' without 'pair', or 'pair' without 'shows'")
        elif vignette.pair:
            other = by_key.get(vignette.pair)
            if other is None or other is vignette:
                where = hint(vignette.pair, by_key.keys() - {vignette.key})
                item.fault(f"is paired with no other vignette: {vignette.pair!r}{where}")
            elif other.pair != vignette.key:
                item.fault(f"is paired with {other.key!r}, whose pair is {other.pair!r}")
            elif other.shows and other.shows != SHOWS[vignette.shows]:
                item.fault(
                    f"shows {vignette.shows!r}, so {other.key!r} must show "
                    f"{SHOWS[vignette.shows]!r}, not {other.shows!r}"
                )


def _cross_checked(
    files: Iterable[VignettesFile],
    rubrics: Iterable[schema.RubricFile],
    known: Iterable[schema.KnownKind],
) -> Iterable[Problem]:
    dimensions = {rubric.kind: [one.key for one in rubric.dimensions] for rubric in rubrics}
    kinds = {*dimensions, *(kind.key for kind in known)}
    first: dict[str, VignettesFile] = {}
    for file in files:
        other = first.setdefault(file.kind, file)
        if other is not file:
            yield Problem(file.name, file.line, f"kind {file.kind!r} is already in {other.name}")
        elif file.kind not in kinds:
            mistake = f"kind {file.kind!r} is no known round kind{hint(file.kind, kinds)}"
            yield Problem(file.name, file.line, mistake)
        elif file.kind in dimensions:
            yield from unfit(file, dimensions[file.kind])
