"""Lists mocks whose local time has moved after an upgrade of tzdata, and tells their people."""

from typing import Any

import tzdata
from django.core.management import BaseCommand, CommandParser
from django.utils import timezone

from loops.actions.retiming import tell_retimed
from loops.queries.retiming import Retimed, retimed_seats


class Command(BaseCommand):
    """To be run after the package tzdata was upgraded; without --tell it only lists."""

    help = "List agreed mocks whose local time has moved with the rules of a zone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --tell."""
        parser.add_argument(
            "--tell", action="store_true", help="write to the people, once for each change"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """List, and tell if it is asked for."""
        at = timezone.now()
        self.stdout.write(f"Time zones: IANA {tzdata.IANA_VERSION}, tzdata {tzdata.__version__}.")
        seats = retimed_seats(at)
        for moved in seats:
            self.stdout.write(_line(moved))
        if not seats:
            self.stdout.write("No agreed mock has moved.")
        elif options["tell"]:
            count = tell_retimed(seats=seats, at=at)
            self.stdout.write(f"Told {count} of {len(seats)}; who was told before is not again.")
        else:
            self.stdout.write(f"{len(seats)} have moved. Nobody was told: --tell writes to them.")


def _line(moved: Retimed) -> str:
    seat = moved.seat
    now = moved.now or "a zone that is no more"
    return (
        f"{seat.mock.starts_at:%Y-%m-%d %H:%M}Z mock {seat.mock.public_id}, {seat.member.handle}, "
        f"{seat.time_zone}: {moved.was} is now {now}"
    )
