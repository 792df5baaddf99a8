"""One test run per checkout at a time, its servers its own."""

from __future__ import annotations

import os

from django.conf import settings

from marketplace.kit.servers.stack import Stack


def test_the_suite_uses_servers_of_its_own() -> None:
    status = Stack.for_tests(settings.DATA_DIR, os.environ).status()

    assert settings.DATA_DIR.parent.name == "test"
    assert [server.pid is not None for server in status] == [True] * len(status)
