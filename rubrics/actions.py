"""Every write to the catalogue: import files, retire an edition. Reading is in `queries.py`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from rubrics import schema, vignette_schema
from rubrics.models import (
    Anchor,
    Dimension,
    Downcode,
    Level,
    LevelLabel,
    Phase,
    Preset,
    PresetRound,
    Prompt,
    Reference,
    RoundKind,
    RubricVersion,
    Vignette,
)

CATALOGUE = Path(__file__).parent / "catalogue"
IMPORT_LOCK = 5_718_202_601


class RubricError(Exception):
    """A refusal that a person may read."""

    message = _("The rubric was not changed.")

    def __str__(self) -> str:
        return str(self.message)


class LastInForce(RubricError):
    """The edition is the only one of its round kind that is not retired."""

    message = _(
        "This is the only edition in force, so it was not retired. Publish another one first."
    )


class Outcome(enum.StrEnum):
    """What became of a file."""

    PUBLISHED = "published"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    OLDER = "older"
    RETIRED = "retired"


@dataclass(frozen=True)
class Imported:
    """One file and what became of it; `edition` is None for levels and presets.

    `OLDER` says that the file equals an edition which a newer one has replaced: nothing was
    changed, and retiring the newer one brings it back; of vignettes, that they were written for
    such an edition. `RETIRED` says that vignettes in force do not speak of `edition`, which is now,
    so that nobody is trained on them any more.
    Of vignettes, `fresh` were written and `retired` put away.
    """

    name: str
    outcome: Outcome
    edition: int | None = None
    fresh: int = 0
    retired: int = 0


def import_folder(*, folder: Path, at: datetime, is_rehearsal: bool = False) -> list[Imported]:
    """Import every `*.yaml` of a folder; see `import_paths`."""
    return import_paths(paths=[folder], at=at, is_rehearsal=is_rehearsal)


def import_file(*, path: Path, at: datetime, is_rehearsal: bool = False) -> list[Imported]:
    """Import one file; see `import_paths`."""
    return import_paths(paths=[path], at=at, is_rehearsal=is_rehearsal)


def import_paths(
    *, paths: Sequence[Path], at: datetime, is_rehearsal: bool = False
) -> list[Imported]:
    """Import files and folders as one: all of it, or nothing and `Problems` with each mistake.

    A file whose content is known changes nothing; other content becomes a new edition beside the
    older ones. Imports wait for each other, so two at once publish an edition once. A rehearsal
    does it all and rolls back.
    """
    texts = read_texts(paths)
    with transaction.atomic():
        _wait_for_other_imports()
        kinds = {kind.key: kind for kind in RoundKind.objects.select_related("twin")}
        files = vignette_schema.parse_files(texts, [_known(kind) for kind in kinds.values()])
        catalogue = files.catalogue
        imported = _sync_rubrics(catalogue.rubrics, kinds, at)
        if catalogue.levels is not None:
            imported.append(Imported(schema.LEVELS_FILE, _sync_levels(catalogue.levels)))
        if catalogue.presets is not None:
            imported.append(Imported(schema.PRESETS_FILE, _sync_presets(catalogue.presets, kinds)))
        if files.vignettes:
            imported.extend(_sync_vignettes(files, imported, at))
        if any(entry.outcome is Outcome.PUBLISHED for entry in imported):
            imported.extend(_retire_left_behind(at))
        transaction.set_rollback(is_rehearsal)
    return imported


def retire_version(*, version: RubricVersion, at: datetime) -> RubricVersion:
    """Retire an edition, so that the newest of the others is in force; refused for the last one.

    What was graded with it stays bound to it. Vignettes that speak of it alone retire with it; the
    next import writes those anew that fit. Retiring it again changes nothing.
    """
    with transaction.atomic():
        editions = RubricVersion.objects.select_for_update().filter(
            round_kind_id=version.round_kind_id, retired_at__isnull=True
        )
        current = {edition.id: edition for edition in editions.order_by("id")}
        if version.id in current:
            if len(current) == 1:
                raise LastInForce
            current[version.id].retired_at = at
            current[version.id].save(update_fields=["retired_at"])
            _retire_left_behind(at)
    version.refresh_from_db(fields=["retired_at"])
    return version


def read_texts(paths: Iterable[Path]) -> dict[str, str]:
    """Read the files, and the folders' `*.yaml`, by name. Raises `schema.Problems`.

    What lies in a folder `vignettes` is named with it.
    """
    texts: dict[str, str] = {}
    problems: list[schema.Problem] = []
    for path in paths:
        files = _files_of(path) if path.is_dir() else [path]
        if not files:
            problems.append(schema.Problem(str(path), 1, "the folder has no *.yaml file"))
        for file in files:
            try:
                text = file.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                line = error.object.count(b"\n", 0, error.start) + 1
                problems.append(schema.Problem(_name_of(file), line, "the file is not UTF-8 text"))
            except OSError as error:
                problems.append(schema.Problem(str(file), 1, f"cannot be read: {error.strerror}"))
            else:
                if texts.setdefault(_name_of(file), text) != text:
                    problems.append(schema.Problem(str(file), 1, "is given twice, with other text"))
    if problems:
        raise schema.Problems(problems)
    return texts


def _files_of(folder: Path) -> list[Path]:
    return [
        *sorted(folder.glob("*.yaml")),
        *sorted((folder / vignette_schema.FOLDER).glob("*.yaml")),
    ]


def _name_of(file: Path) -> str:
    is_of_vignettes = f"{file.absolute().parent.name}/" == vignette_schema.FOLDER
    return vignette_schema.FOLDER * is_of_vignettes + file.name


def _wait_for_other_imports() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])


def _known(kind: RoundKind) -> schema.KnownKind:
    twin = kind.twin.key if kind.twin else None
    return schema.KnownKind(kind.key, kind.ladder, kind.position, twin)


def _sync_rubrics(
    rubrics: Sequence[schema.RubricFile], kinds: dict[str, RoundKind], at: datetime
) -> list[Imported]:
    """Bring round kinds and editions to what the files say; `kinds` gains the new ones."""
    changed = _sync_kinds(rubrics, kinds)
    newest: dict[int, RubricVersion] = {}
    known: dict[tuple[int, str], int] = {}
    for version in RubricVersion.objects.defer("source").order_by("round_kind_id", "edition"):
        newest[version.round_kind_id] = version
        known[version.round_kind_id, version.digest] = version.edition
    imported: list[Imported] = []
    fresh: list[tuple[schema.RubricFile, RoundKind]] = []
    for rubric in rubrics:
        kind = kinds[rubric.kind]
        last = newest[kind.id].edition if kind.id in newest else 0
        edition = known.get((kind.id, rubric.digest))
        if edition is None:
            fresh.append((rubric, kind))
            imported.append(Imported(rubric.name, Outcome.PUBLISHED, last + 1))
        elif edition != last:
            imported.append(Imported(rubric.name, Outcome.OLDER, edition))
        else:
            outcome = Outcome.UPDATED if rubric.kind in changed else Outcome.UNCHANGED
            imported.append(Imported(rubric.name, outcome, edition))
    if fresh:
        _publish(_drafts(fresh, newest, at))
    return imported


def _sync_kinds(rubrics: Sequence[schema.RubricFile], kinds: dict[str, RoundKind]) -> set[str]:
    """Write the facts of the round kinds; return the keys of those that were there and changed."""
    facts = ["position", "title", "short_title", "summary"]
    new = [
        RoundKind(
            key=rubric.kind, ladder=rubric.ladder, **{fact: getattr(rubric, fact) for fact in facts}
        )
        for rubric in rubrics
        if rubric.kind not in kinds
    ]
    kinds |= {kind.key: kind for kind in RoundKind.objects.bulk_create(new)}
    changed: list[RoundKind] = []
    for rubric in rubrics:
        kind = kinds[rubric.kind]
        twin = kinds[rubric.twin] if rubric.twin else None
        before = [*(getattr(kind, fact) for fact in facts), kind.twin_id]
        after = [*(getattr(rubric, fact) for fact in facts), twin.id if twin else None]
        if before != after:
            for fact in facts:
                setattr(kind, fact, getattr(rubric, fact))
            kind.twin = twin
            changed.append(kind)
    if changed:
        RoundKind.objects.bulk_update(changed, [*facts, "twin"])
    return {kind.key for kind in changed} - {kind.key for kind in new}


@dataclass(frozen=True)
class Draft:
    """An edition about to be published, with the digest that each of its dimensions gets."""

    rubric: schema.RubricFile
    version: RubricVersion
    digests: Mapping[str, str]


def _drafts(
    fresh: Sequence[tuple[schema.RubricFile, RoundKind]],
    newest: Mapping[int, RubricVersion],
    at: datetime,
) -> list[Draft]:
    """Prepare new editions. Raises `schema.Problems` where one changes more than it says."""
    ids = [newest[kind.id].id for _rubric, kind in fresh if kind.id in newest]
    previous = {
        version.round_kind_id: version
        for version in RubricVersion.objects.filter(id__in=ids).with_content().order_by("id")
    }
    problems = [
        problem
        for rubric, kind in fresh
        if rubric.is_wording_only and kind.id in previous
        for problem in _more_than_wording(rubric, previous[kind.id])
    ]
    if problems:
        raise schema.Problems(problems)
    return [_draft(rubric, kind, previous.get(kind.id), at) for rubric, kind in fresh]


def _draft(
    rubric: schema.RubricFile, kind: RoundKind, previous: RubricVersion | None, at: datetime
) -> Draft:
    """Prepare one edition.

    What means the same as in the edition before keeps its structure digest: all of it where only
    wording changed, else each dimension that is written as it was.
    """
    is_wording_only = rubric.is_wording_only and previous is not None
    digests = {dimension.key: dimension.structure_digest for dimension in rubric.dimensions}
    structure_digest = rubric.structure_digest
    if previous is not None:
        before = {row.key: row for row in previous.dimensions.all()}
        for dimension in rubric.dimensions:
            row = before.get(dimension.key)
            if row and (
                is_wording_only or _written(row).structure_digest == dimension.structure_digest
            ):
                digests[dimension.key] = row.structure_digest
        if is_wording_only or _structure_digest(previous) == rubric.structure_digest:
            structure_digest = previous.structure_digest
    version = RubricVersion(
        round_kind=kind,
        edition=previous.edition + 1 if previous else 1,
        digest=rubric.digest,
        structure_digest=structure_digest,
        title=rubric.title,
        minutes=rubric.minutes,
        grades=rubric.grades,
        weight_note=rubric.weight_note,
        checklist=list(rubric.checklist),
        probes=list(rubric.probes),
        has_rungs=rubric.has_rungs,
        has_why_chain=rubric.has_why_chain,
        is_wording_only=is_wording_only,
        source=rubric.source,
        published_at=at,
    )
    return Draft(rubric, version, digests)


def _written(row: Dimension) -> schema.Dimension:
    anchors = tuple(anchor.text for anchor in row.anchors.all())
    return schema.Dimension(row.key, row.label, row.is_key, anchors)


def _signals(version: RubricVersion) -> list[schema.Downcode]:
    return [
        schema.Downcode(
            row.key, row.text, row.dimension.key if row.dimension else None, row.cap_rank
        )
        for row in version.downcodes.all()
    ]


def _structure_digest(version: RubricVersion) -> str:
    """Digest the structure as it is written now, which carrying over may have left behind."""
    dimensions = [_written(row) for row in version.dimensions.all()]
    return schema.structure_digest(dimensions, _signals(version))


def _more_than_wording(
    rubric: schema.RubricFile, previous: RubricVersion
) -> Iterable[schema.Problem]:
    """Yield a problem where a change said to be of wording adds, drops or moves something."""
    before = {(row.key, row.is_key) for row in previous.dimensions.all()}
    before_signals = {(row.key, row.dimension, row.cap_rank) for row in _signals(previous)}
    dimensions = {(row.key, row.is_key) for row in rubric.dimensions} ^ before
    signals = {(row.key, row.dimension, row.cap_rank) for row in rubric.downcodes} ^ before_signals
    keys = sorted({row[0] for row in dimensions} | {row[0] for row in signals})
    if keys:
        yield rubric.problem(
            "wording_only",
            f"wording_only is set, but edition {previous.edition} differs in more than wording: "
            + ", ".join(keys),
        )


def _publish(drafts: Sequence[Draft]) -> None:
    """Insert new editions and all that stands in them: a fixed number of statements."""
    RubricVersion.objects.bulk_create([draft.version for draft in drafts])
    dimensions = Dimension.objects.bulk_create(
        Dimension(
            version=draft.version,
            key=dimension.key,
            position=position,
            label=dimension.label,
            is_key=dimension.is_key,
            structure_digest=draft.digests[dimension.key],
        )
        for draft in drafts
        for position, dimension in enumerate(draft.rubric.dimensions, start=1)
    )
    rows = {(dimension.version_id, dimension.key): dimension for dimension in dimensions}
    Anchor.objects.bulk_create(
        Anchor(dimension=rows[draft.version.id, dimension.key], rank=rank, text=text)
        for draft in drafts
        for dimension in draft.rubric.dimensions
        for rank, text in enumerate(dimension.anchors, start=1)
    )
    Downcode.objects.bulk_create(
        Downcode(
            version=draft.version,
            key=downcode.key,
            position=position,
            text=downcode.text,
            dimension=rows[draft.version.id, downcode.dimension] if downcode.dimension else None,
            cap_rank=downcode.cap_rank,
        )
        for draft in drafts
        for position, downcode in enumerate(draft.rubric.downcodes, start=1)
    )
    Phase.objects.bulk_create(
        Phase(version=draft.version, position=position, name=phase.name, minutes=phase.minutes)
        for draft in drafts
        for position, phase in enumerate(draft.rubric.phases, start=1)
    )
    Prompt.objects.bulk_create(
        _prompt(prompt, position, draft.version)
        for draft in drafts
        for position, prompt in enumerate(draft.rubric.prompts, start=1)
    )


def _prompt(prompt: schema.Prompt, position: int, version: RubricVersion) -> Prompt:
    row = Prompt(version=version, key=prompt.key, position=position, text=prompt.text)
    if prompt.kit is not None:
        row.intent = prompt.kit.intent
        row.probes = list(prompt.kit.probes)
        row.hints = list(prompt.kit.hints)
        row.wrong_turns = list(prompt.kit.wrong_turns)
    return row


def _sync_vignettes(
    files: vignette_schema.Files, imported: Sequence[Imported], at: datetime
) -> list[Imported]:
    """Bring the vignettes to what the files say, bound to the editions now in force.

    A file that was written for an edition which another has replaced, with other anchors, changes
    nothing. Raises `schema.Problems` where a file does not fit.
    """
    kinds = [file.kind for file in files.vignettes]
    in_force = {
        version.round_kind.key: version
        for version in RubricVersion.objects.in_force()
        .filter(round_kind__key__in=kinds)
        .select_related("round_kind")
        .prefetch_related("dimensions")
        .order_by("id")
    }
    older = _written_for_older(files.catalogue.rubrics, imported)
    present: dict[str, dict[str, Vignette]] = {kind: {} for kind in kinds}
    for row in (
        Vignette.objects.in_force().filter(round_kind__key__in=kinds).select_related("round_kind")
    ):
        present[row.round_kind.key][row.key] = row
    problems: list[schema.Problem] = []
    outcomes: list[Imported] = []
    fresh: list[tuple[Vignette, vignette_schema.Vignette]] = []
    for file in files.vignettes:
        version, was_for = in_force[file.kind], older.get(file.kind)
        if was_for is not None and was_for.structure_digest != version.structure_digest:
            outcomes.append(Imported(file.name, Outcome.OLDER, was_for.edition))
            continue
        mistakes = vignette_schema.unfit(file, [row.key for row in version.dimensions.all()])
        problems.extend(mistakes)
        if not mistakes:
            outcomes.append(_sync_file(file, version, present[file.kind], fresh, at))
    if problems:
        raise schema.Problems(problems)
    _write_vignettes(fresh, in_force)
    return outcomes


def _written_for_older(
    rubrics: Sequence[schema.RubricFile], imported: Sequence[Imported]
) -> dict[str, RubricVersion]:
    """Return, by kind, the editions that files equal and that newer ones have replaced."""
    editions = {
        entry.name: entry.edition
        for entry in imported
        if entry.outcome is Outcome.OLDER and entry.edition is not None
    }
    return {
        rubric.kind: RubricVersion.objects.get(
            round_kind__key=rubric.kind, edition=editions[rubric.name]
        )
        for rubric in rubrics
        if rubric.name in editions
    }


def _sync_file(
    file: vignette_schema.VignettesFile,
    version: RubricVersion,
    present: dict[str, Vignette],
    fresh: list[tuple[Vignette, vignette_schema.Vignette]],
    at: datetime,
) -> Imported:
    """Retire what is written otherwise now or not at all, and put what is new on `fresh`."""
    kept: set[str] = set()
    moved: list[Vignette] = []
    before = len(fresh)
    for position, item in enumerate(file.vignettes, start=1):
        row = present.get(item.key)
        if row is None or row.digest != item.digest or row.version_id != version.id:
            fresh.append((_vignette(item, position, version), item))
            continue
        kept.add(item.key)
        if row.position != position:
            row.position = position
            moved.append(row)
    if moved:
        Vignette.objects.bulk_update(moved, ["position"])
    retired = _retire((row for key, row in present.items() if key not in kept), at)
    written = len(fresh) - before
    has_changed = bool(written or retired or moved)
    outcome = Outcome.UPDATED if has_changed else Outcome.UNCHANGED
    return Imported(file.name, outcome, fresh=written, retired=retired)


def _vignette(item: vignette_schema.Vignette, position: int, version: RubricVersion) -> Vignette:
    return Vignette(
        version=version,
        round_kind=version.round_kind,
        key=item.key,
        digest=item.digest,
        position=position,
        title=item.title,
        author=item.author,
        reviewer=item.reviewer,
        prompt=item.prompt,
        text=item.text,
        shows=item.shows,
        pair_key=item.pair,
    )


def _write_vignettes(
    fresh: Sequence[tuple[Vignette, vignette_schema.Vignette]],
    in_force: Mapping[str, RubricVersion],
) -> None:
    Vignette.objects.bulk_create([row for row, _item in fresh])
    rows = {
        (kind, dimension.key): dimension
        for kind, version in in_force.items()
        for dimension in version.dimensions.all()
    }
    Reference.objects.bulk_create(
        Reference(
            vignette=row,
            dimension=rows[row.round_kind.key, reference.dimension],
            rank=reference.rank,
            reason=reference.reason,
        )
        for row, item in fresh
        for reference in item.references
    )


def _retire(rows: Iterable[Vignette], at: datetime) -> int:
    ids = [row.id for row in rows]
    return Vignette.objects.filter(id__in=ids).update(retired_at=at) if ids else 0


def _retire_left_behind(at: datetime) -> list[Imported]:
    """Retire vignettes whose edition is in force no more, unless only its wording has changed."""
    newest = RubricVersion.objects.in_force().filter(round_kind=OuterRef("round_kind"))
    left = (
        Vignette.objects.in_force()
        .select_related("round_kind")
        .annotate(
            structure_now=Subquery(newest.values("structure_digest")[:1]),
            edition_now=Subquery(newest.values("edition")[:1]),
        )
        .exclude(version__structure_digest=F("structure_now"))
        .order_by("round_kind__key", "position", "id")
    )
    by_kind: dict[str, list[Any]] = {}
    for row in left:
        by_kind.setdefault(row.round_kind.key, []).append(row)
    return [
        Imported(
            f"{vignette_schema.FOLDER}{kind}.yaml",
            Outcome.RETIRED,
            rows[0].edition_now,
            retired=_retire(rows, at),
        )
        for kind, rows in by_kind.items()
    ]


def _sync_levels(levels: schema.LevelsFile) -> Outcome:
    wanted = {
        (ladder, level.rank): level for ladder, rows in levels.ladders.items() for level in rows
    }
    present = {
        (row.ladder, row.rank): schema.Level(
            row.rank,
            row.scope,
            row.width,
            row.looks_for,
            {label.company: label.text for label in row.labels.all()},
        )
        for row in Level.objects.order_by("id")
    }
    if present == wanted:
        return Outcome.UNCHANGED
    rows = Level.objects.bulk_create(
        [
            Level(
                ladder=ladder,
                rank=rank,
                scope=level.scope,
                width=level.width,
                looks_for=level.looks_for,
            )
            for (ladder, rank), level in wanted.items()
        ],
        update_conflicts=True,
        unique_fields=["ladder", "rank"],
        update_fields=["scope", "width", "looks_for"],
    )
    LevelLabel.objects.filter(level__in=rows).delete()
    LevelLabel.objects.bulk_create(
        LevelLabel(level=row, company=company, text=text)
        for row in rows
        for company, text in wanted[row.ladder, row.rank].labels.items()
    )
    return Outcome.UPDATED


def _sync_presets(presets: schema.PresetsFile, kinds: Mapping[str, RoundKind]) -> Outcome:
    present = [_preset_as_written(row) for row in _presets_with_rounds()]
    if present == list(presets.presets):
        return Outcome.UNCHANGED
    facts = ["ladder", "position", "title", "description", "target_rank"]
    rows = Preset.objects.bulk_create(
        [
            Preset(
                key=preset.key,
                ladder=preset.ladder,
                position=position,
                title=preset.title,
                description=preset.description,
                target_rank=preset.target_rank,
            )
            for position, preset in enumerate(presets.presets, start=1)
        ],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=facts,
    )
    PresetRound.objects.all().delete()
    Preset.objects.exclude(id__in=[row.id for row in rows]).delete()
    PresetRound.objects.bulk_create(
        PresetRound(
            preset=row,
            position=position,
            round_kind=kinds[planned.kind],
            title=planned.title,
            minutes=planned.minutes,
            focus=planned.focus,
        )
        for row, preset in zip(rows, presets.presets, strict=True)
        for position, planned in enumerate(preset.rounds, start=1)
    )
    return Outcome.UPDATED


def _presets_with_rounds() -> Iterable[Preset]:
    return Preset.objects.prefetch_related("rounds__round_kind").order_by("position", "key")


def _preset_as_written(row: Preset) -> schema.Preset:
    return schema.Preset(
        key=row.key,
        ladder=row.ladder,
        title=row.title,
        description=row.description,
        target_rank=row.target_rank,
        rounds=tuple(
            schema.PresetRound(
                planned.round_kind.key, planned.title, planned.minutes, planned.focus, line=0
            )
            for planned in row.rounds.all()
        ),
    )
