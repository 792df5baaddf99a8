"""Guildhall: an expert marketplace and workforce operations service for AI training data."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
