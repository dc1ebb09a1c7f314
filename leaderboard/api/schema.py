"""What the OpenAPI description says of every operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext, override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from leaderboard.api import refusals
from leaderboard.api.permissions import SignedIn, scope_of

CHOICES = re.compile(r"^\* `", re.MULTILINE)
CHOICE = re.compile(r"^\* `(.*?)` - (.*)$", re.MULTILINE)
"""A line that drf-spectacular writes for each choice of a field."""
ERROR = {
    "type": "object",
    "description": "Any refusal or error.",
    "properties": {
        "code": {"type": "string", "description": "A stable code for programs."},
        "detail": {"type": "string", "description": "What to do, for people."},
        "fields": {
            "type": "object",
            "description": "With the code `invalid`: which fields are wrong, and why.",
        },
    },
    "required": ["code", "detail"],
}


def add_errors(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Every error has the same shape."""
    result["components"]["schemas"]["Error"] = ERROR
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
    """A part of the schema with every description replaced by `translate` of it."""
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
    """Tells of each operation the least scope of a token that it takes, as `x-token-scope`, the
    kinds of its errors, as `x-errors`, and each error with its status and its codes."""

    def get_operation(self, *given: Any, **named: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*given, **named)
        if operation is None:
            return None
        if any(isinstance(one, SignedIn) for one in self.view.get_permissions()):
            operation["x-token-scope"] = scope_of(self.view, self.method).value
        if self.method == "GET" and getattr(self.view, "is_kept", False):
            operation["responses"]["304"] = {
                "description": "The answer with this ETag is as it was."
            }
        kinds = refusals.groups(self.view, self.method, self.path, operation)
        operation["x-errors"] = list(kinds)
        for status, codes in refusals.by_status(operation["operationId"], kinds).items():
            operation["responses"][str(status)] = error(codes)
        return operation


def error(codes: list[str]) -> dict[str, Any]:
    """The answer with an error that has one of these codes."""
    shape = {"properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, shape]}
    return {"description": "An error.", "content": {"application/json": {"schema": schema}}}
