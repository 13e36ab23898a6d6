"""Import rubric files. `schema.py` says what a file may say, `actions.py` what becomes of it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rubrics.actions import CATALOGUE, Imported, Outcome, import_paths
from rubrics.schema import Problems
from rubrics.vignette_schema import FOLDER


class Command(BaseCommand):
    """`manage.py import_rubrics [paths…] [--check]`."""

    help = "Import rubric files or folders (the shipped catalogue when none is named)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, help="files, or folders of *.yaml")
        parser.add_argument("--check", action="store_true", help="only report, change nothing")

    def handle(self, *args: Any, paths: list[Path], check: bool, **options: Any) -> None:
        try:
            imported = import_paths(
                paths=paths or [CATALOGUE], at=timezone.now(), is_rehearsal=check
            )
        except Problems as found:
            for problem in found.problems:
                self.stderr.write(str(problem))
            mistakes = len(found.problems)
            raise CommandError(
                f"Nothing was imported: {mistakes} mistake{'s' if mistakes > 1 else ''}."
            ) from None
        for entry in imported:
            if options["verbosity"] > 1 or entry.outcome is not Outcome.UNCHANGED:
                self.stdout.write(self.line(entry, check=check))
        unchanged = sum(entry.outcome is Outcome.UNCHANGED for entry in imported)
        files = {entry.name for entry in imported}
        self.stdout.write(f"{len(files)} files, {unchanged} unchanged.")

    def line(self, entry: Imported, *, check: bool) -> str:
        """Say in a line what became of a file, or would."""
        sentences = {
            Outcome.PUBLISHED: "would become edition {n}" if check else "published as edition {n}",
            Outcome.UPDATED: "would be updated" if check else "updated",
            Outcome.UNCHANGED: "unchanged",
            Outcome.OLDER: (
                ("is for" if entry.name.startswith(FOLDER) else "equals")
                + " edition {n}, which is no longer in force; "
                "retiring what came after it brings it back"
            ),
            Outcome.RETIRED: (
                "not written for edition {n}, which is in force: "
                + ("{retired} would be retired" if check else "{retired} retired")
                + "; import those written for it"
            ),
        }
        said = sentences[entry.outcome].format(n=entry.edition, retired=entry.retired)
        counts = [f"{entry.fresh} new"] * bool(entry.fresh)
        if entry.outcome is Outcome.UPDATED:
            counts += [f"{entry.retired} retired"] * bool(entry.retired)
        return f"{entry.name}: {said}" + (f" ({', '.join(counts)})" if counts else "")
