"""The built-in PostgreSQL and Valkey, and the supervisor of `manage.py up`. Plain Python."""
