"""What the OpenAPI description says of every operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext, override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from leaderboard.api.permissions import SignedIn, scope_of

CHOICES = re.compile(r"^\* `", re.MULTILINE)
CHOICE = re.compile(r"^\* `(.*?)` - (.*)$", re.MULTILINE)
"""A line that drf-spectacular writes for each choice of a field."""
ERROR = {
    "type": "object",
    "description": "Any refusal or error.",
    "properties": {
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "What to do, for people."},
        "fields": {"type": "object", "description": "With code `invalid`: what is wrong where."},
    },
    "required": ["code", "detail"],
}


def add_errors(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Every operation may answer with an error, always of the same shape."""
    result["components"]["schemas"]["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = {"description": "An error.", "content": content}
    return result


def translate(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Say all descriptions in the language of the request."""
    said: dict[str, Any] = described(result, gettext)
    return said


def sentences() -> Iterator[str]:
    """All descriptions in English, and the nouns of the documentation, for the catalogues."""
    found: list[str] = []

    def note(sentence: str) -> str:
        found.append(sentence)
        return sentence

    with override("en"):
        schema = generated()
        described(schema, note)
    for methods in schema["paths"].values():
        for operation in methods.values():
            found += operation["tags"]
    return iter(dict.fromkeys(one for one in found if one))


def generated() -> dict[str, Any]:
    """The description of the whole API, in the active language."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


def described(part: Any, translate: Callable[[str], str]) -> Any:
    """A part of the schema whose descriptions are what `translate` makes of their sentences."""
    if isinstance(part, list):
        return [described(one, translate) for one in part]
    if not isinstance(part, Mapping):
        return part
    return {
        name: in_other_words(str(one), translate)
        if name == "description" and not isinstance(one, Mapping)
        else described(one, translate)
        for name, one in part.items()
    }


def in_other_words(text: str, translate: Callable[[str], str]) -> str:
    """A description in another language. The names of a field's choices stay as they are."""
    sentence = " ".join(CHOICES.split(text, maxsplit=1)[0].split())
    choices = [f"* `{name}` - {translate(label)}" for name, label in CHOICE.findall(text)]
    parts = (translate(sentence) if sentence else "", "\n".join(choices))
    return "\n\n".join(part for part in parts if part)


class Described(AutoSchema):
    """Tells of each operation, as `x-token-scope`, the least scope of a token that it takes."""

    def get_operation(self, *given: Any, **named: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*given, **named)
        asks = [one for one in self.view.get_permissions() if isinstance(one, SignedIn)]
        if operation and asks:
            operation["x-token-scope"] = scope_of(self.view, self.method).value
        return operation
