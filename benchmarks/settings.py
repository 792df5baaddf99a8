"""Settings of the benchmarks of money: the product's own, and django-hordak where it is there."""

from __future__ import annotations

import os
from importlib.util import find_spec

os.environ |= {"DEBUG": "1", "PAYMENTS_MODE": "sandbox", "LOG_LEVEL": "ERROR"}

from marketplace.settings import *  # noqa: F403 - the environment comes first

DEBUG = False  # Django would keep every statement
JOBS_BELL = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if find_spec("hordak"):
    INSTALLED_APPS = [*INSTALLED_APPS, "mptt", "hordak"]  # noqa: F405 - of the product
    DEFAULT_CURRENCY = "USD"
    CURRENCIES = ["USD"]
    SILENCED_SYSTEM_CHECKS = ["models.W042"]
