from django.apps import AppConfig


class KitConfig(AppConfig):
    """The lowest package: what every other one may use."""

    name = "marketplace.kit"
    label = "kit"
    default_auto_field = "django.db.models.BigAutoField"
