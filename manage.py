#!/usr/bin/env python
"""Run one of Guildhall's management commands: `manage.py help` lists them."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.stack import Stack


def run() -> None:
    """Run the command; missing settings and a database that is down are told in one sentence."""
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, ServerUnavailable) as refused:
        sys.exit(str(refused))
    except OperationalError:
        if not Stack.durable(settings.DATA_DIR).is_database_down():
            raise
        sys.exit("The built-in database is not running. Start it with: manage.py services up")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    run()
