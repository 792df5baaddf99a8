"""Settings, all from the environment; docs/operate/configure.md lists every variable."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from marketplace.jobs.schedule import JOBS_SCHEDULE, JOBS_TICKS  # noqa: F401 settings
from marketplace.kit.environment import (
    JobQueue,
    amounts,
    celery_broker,
    currencies,
    django_cache,
    env,
    env_flag,
    operator,
    parse_database,
    payments_mode,
    payout_mode,
    required,
    secret,
    weekly,
)
from marketplace.kit.logs import logging_settings
from marketplace.kit.servers import stack

BASE_DIR = Path(__file__).resolve().parent.parent

# Where it runs --------------------------------------------------------------------------------
DEBUG = env_flag("DEBUG", "1")
EMBEDDED = env_flag("EMBEDDED", "1" if DEBUG else "0")
DATA_DIR = stack.data_dir(BASE_DIR, os.environ)
SITE_URL = env("SITE_URL", "http://127.0.0.1:8000")
IS_HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env(
    "ALLOWED_HOSTS", f"127.0.0.1,localhost,[::1],{urlsplit(SITE_URL).hostname}"
).split(",")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "marketplace.web.errors.csrf_failure"

DATABASE_URL = env("DATABASE_URL") or required(
    "DATABASE_URL",
    "your PostgreSQL, for example postgresql://user:password@host/guildhall",
    stack.database_url(DATA_DIR) if EMBEDDED else "",
)
REDIS_URL = env("REDIS_URL") or required(
    "REDIS_URL",
    "your Redis or Valkey, for example redis://host:6379",
    stack.redis_url(DATA_DIR) if EMBEDDED else "",
)
# Past a connection pooler: for locks of a session, migrations, backups.
DATABASE_DIRECT_URL = env("DATABASE_DIRECT_URL", DATABASE_URL)
CACHE_URL = env("CACHE_URL")

_HOME = DATA_DIR if EMBEDDED else None
SECRET_KEY = secret("SECRET_KEY", "a long random text", _HOME, "secret_key")
SECRET_KEY_FALLBACKS = env("SECRET_KEY_FALLBACKS").split(",") if env("SECRET_KEY_FALLBACKS") else []
# `k2:base64,k1:base64`: the first key seals, all of them open.
_KEY = "k1: and 32 random bytes in URL-safe base64"
FIELD_ENCRYPTION_KEYS = secret("FIELD_ENCRYPTION_KEYS", _KEY, _HOME, "encryption_keys")
# Names under which clients see experts hang on it: it is never rotated.
PSEUDONYM_KEY = secret("PSEUDONYM_KEY", "a long random text", _HOME, "pseudonym_key")

DATABASES = {"default": parse_database(DATABASE_URL)}

# Applications ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    # The Simple configurations: the automatic ones each rewrite TEMPLATES and the last one wins.
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "lucide",
    "csp",
    "django_structlog",
    "marketplace.kit",
    "marketplace.jobs",
    "marketplace.events",
    "marketplace.people",
    "marketplace.organizations",
    "payouts",
    "vetting",
    "marketplace.projects",
    "tasks",
    "marketplace.web",
]
if DEBUG and find_spec("django_linear_migrations"):  # comes with requirements-dev.txt
    INSTALLED_APPS += ["django_linear_migrations"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "marketplace.web.middleware.BrowserRules",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.web.restoring.ClosedWhileRestoring",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "marketplace.people.middleware.TrackSessions",
    "marketplace.people.middleware.ShortStaffSessions",
    "marketplace.people.middleware.RequireCountedLimits",
    "marketplace.people.middleware.RequireSecondFactor",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "marketplace.web.middleware.ErrorsMiddleware",
]
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
AUTH_USER_MODEL = "people.User"

_LOADERS = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
_CACHED = [("django.template.loaders.cached.Loader", _LOADERS)]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "marketplace/web/templates"],  # before allauth's own
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", _CACHED)],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.web.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Language, time ---------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# Files ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
_maths = find_spec("ziamath")
if _maths is None or _maths.origin is None:
    raise ImproperlyConfigured("ziamath is not installed: pip install -r requirements.txt")
# STIX Two Math (OFL-1.1) is served out of the pinned package ziamath, which is never imported.
STATICFILES_DIRS = [("web/fonts", Path(_maths.origin).parent / "fonts")]
MEDIA_ROOT = Path(env("MEDIA_ROOT", str(DATA_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    # Papers of experts, sealed; outside MEDIA_ROOT, which a web server may be serving.
    "credentials": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "credentials",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
WHITENOISE_USE_FINDERS = DEBUG
# An import file arrives in one form post; it is streamed to disk, never held in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Cache, sessions, jobs --------------------------------------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "marketplace.kit.cache.ForgivingRedisCache",
        "LOCATION": CACHE_URL or django_cache(REDIS_URL),
        "KEY_PREFIX": env("CACHE_KEY_PREFIX", "guildhall"),
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}
SESSION_COOKIE_AGE = 14 * 86_400
STAFF_SESSION_SECONDS = 8 * 3600

CELERY_BROKER_URL = celery_broker(REDIS_URL)
JOB_QUEUES: dict[str, JobQueue] = {
    "money": {"hard": 60, "lease": 120, "attempts": 100},
    "default": {"hard": 60, "lease": 120, "attempts": 12},
    "bulk": {"hard": None, "lease": 120, "attempts": 5},
}
JOBS_BELL = True
CELERY_BEAT_SCHEDULE = {
    name: {
        "task": "jobs.tick",
        "args": (name,),
        "schedule": float(seconds),
        "options": {
            "queue": "money" if name.startswith("payouts.") else "default",
            "soft_time_limit": 20,
            "time_limit": 30,
            "retry": False,
        },
    }
    for name, seconds in JOBS_TICKS.items()
}

# Accounts ---------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["marketplace.people.backends.WithProfile"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_PASSWORDS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_PASSWORDS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_PASSWORDS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_PASSWORDS}.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "marketplace.people.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "marketplace.people.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "marketplace.people.forms.AuthenticateForm",
    "reauthenticate": "marketplace.people.forms.ReauthenticateForm",
}
# Who must have a second factor; each rule takes a user.
SECOND_FACTOR_RULES = [
    "marketplace.people.access.is_staff",
    "marketplace.organizations.access.guards_keys_or_money",
]
DOMAIN_ERRORS_ANSWERED_BY = "marketplace.web.errors.answer_domain_error"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
MFA_TOTP_ISSUER = "Guildhall"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TRUST_ENABLED = False
SOCIALACCOUNT_ENABLED = False
USERSESSIONS_TRACK_ACTIVITY = True
ALLAUTH_TRUSTED_PROXY_COUNT = int(env("TRUSTED_PROXY_COUNT", "0"))
DEMO = env_flag("DEMO")
if DEMO and not DEBUG:
    raise ImproperlyConfigured("DEMO=1 waives the second factor; it goes with DEBUG=1 only.")

# Mail -------------------------------------------------------------------------------------------
if not (DEBUG or env("EMAIL_HOST")):
    raise ImproperlyConfigured("Set EMAIL_HOST: sign-in codes go by mail, never into the log.")
_MAILER = "smtp" if env("EMAIL_HOST") else "console"
EMAIL_BACKEND = f"django.core.mail.backends.{_MAILER}.EmailBackend"
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = int(env("EMAIL_PORT", "587"))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env("EMAIL_HOST_USER"), env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_flag("EMAIL_USE_TLS", "1")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "Guildhall <no-reply@localhost>")

# API --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "marketplace.organizations.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "marketplace.kit.drf.problems.answer_problem",
    "DEFAULT_THROTTLE_CLASSES": ["marketplace.kit.drf.throttles.PerPrincipal"],
    "DEFAULT_THROTTLE_RATES": {"anonymous": "60/min", "signed_in": "600/min", "work": "6000/min"},
    # Without it DRF believes whatever X-Forwarded-For says.
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Guildhall API",
    "VERSION": "1",
    "DESCRIPTION": "Post expert work, read its results; claim, draft, submit and return tasks.",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "BatchState": "tasks.models.batches.BATCH_TRANSITIONS",
        "TaskState": "tasks.models.batches.TASK_TRANSITIONS",
        "AssignmentState": "tasks.models.assignments.TRANSITIONS",
        "ResultState": "tasks.models.assignments.ANSWERED",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.kit.drf.schema.add_problem_answers",
    ],
}

# Money ------------------------------------------------------------------------------------------
STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY")
STRIPE_API_BASE = env("STRIPE_API_BASE")
STRIPE_API_VERSION = env("STRIPE_API_VERSION", "2026-10-28.endive")
STRIPE_WEBHOOK_SECRET = env("STRIPE_WEBHOOK_SECRET")
STRIPE_CONNECT_WEBHOOK_SECRET = env("STRIPE_CONNECT_WEBHOOK_SECRET")
STRIPE_THIN_WEBHOOK_SECRET = env("STRIPE_THIN_WEBHOOK_SECRET")
PAYMENTS_MODE = payments_mode(STRIPE_SECRET_KEY, is_debug=DEBUG)
PAYMENTS_PAUSED = env_flag("PAYMENTS_PAUSED")
METRICS_TOKEN = env("METRICS_TOKEN", "")
PAYOUT_MODE = payout_mode(env("PAYOUT_MODE", "transfer"))
CURRENCIES = currencies(env("CURRENCIES", "USD"))
PAYOUT_HOLD_HOURS = int(env("PAYOUT_HOLD_HOURS", "72"))
PAYOUT_MINIMUM = {"USD": int(env("PAYOUT_MINIMUM_USD", "1000"))}
PAYOUT_MAX_PER_EXPERT = amounts(env("PAYOUT_MAX_PER_EXPERT"))
PAYOUT_MAX_PER_RUN = amounts(env("PAYOUT_MAX_PER_RUN"))
PAYOUT_SCHEDULE = weekly(env("PAYOUT_SCHEDULE", "tuesday 06:00"))
CASH_OUT_BUDGET = amounts(env("CASH_OUT_BUDGET", "USD=100000" if DEMO else ""))
REFUND_AUTO_MINOR = int(env("REFUND_AUTO_MINOR", "0"))
PAYOUT_RATE_PER_S = int(env("PAYOUT_RATE_PER_S", "10"))
FEE_BASIS_POINTS = int(env("FEE_BASIS_POINTS", "1500"))
OPERATOR = operator()
TAX_TIME_ZONE = ZoneInfo(env("TAX_TIME_ZONE", "UTC"))

# Browser security -------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        **{name: [SELF] for name in ("script-src", "style-src", "font-src", "connect-src")},
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        # Browsers also hold the redirect after a form to this list.
        "form-action": [SELF, "https://connect.stripe.com", "https://checkout.stripe.com"],
    }
}
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_flag("BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "guildhall_session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "guildhall_csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# Logs -------------------------------------------------------------------------------------------
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # an address is personal data
LOGGING = logging_settings(level=env("LOG_LEVEL", "INFO"), form="plain" if DEBUG else "json")
