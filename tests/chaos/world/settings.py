"""The product's settings with few packages, short leases and a quick sweep."""

from __future__ import annotations

from marketplace.settings import *  # noqa: F403 as every settings file of tests
from tests.chaos.world.queues import QUEUES

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "pgtrigger",
    "marketplace.kit",
    "marketplace.jobs",
    "marketplace.events",
    "tests.chaos.world",
]
AUTH_USER_MODEL = "auth.User"
ROOT_URLCONF = "tests.chaos.world.urls"
MIDDLEWARE = []
TEMPLATES = []
SILENCED_SYSTEM_CHECKS = ["fields.E300", "fields.E307"]
LOG_LEVEL = "WARNING"
LOGGING["root"]["level"] = LOG_LEVEL  # noqa: F405 of the product

JOB_QUEUES = QUEUES
JOBS_TICKS = {"jobs.sweep": 1, "events.seal": 1}
JOBS_SCHEDULE: dict[str, int | str] = {}
CELERY_BEAT_SCHEDULE = {
    name: CELERY_BEAT_SCHEDULE[name] | {"schedule": 1.0}  # noqa: F405 of the product
    for name in JOBS_TICKS
}
