"""How the person of a session is loaded."""

from __future__ import annotations

from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend

from marketplace.people.models import User


class WithProfile(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's own, but the expert's profile, which every page asks for, comes with the person."""

    def get_user(self, user_id: UUID | str) -> User | None:
        """The person, or None where they are gone or may not sign in."""
        rows = User.objects.select_related("expert").filter(pk=user_id)
        user = rows.order_by("pk").first()
        return user if user is not None and self.user_can_authenticate(user) else None
