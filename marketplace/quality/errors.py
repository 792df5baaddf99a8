"""What the package refuses: `ValueError`s, because the caller passed what means nothing."""

from __future__ import annotations


class InvalidSetting(ValueError):
    """A configuration contradicts itself or leaves its range."""


class InvalidEvidence(ValueError):
    """An event names an unknown source, or a credit or weight outside its range."""


class InvalidRow(ValueError):
    """A row of input cannot be read; the message shows the row."""


class UnknownLabel(InvalidRow):
    """An answer or a gold value is not one of the labels of the task."""
