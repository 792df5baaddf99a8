from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from marketplace.jobs.models import Job
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import NOON, queued


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("job_state_is_known", {"state": "paused"}),
        ("job_lease_matches_state", {"state": "running"}),
        ("job_lease_matches_state", {"lease_token": uuid7(), "lease_until": NOON}),
        ("job_finished_at_matches_state", {"state": "done"}),
        ("job_finished_at_matches_state", {"finished_at": NOON}),
        ("job_cancel_request_names_its_person", {"cancel_requested_at": NOON}),
    ],
)
def test_the_database_refuses_a_job_that_contradicts_itself(
    rule: str, change: dict[str, Any]
) -> None:
    job = queued()

    with pytest.raises(IntegrityError, match=rule):
        Job.objects.filter(pk=job.pk).update(**change)
