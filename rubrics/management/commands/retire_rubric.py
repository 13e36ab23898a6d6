"""Retire an edition of a rubric, so that the newest of the others is in force."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rubrics.actions import RubricError, retire_version
from rubrics.models import RubricVersion


class Command(BaseCommand):
    """`manage.py retire_rubric <kind> <edition>`."""

    help = "Retire an edition of a round kind's rubric. What was graded with it stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help="the round kind, such as sd_ambiguous")
        parser.add_argument("edition", type=int)

    def handle(self, *args: Any, kind: str, edition: int, **options: Any) -> None:
        version = RubricVersion.objects.filter(round_kind__key=kind, edition=edition).first()
        if version is None:
            raise CommandError(f"There is no edition {edition} of {kind}.")
        try:
            retire_version(version=version, at=timezone.now())
        except RubricError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{version} is retired.")
