"""Make the first person and their cohort, and print the link that lets others in."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from loops.actions.people import create_cohort, invite
from loops.models import Cohort, User


class Command(BaseCommand):
    """Found a cohort with its organiser. Run it again for a further cohort of the same person."""

    help = "Makes a person who organises a new cohort, and prints an invitation link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take who, and the cohort's name."""
        parser.add_argument("email")
        parser.add_argument("--cohort", required=True, help="the name of the new cohort")
        parser.add_argument("--name", default="", help="the person's name")
        parser.add_argument(
            "--show-names", action="store_true", help="members see names instead of handles"
        )
        parser.add_argument(
            "--staff", action="store_true", help="the person may open the admin as well"
        )
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from standard input instead of asking for it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say in one line why not."""
        email, name = options["email"].strip().lower(), options["cohort"].strip()
        _check("person", User(email=email, name=options["name"], password="unasked"))  # noqa: S106
        _check("cohort", Cohort(name=name, created_at=timezone.now()))
        if Cohort.objects.filter(name=name, memberships__user__email=email).exists():
            raise CommandError(f"{email} is in a cohort named “{name}” already.")
        now = timezone.now()
        with transaction.atomic():
            person = User.objects.filter(email=email).first()
            if person is None:
                person = self._new_person(email, options)
            elif options["staff"] and not person.is_staff:
                person.is_staff = person.is_superuser = True
                person.save(update_fields=["is_staff", "is_superuser"])
            cohort = create_cohort(name=name, is_named=options["show_names"], by=person, at=now)
            invitation = invite(cohort=cohort, by=person, at=now)
        address = settings.SITE_URL + reverse("loops:join", args=[invitation.token])
        self.stdout.write(f"{email} organises “{cohort.name}”.")
        self.stdout.write(f"Invite others with {address}")

    def _new_person(self, email: str, options: dict[str, Any]) -> User:
        person = User(email=email, name=options["name"])
        password = self._password(from_stdin=options["password_stdin"])
        try:
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User.objects.create_user(
            email,
            password,
            name=options["name"],
            is_staff=options["staff"],
            is_superuser=options["staff"],
        )

    def _password(self, *, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\n")
        if not sys.stdin.isatty():
            raise CommandError(
                "Give the password with --password-stdin, or run this in a terminal."
            )
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Once more: "):
            raise CommandError("The two passwords differ. Nothing was made.")
        return first


def _check(what: str, row: models.Model) -> None:
    try:
        row.clean_fields()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise CommandError(f"The {what}'s {field}: {messages[0]} Nothing was made.") from error
