"""The triggers of the database cannot be told to look away.

django-pgtrigger gives every trigger a switch: whoever sets `pgtrigger.ignore` in a session passes
unseen. Each migration that adds a trigger writes the function behind it anew, so it is replaced
after every migrate. What is never asked costs no time either.
"""

from __future__ import annotations

from django.db import connection

from marketplace.events.selectors import NEVER, triggers_can_be_ignored


def keep_triggers_on(**_: object) -> None:
    """Let the triggers always look; safe to repeat. Receives `post_migrate`."""
    if triggers_can_be_ignored():
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) "
                f"RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '{NEVER}'"
            )
