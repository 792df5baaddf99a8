"""What drf-spectacular must be told. Apart from authentication.py, which DRF loads half-loaded."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from marketplace.organizations.api.authentication import ApiKeyAuthentication


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular
    """The key in the schema."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "bearerFormat": "guild_live_<prefix>_<secret>"}
