"""What a frame's menu is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of a menu: URL name, words, lucide icon; `also` names the pages below it.

    `roles` are the staff roles that see it; none means everybody.
    """

    view: str
    label: str
    icon: str
    short: str = ""
    also: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
