"""Requests made from the published OpenAPI schema: nothing breaks, and the schema names each
answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from leaderboard.models import Submission, Team, User
from leaderboard.services import tokens
from tests.leaderboard.api.conftest import API

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@schemathesis.serializer("application/offset+octet-stream")
def part_of_a_file(context: Any, value: Any) -> bytes:
    """The bytes of a part of an upload."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def api(live_server: LiveServer, team: Team, scored: Callable[..., Submission]) -> Any:
    scored(team)
    return schemathesis.openapi.from_url(f"{live_server.url}{API}/schema")


schema = schemathesis.pytest.from_fixture("api")


@pytest.mark.django_db(transaction=True)
@schema.parametrize()
@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_are_answered_as_described(case: Any, secret: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Token {secret}"}, checks=CHECKS)


@pytest.fixture
def secret(owner: User) -> str:
    return tokens.issue(user=owner, name="generated")[1]


@pytest.mark.django_db
def test_the_schema_names_what_a_client_needs() -> None:
    shown = APIClient().get(f"{API}/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    body = shown.json()
    submit = body["paths"][f"{API}/competitions/{{slug}}/submissions"]["post"]
    assert list(submit["requestBody"]["content"]) == ["multipart/form-data"]
    assert "default" not in submit["responses"]  # it would allow any status
    assert {"200", "201", "400", "401", "403", "409", "413", "429", "503"} < set(
        submit["responses"]
    )
    assert [one["name"] for one in submit["parameters"]] == ["Idempotency-Key", "slug"]
    assert body["components"]["securitySchemes"]["token"]["in"] == "header"
