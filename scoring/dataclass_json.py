"""JSON both ways for frozen dataclasses of plain values, tuples, dictionaries and each other."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

PLAIN = frozenset((float, int, str, bool, type(None)))
"""Types of most values of a report. They are already as JSON has them."""


class Json:
    """JSON both ways for a frozen dataclass. Unknown keys are refused, missing ones default."""

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json.dumps` accepts."""
        return {name: dumped(getattr(self, name)) for name in names_of(type(self))}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises `ValueError` that names an unknown or missing key."""
        hints = hints_of(cls)  # type: ignore[arg-type]  # a class can be hashed
        if unknown := sorted(set(data) - set(names_of(cls))):  # type: ignore[arg-type]
            raise ValueError(f"{cls.__name__} has no field {', '.join(unknown)}.")
        try:
            return cls(**{name: loaded(hints[name], value) for name, value in data.items()})
        except TypeError as error:
            raise ValueError(f"{cls.__name__}: {error}") from error


@functools.cache
def hints_of(cls: type) -> dict[str, Any]:
    """Types of a class's fields. Cached, because a report has hundreds of quads."""
    return typing.get_type_hints(cls)


@functools.cache
def names_of(cls: type) -> tuple[str, ...]:
    """Names of a class's fields."""
    return tuple(field.name for field in dataclasses.fields(cls))


def dumped(value: Any) -> Any:
    """A value as JSON has it: `Path` as text, tuples as lists."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Json):
        return value.to_json()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: dumped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dumped(item) for item in value]
    return value


def loaded(hint: Any, value: Any) -> Any:
    """A value of JSON as the type `hint` has it."""
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return loaded(next(a for a in arguments if a is not type(None)), value)
    if origin is tuple:
        item = arguments[0]
        return tuple(loaded(item, one) for one in value)
    if origin is dict:
        return {key: loaded(arguments[1], one) for key, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, Json):
        return hint.from_json(value)
    if hint is Path:
        return Path(value)
    return value
