#!/usr/bin/env python
"""Django's command line, with one clear line for a wrong setting instead of a traceback."""

import os
import sys


def main() -> None:
    """Run one management command; a mistake in the environment ends it with one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.env import EnvError  # noqa: PLC0415
    from config.servers.server import EmbeddedError  # noqa: PLC0415 - the settings module is named first

    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        execute_from_command_line(sys.argv)
    except (EnvError, EmbeddedError) as problem:
        sys.exit(f"manage.py: {problem}")


if __name__ == "__main__":
    main()
