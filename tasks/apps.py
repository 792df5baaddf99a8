from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Batches, routes, claims, submissions, reviews, imports and exports."""

    name = "tasks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tasks import receivers  # noqa: F401, PLC0415 connects the signals of lower packages
