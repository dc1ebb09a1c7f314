"""The page that documents the API, made from the OpenAPI description that programs read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_lazy

from leaderboard.api import codes, refusals
from leaderboard.api.examples import EXAMPLES
from leaderboard.api.schema import generated

Schema = Mapping[str, Any]
FEW = 4
"""So many fields of an earlier call are repeated. If more are the same, a link leads there."""
DEEPEST = 3
"""Levels of fields that are listed. The example shows all of them."""
END_OF_TITLE = re.compile(r"[.:;] ")
BULLET = re.compile(r"^\* ", re.MULTILINE)
"""A line in a list of choices. The names of choices are code on the page."""
VARIABLE = re.compile(r"{(\w+)}")
FORM = "multipart/form-data"
KINDS = {
    "every": gettext_lazy("any call"),
    "named": gettext_lazy("a competition in the address"),
    "token": gettext_lazy("a token"),
    "signed_in": gettext_lazy("a person"),
    "scope": gettext_lazy("a scope"),
    "competition": gettext_lazy("a token for one competition"),
    "change": gettext_lazy("a change"),
    "body": gettext_lazy("a body"),
    "model": gettext_lazy("a model file"),
}
"""What brings the errors of each of `refusals.GROUPS` with it."""
BODIES = (FORM, "application/json")
"""A body is shown in the first of these types that takes it: an upload as a form."""


@dataclass(frozen=True)
class Field:
    """One parameter, or one field of a body."""

    name: str
    kind: str
    text: str
    is_required: bool


@dataclass(frozen=True)
class Answer:
    """What comes with one status."""

    status: str
    text: str
    example: str
    fields: tuple[Field, ...]
    like: Call | None = None
    """An earlier call whose answer has these fields and more. Its `fields` are not repeated."""


@dataclass(frozen=True)
class Error:
    """An error that a call can answer with."""

    status: int
    code: str
    meaning: str


@dataclass(frozen=True)
class Call:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    title: str
    text: str
    scope: str
    """The least scope of a token that the call takes; empty if it needs no token."""
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    command: str
    """For curl, without the address."""
    sample_path: str
    """The path with samples for what is variable in it."""
    answers: tuple[Answer, ...]
    errors: tuple[Error, ...]
    """The errors that only this call has."""
    kinds: tuple[str, ...]
    """When the errors are possible that it shares with other calls, in words."""


def page(request: HttpRequest) -> HttpResponse:
    """All calls by their noun, with a command to copy and an answer to expect."""
    groups = calls(get_language() or "en")
    site = request.build_absolute_uri("/").rstrip("/")
    shared = [(name, words, errors(refusals.GROUPS[name])) for name, words in KINDS.items()]
    return render(request, "api/docs.html", {"groups": groups, "site": site, "shared": shared})


@lru_cache(maxsize=16)
def calls(language: str) -> tuple[tuple[str, tuple[Call, ...]], ...]:
    """The calls of each noun, in one language, which is active already."""
    schema = generated()
    shapes = schema["components"]["schemas"]
    groups: dict[str, list[Call]] = {}
    told: dict[Call, set[Field]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            noun = operation["tags"][0]
            found = call(path, method, operation, shapes)
            groups.setdefault(noun, []).append(told_once(found, told))
    return tuple((gettext(noun), tuple(some)) for noun, some in groups.items())


def told_once(this: Call, told: dict[Call, set[Field]]) -> Call:
    """A call without the fields of a long answer that an earlier call has told already.

    The call then refers to the earlier one. `told`: the fields of the calls so far, which grow.
    """
    answers = []
    for found in this.answers:
        fields = {unlisted(field) for field in found.fields}
        first = max(told, key=lambda call: len(told[call] & fields), default=this)
        common = told.get(first, set()) & fields
        if len(common) > FEW:
            others = tuple(field for field in found.fields if unlisted(field) not in common)
            answers.append(replace(found, fields=others, like=first))
        else:
            answers.append(found)
        told[this] = fields
    return replace(this, answers=tuple(answers))


def unlisted(field: Field) -> Field:
    """A field of a row of a list, named as the field of a single row."""
    return replace(field, name=field.name.removeprefix("results[]."))


def call(path: str, method: str, operation: Schema, shapes: Schema) -> Call:
    """One call, from its operation in the description."""
    said = " ".join(str(operation.get("description", "")).split())
    title, text = [*END_OF_TITLE.split(said, maxsplit=1), ""][:2]
    media, body = body_of(operation.get("requestBody", {}), shapes)
    return Call(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        title=title.rstrip("."),
        text=text[:1].upper() + text[1:],
        scope=operation.get("x-token-scope", ""),
        parameters=tuple(parameter(one) for one in operation.get("parameters", ())),
        body=tuple(fields(body, shapes)),
        command=command(method, media, body, shapes),
        sample_path=VARIABLE.sub(lambda found: str(EXAMPLES.get(found[1], 1)), path),
        answers=tuple(
            answer(status, one, shapes)
            for status, one in sorted(operation["responses"].items())
            if int(status) < 400
        ),
        errors=errors(refusals.own(operation["operationId"])),
        kinds=tuple(str(KINDS[name]) for name in operation["x-errors"] if name != "every"),
    )


def errors(known: Iterable[refusals.Known]) -> tuple[Error, ...]:
    """Errors with their meanings in the active language."""
    return tuple(Error(one.status, one.code, str(codes.MEANINGS[one.code])) for one in known)


def parameter(shape: Schema) -> Field:
    """A parameter of the path, the query or a header."""
    place = {"path": "", "query": "?", "header": ""}[shape["in"]]
    kind = shape["schema"].get("type", "")
    return Field(
        f"{place}{shape['name']}", kind, shape.get("description", ""), bool(shape.get("required"))
    )


def body_of(request: Schema, shapes: Schema) -> tuple[str, Schema]:
    """The type and the shape of the body that a call takes. Both are empty if it takes none."""
    content = request.get("content", {})
    has_file = any(
        one.get("format") in ("uri", "binary")
        for media in content.values()
        for one in resolved(media["schema"], shapes).get("properties", {}).values()
    )
    for media in BODIES if has_file else reversed(BODIES):
        if media in content:
            return media, writable(resolved(content[media]["schema"], shapes))
    return "", {}


def writable(shape: Schema) -> Schema:
    """An object without the fields that only answers have."""
    sent = {
        name: one for name, one in shape.get("properties", {}).items() if not one.get("readOnly")
    }
    return {**shape, "properties": sent}


def command(method: str, media: str, body: Schema, shapes: Schema) -> str:
    """A line for a shell that makes the call, up to the address."""
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    words += ["-H", '"Authorization: Token $FEATHERWEIGHT_TOKEN"']
    if media == FORM:
        words += [
            f"-F {name}={'@model.pt' if name == 'file' else json.dumps(example(name, one, shapes))}"
            for name, one in body["properties"].items()
        ]
    elif media:
        data = json.dumps(example("", body, shapes), ensure_ascii=False)
        words += ["-H", '"Content-Type: application/json"', "-d", f"'{data}'"]
    return shown(" ".join(words))


def answer(status: str, response: Schema, shapes: Schema) -> Answer:
    """An answer with an example in JSON; a file has no example."""
    shape = response.get("content", {}).get("application/json", {}).get("schema", {})
    sample = json.dumps(example("", shape, shapes), indent=1, ensure_ascii=False) if shape else ""
    text = " ".join(str(response.get("description", "")).split())
    return Answer(status, text, shown(sample), tuple(fields(shape, shapes)))


def shown(text: str) -> SafeString:
    """Text between tags. Quotes stay as they are: escaped, they are a tenth of the page."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return mark_safe(escaped)  # noqa: S308  it is escaped


