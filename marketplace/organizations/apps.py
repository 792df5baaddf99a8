from importlib import import_module

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "marketplace.organizations"
    label = "organizations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("marketplace.organizations.api.schema")
