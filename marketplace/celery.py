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
app.conf.update(
    task_acks_late=False,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="default",
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_soft_shutdown_timeout=20,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 1,
        "health_check_interval": 15,
        "retry_on_timeout": True,
        # A publish with the broker down must fail in milliseconds: the sweeper finds the job.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    },
)
app.autodiscover_tasks(related_name="jobs")
