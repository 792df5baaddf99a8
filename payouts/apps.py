from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    """Ledger, funding, earnings, payouts and papers."""

    name = "payouts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from payouts import receivers  # noqa: F401, PLC0415 connects the money's own signals