def resolved(shape: Schema, shapes: Schema) -> Schema:
    """A shape, or the shape that it refers to."""
    if "$ref" in shape:
        return resolved(shapes[shape["$ref"].rpartition("/")[2]], shapes)
    for word in ("allOf", "oneOf", "anyOf"):
        if shape.get(word):
            outer = {key: part for key, part in shape.items() if key != word}
            return {**resolved(shape[word][0], shapes), **outer}
    return shape


def fields(shape: Schema, shapes: Schema, before: str = "", depth: int = 1) -> Iterator[Field]:
    """The fields of an object, and of the objects in it, by their dotted names."""
    found = resolved(shape, shapes)
    if found.get("type") == "array":
        yield from fields(found["items"], shapes, f"{before}[]." if before else "[].", depth)
        return
    required = found.get("required", ())
    for name, one in found.get("properties", {}).items():
        whole = resolved(one, shapes)
        text = BULLET.sub("", whole.get("description", ""))
        yield Field(f"{before}{name}", kind(whole), text, name in required)
        if depth < DEEPEST:
            inner = whole["items"] if whole.get("type") == "array" else whole
            mark = "[]." if whole.get("type") == "array" else "."
            yield from fields(inner, shapes, f"{before}{name}{mark}", depth + 1)


def kind(shape: Schema) -> str:
    """The type of a field in a word or two, such as "number or null"."""
    word = str(shape.get("format") if shape.get("format") == "date-time" else shape.get("type", ""))
    if shape.get("nullable"):
        return gettext("%(type)s or null") % {"type": word or "any"}
    return word or "any"


def example(name: str, shape: Schema, shapes: Schema) -> Any:
    """A sample of a shape. `name`: of the field, which may have a sample of its own."""
    found = resolved(shape, shapes)
    choices = found.get("enum")
    if name in EXAMPLES and (not choices or EXAMPLES[name] in choices):
        return EXAMPLES[name]
    if choices:
        return choices[0]
    if found.get("type") == "array":
        return [example("", found["items"], shapes)]
    if "properties" in found:
        return {key: example(key, one, shapes) for key, one in found["properties"].items()}
    by_type = {"string": "…", "integer": 1, "number": 1.0, "boolean": True, "object": {}}
    return by_type.get(found.get("type", ""))
