"""Going to a client's pages as one of its members."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace.organizations.models import Organization
from marketplace.people.models import User
from tests.browser.client_world import member
from tests.browser.pages import signed_in

__all__ = ["at", "member", "owner_of", "signed_in", "words"]


def at(client: Organization, page: str, /, **kwargs: object) -> str:
    """The address of one of the client's pages."""
    return reverse(f"client:{page}", kwargs={"slug": client.slug, **kwargs})


def owner_of(client: Organization) -> Client:
    """A browser in which the owner is signed in."""
    return signed_in(_owner(client))


def _owner(client: Organization) -> User:
    return client.memberships.get(role="owner").user


def words(response: Any) -> str:  # Any: the test client's response
    """The page as text with single spaces."""
    return " ".join(response.content.decode().split())
