"""The product's Celery application; its worker is killed at the place that the environment names.

DIE_AT="<a place>:<which call>" celery -A tests.payouts.dying_worker worker
"""

from __future__ import annotations

import os
import signal

from celery.signals import worker_process_init
from django.conf import settings

from marketplace.celery import app
from tests.payouts.calm import CALM
from tests.payouts.dying import die_at

__all__ = ["app"]


@worker_process_init.connect
def arm(**_signal: object) -> None:
    """In each child of the worker, before its first job."""
    for name, value in CALM.items():
        setattr(settings, name, value)
    place, _, call = os.environ["DIE_AT"].partition(":")
    die_at(place, int(call), lambda: os.killpg(0, signal.SIGKILL))
