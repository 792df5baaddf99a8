"""The Celery application: the bell of `marketplace.jobs`, and the registry of its kinds."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")


class Kind(Task[..., None]):
    """A kind of job: `@shared_task(name="payouts.send_payout", queue="money")`.

    The queue is ours, not Celery's routing, which deprecates the attribute: it moves aside.
    """

    job_queue = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:  # Any: as the base class
        super().__init_subclass__(**kwargs)
        if "queue" in cls.__dict__:
            cls.job_queue = cls.__dict__["queue"]
            delattr(cls, "queue")


app = Celery("guildhall", task_cls=Kind)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
