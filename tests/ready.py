"""Sets Django up when it is imported: the first thing that a process of its own imports."""

from __future__ import annotations

import django

django.setup()

from marketplace.celery import app  # noqa: E402 Django comes before the product

app.loader.import_default_modules()  # every kind of job
