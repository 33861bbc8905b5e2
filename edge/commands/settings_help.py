"""The documentation of the settings, from where they are declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.commands.say import say_text
from edge.settings import Settings


def describe_settings() -> str:
    """Every key with its full path, its default and its meaning, a line each."""
    return "\n".join(_lines(Settings, "")) + "\n"


@click.command("settings")
def settings_command() -> None:
    """Explain every setting.

    Example: alpr-edge settings
    """
    say_text(describe_settings())


def _lines(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        key = field.alias or name
        inner = _sections_in(field.annotation)
        path = f"{prefix}{key}[]" if inner and "tuple" in str(field.annotation) else prefix + key
        if not inner:
            yield f"{path} ({_default(field)}): {field.description}"
            continue
        yield f"{path}: {field.description}"
        for part in inner:
            if len(inner) > 1:
                yield f"{path}, either: {(part.__doc__ or '').splitlines()[0]}"
            yield from _lines(part, f"{path}.")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return f"default {list(value)}"
    return f"default {str(value) if isinstance(value, Path) else value!r}"


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = getattr(annotation, "__args__", ())
    return [section for part in parts for section in _sections_in(part)]
