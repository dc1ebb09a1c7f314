"""The page of the API is made from the description that programs read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from leaderboard.api import documentation
from leaderboard.api.examples import EXAMPLES

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


def test_the_page_stands_in_the_readers_language(client: Client) -> None:
    text = client.get("/api/docs", headers={"accept-language": "ko"}).content.decode()
    assert '<html lang="ko"' in text
