"""Serializers that say no to what they do not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

DEEPEST_JSON = 64


class StrictSerializer(serializers.Serializer[Any]):  # Any: each subclass has its own rows
    """Refuses unknown and read-only fields by name, so a typing error is no silence."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # Any: parsed JSON
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(str(name) for name in set(data) - known)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known here."] for name in unknown}
                )
        values: dict[str, Any] = super().to_internal_value(data)
        return values


class StorableJSONField(serializers.JSONField):
    """JSON that PostgreSQL can keep: no NUL, no lone surrogate, at most 64 levels deep."""

    def to_internal_value(self, data: Any) -> Any:  # Any: parsed JSON
        value = super().to_internal_value(data)
        for text, depth in _texts(value):
            if depth > DEEPEST_JSON:
                raise serializers.ValidationError("This JSON is nested too deeply.")
            if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                raise serializers.ValidationError("This text holds a character nobody can read.")
        return value


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # spectacular
    """Says in the schema that other fields are refused."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        map_plainly = auto_schema._map_serializer  # noqa: SLF001 spectacular's documented way
        mapped: dict[str, Any] = map_plainly(self.target, direction, bypass_extensions=True)  # type: ignore[no-untyped-call]  # spectacular
        if direction == "request":
            mapped["additionalProperties"] = False
        return mapped


def _texts(value: object) -> Iterator[tuple[str, int]]:
    """Every string, keys included, with its depth; walks without recursion."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            yield found, depth
        elif isinstance(found, dict):
            waiting += [(part, depth + 1) for pair in found.items() for part in pair]
        elif isinstance(found, list):
            yield "", depth
            waiting += [(part, depth + 1) for part in found]
