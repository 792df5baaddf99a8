"""Log lines: constant text, ids beside it, nothing that a stranger may not read."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog

SECRET_WORDS = re.compile(r"authorization|password|secret|token|key|cookie|iban|ssn", re.IGNORECASE)
_OURS = frozenset(vars(logging.makeLogRecord({})))


class DropSecrets(logging.Filter):
    """Blank every extra field whose name says that it holds a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in set(vars(record)) - _OURS:
            if SECRET_WORDS.search(name):
                setattr(record, name, "(removed)")
        return True


def _route_structlog() -> None:
    """Send structlog's own lines the way of all others: levels, filters, one handler."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_settings(*, level: str, form: str) -> dict[str, Any]:  # Any: logging's own shape
    """Django's LOGGING: everything to standard error, as `json` or `plain` lines."""
    _route_structlog()
    # One line per tick and bell says nothing; jobs speak for themselves.
    hushed = (
        "django_structlog",
        "stripe",
        "celery.app.trace",
        "celery.worker.strategy",
        "celery.beat",
    )
    here = "marketplace.kit.logs"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"secrets": {"()": f"{here}.DropSecrets"}},
        "formatters": {form: {"()": f"{here}.{form}_formatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["secrets"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in hushed},
    }


def json_formatter() -> logging.Formatter:
    """One JSON object a line, for production."""
    return _formatter(structlog.processors.JSONRenderer())


def plain_formatter() -> logging.Formatter:
    """Lines for a person at a terminal."""
    return _formatter(structlog.dev.ConsoleRenderer(colors=False))


def _formatter(renderer: structlog.typing.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ExtraAdder(),
            structlog.processors.format_exc_info,
        ],
    )
