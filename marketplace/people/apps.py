from importlib import import_module

from django.apps import AppConfig
from django.core.checks import register


class PeopleConfig(AppConfig):
    name = "marketplace.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("marketplace.people.receivers")
        register(import_module("marketplace.people.checks").check_sign_in)
