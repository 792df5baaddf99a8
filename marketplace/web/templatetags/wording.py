"""Words of the system as people read them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def words(code: object) -> str:
    """`failed_instructions` is “failed instructions”."""
    return str(code).replace("_", " ")
