"""Make the demo cohort. Who is in it and what they do stands in `feedback.demo`."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from feedback.demo.cast import COHORT_ID, PASSWORD, PEOPLE
from loops import blobs
from loops.background import without_bells
from loops.models import Cohort, User

if TYPE_CHECKING:
    from feedback.demo.players import World


class Command(BaseCommand):
    """Make eight people who have practised and graded each other for eight weeks."""

    help = "Makes the demo cohort: eight people, their loops, recordings and reviews."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the day on which the demo ends, and what to do where it is there already."""
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="end the story at noon UTC of this day (default: it ends now)",
        )
        parser.add_argument(
            "--once", action="store_true", help="say nothing where the demo is there already"
        )
        parser.add_argument(
            "--sign-ins", action="store_true", help="only print who can sign in, and how"
        )
        parser.add_argument(
            "--force", action="store_true", help="make it with DEBUG off too: passwords are public"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say in one line why not."""
        if options["sign_ins"]:
            self.stdout.write("\n".join(_sign_ins()))
            return
        if not (settings.DEBUG or options["force"]):
            raise CommandError(
                "DEBUG is off, and everybody can read the demo's password in the source. Nothing "
                "was made. If strangers cannot reach this server: --force."
            )
        if Cohort.objects.filter(public_id=COHORT_ID).exists():
            if not options["once"]:
                self.stdout.write("The demo cohort is there already. Nothing was changed.")
            return
        world = self._make(_end_of_story(options["today"]))
        if options["verbosity"]:
            self.stdout.write(
                f"The demo cohort is made: {len(PEOPLE)} people, {len(world.attempts)} answers."
            )
            self.stdout.write("\n".join(_sign_ins()))

    def _make(self, now: datetime) -> "World":
        """Make the world, or nothing: rows and files go again where it cannot be finished."""
        from feedback.demo import players  # noqa: PLC0415 - numpy, for those who need it only

        _refuse_strangers()
        with blobs.scratch() as folder:
            world = players.World(now=now, takes=players.draw_takes(folder))
            try:
                with without_bells(), transaction.atomic():
                    world.play()
            except BaseException as error:
                for name in world.stored:
                    blobs.delete_stored(name)
                if isinstance(error, players.StoryError):
                    raise CommandError(
                        f"{error} The demo is written for the shipped catalogue: run `manage.py "
                        "import_rubrics` first. Nothing was made."
                    ) from error
                raise
        return world


def _end_of_story(today: date | None) -> datetime:
    if today is None:
        return timezone.now().replace(microsecond=0)
    return datetime.combine(today, time(12), tzinfo=UTC)


def _refuse_strangers() -> None:
    """Stop where somebody else has an address or a handle of the demo's people."""
    taken = User.objects.filter(
        Q(email__in=[person.email for person in PEOPLE])
        | Q(handle__in=[person.handle for person in PEOPLE])
    ).order_by("pk")
    if taken.exists():
        names = ", ".join(f"{user.email} ({user.handle})" for user in taken)
        raise CommandError(f"The demo needs addresses or handles that are in use: {names}.")


def _sign_ins() -> list[str]:
    widest = max(len(person.email) for person in PEOPLE)
    return [
        f"Demo sign-ins, all with the password {PASSWORD}:",
        *(f"  {person.email:{widest}}  {person.name}, {person.part}" for person in PEOPLE),
    ]
