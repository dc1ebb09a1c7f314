"""The page of the API is made from the description that programs read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from leaderboard.api import documentation
from leaderboard.api.examples import EXAMPLES

HANGUL = re.compile("[가-힣]")

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(client: Client) -> Any:
    return json.loads(client.get("/api/v2/schema?format=json").content)


def test_every_call_stands_on_it_with_a_command_and_an_answer(client: Client, schema: Any) -> None:
    text = client.get("/api/docs").content.decode()
    operations = [one for path in schema["paths"].values() for one in path.values()]
    assert len(operations) > 15
    for one in operations:
        assert f'id="{one["operationId"]}"' in text
    assert text.count("curl ") > len(operations)


def test_every_call_has_a_title_that_says_what_it_does() -> None:
    found = [call for _, group in documentation.calls("en") for call in group]
    assert all(call.title and call.answers for call in found)
    assert all("{" not in call.sample_path for call in found)


def test_every_sample_is_of_a_field_or_parameter(schema: Any) -> None:
    names = {
        name
        for one in schema["components"]["schemas"].values()
        for name in one.get("properties", {})
    }
    parameters = {
        one["name"]
        for path in schema["paths"].values()
        for operation in path.values()
        for one in operation.get("parameters", ())
    }
    assert not EXAMPLES.keys() - names - parameters


def test_page_and_schema_stand_in_the_readers_language(client: Client, schema: Any) -> None:
    korean = {"accept-language": "ko"}
    text = client.get("/api/docs", headers=korean).content.decode()
    assert '<html lang="ko"' in text
    assert "모델을 제출합니다" in text
    assert "<code>read</code> - 읽기" in text
    assert "* `" not in text
    assert "Submit a model" not in text
    said = client.get("/api/v2/schema?format=json", headers=korean).json()
    told = list(descriptions(said))
    assert len(told) > 200
    untranslated = {one for one in told if not HANGUL.search(one)}
    assert untranslated <= {"* `cpu` - CPU\n* `cuda` - NVIDIA GPU"}
    # Names, types and choices are for programs: they are the same in each language.
    assert without_words(said) == without_words(schema)


def without_words(part: Any) -> Any:
    """A part of the schema without titles and descriptions, and without the hash of choices."""
    if isinstance(part, list):
        return [without_words(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: without_words(one)
        for name, one in part.items()
        if name != "x-spec-enum-id"
        and (name not in ("title", "description") or isinstance(one, dict))
    }


def descriptions(part: Any) -> Iterator[str]:
    for name, one in part.items() if isinstance(part, dict) else enumerate(part):
        if name == "description" and isinstance(one, str):
            yield from [one] if one else []
        elif isinstance(one, dict | list):
            yield from descriptions(one)
