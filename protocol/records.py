"""Records that travel as JSON: attrs classes, and the schema that is made from them.

A class may nest others, tuples, dictionaries with text as keys, and values that may be None. What
a field's type does not say (a pattern, a bound) is in its metadata, under ``SCHEMA``.
"""

from __future__ import annotations

import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import attrs

SCHEMA = "schema"
"""Key of a field's metadata: keywords that are added to the schema of its value."""


def plain(_instance: type, _field: attrs.Attribute[Any], value: Any) -> Any:
    """A value serializer for ``attrs.asdict`` that leaves plain JSON values."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def build(annotation: Any, value: Any) -> Any:
    """Turns a JSON value that the schema has passed into the class that ``annotation`` names."""
    if value is None:
        return None
    (annotation,) = _members(annotation)
    if attrs.has(annotation):
        hints = typing.get_type_hints(annotation)
        return annotation(
            **{
                field.name: build(hints[field.name], value[field.name])
                for field in attrs.fields(annotation)
            }
        )
    if typing.get_origin(annotation) is tuple:
        item = typing.get_args(annotation)[0]
        return tuple(build(item, entry) for entry in value)
    if annotation is datetime:
        return datetime.fromisoformat(value)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return annotation(value)
    return value


def schema_of(annotation: Any, *, title: str) -> dict[str, Any]:
    """The JSON schema of a class of records."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_schema_of(annotation),
    }


def _members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union without ``None``; else the annotation alone."""
    if isinstance(annotation, types.UnionType):
        return tuple(arm for arm in annotation.__args__ if arm is not type(None))
    return (annotation,)


_SCALARS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time", "pattern": r"(Z|\+00:00)$"},
}


def _schema_of(annotation: Any, keywords: dict[str, Any] | None = None) -> dict[str, Any]:
    if isinstance(annotation, types.UnionType):
        (member,) = _members(annotation)
        return {"anyOf": [_schema_of(member, keywords), {"type": "null"}]}
    if attrs.has(annotation):
        hints = typing.get_type_hints(annotation)
        fields = attrs.fields(annotation)
        return {
            "type": "object",
            "properties": {
                field.name: _schema_of(hints[field.name], field.metadata.get(SCHEMA))
                for field in fields
            },
            "required": [field.name for field in fields],
            "additionalProperties": False,
        }
    return {**_schema_of_value(annotation), **(keywords or {})}


def _schema_of_value(annotation: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return {"const": arguments[0]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema_of(arguments[0])}
    if origin is tuple:
        return {
            "type": "array",
            "items": _schema_of(arguments[0]),
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1])}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"enum": [str(member) for member in annotation]}
    return _SCALARS[annotation]
