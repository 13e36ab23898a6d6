#!/usr/bin/env python
"""The command line: Django's own, with one clear line instead of a traceback for a wrong setting."""

import os
import sys


def main() -> None:
    """Run one management command; a mistake in the environment ends it with one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.embedded import EmbeddedError  # noqa: PLC0415 - the settings module is named first
    from config.env import EnvError  # noqa: PLC0415

    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        execute_from_command_line(sys.argv)
    except (EnvError, EmbeddedError) as problem:
        sys.exit(f"manage.py: {problem}")


if __name__ == "__main__":
    main()
