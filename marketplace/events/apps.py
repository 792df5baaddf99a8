from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EventsConfig(AppConfig):
    name = "marketplace.events"
    label = "events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("marketplace.events.receivers")
        guarding = import_module("marketplace.events.services.guarding")
        post_migrate.connect(guarding.keep_triggers_on, sender=self)
