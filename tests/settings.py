"""Settings of the test suite. Importing them starts, or joins, this process's own servers.

pytest-django reads settings before any conftest, so the servers have to be up already here.
"""

from __future__ import annotations

import os

from tests.servers.run import WORKER, join_the_run

for name in [name for name in os.environ if name.startswith("STRIPE_")]:
    del os.environ[name]  # tests know the sandbox only
os.environ |= {"DEBUG": "1", "EMBEDDED": "1", "DEMO": "0"}
os.environ["CACHE_KEY_PREFIX"] = f"test-{os.environ.get(WORKER, 'main')}"
join_the_run(os.environ)

from marketplace.settings import *  # the servers come first

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405 - of the product

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "credentials": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
# Tests run due jobs themselves, through the real runner: run_due_jobs().
JOBS_BELL = False
WHITENOISE_AUTOREFRESH = True  # no collected folder to index
