"""Requests made from the published OpenAPI schema: nothing breaks, and the schema names each
answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.core import signals
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from leaderboard.models import Submission, Team, User
from leaderboard.services import telling, tokens
from leaderboard.throttling import WriteThrottle
from leaderboard.wsgi import application
from tests import sweep
from tests.leaderboard.api.conftest import API, ask, rows_of

PEOPLE = ("owner", "organizer", "nobody")
PLURALS = {"teams": "team", "submissions": "submission", "trials": "trial", "notices": "notice"}
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
def api(team: Team, scored: Callable[..., Submission], owner: User) -> Any:
    """The API in this process. Half of the names in an address are those of rows of the team."""
    submission = scored(team)
    telling.go_on(seconds=60)
    rows = rows_of(submission, owner)
    rows |= {"slug": "waste", "board": "public", "format": "csv", "kind": "teams", "form": "json"}
    rows["baseline"] = 1  # of a competition without models of its organizers
    rows |= {"key": rows["upload"], "token_key": rows["token"], "username": rows["member"]}
    found = schemathesis.openapi.from_wsgi(f"{API}/schema", application)

    def real(name: str, path: str) -> str:
        noun = next((one for one in path.split("/") if one in PLURALS), "")
        return str(rows[PLURALS[noun] if name == "id" else name.removesuffix("_pk")])

    @found.hook
    def map_path_parameters(
        context: Any, path_parameters: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        if path_parameters is None:
            return None
        path = context.operation.path
        return {
            name: real(name, path) if crc32(f"{name} {path_parameters}".encode()) % 2 else value
            for name, value in path_parameters.items()
        }

    return found


schema = schemathesis.pytest.from_fixture("api")


@pytest.fixture(autouse=True)
def as_many_as_wanted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Very many changes and refusals are expected, and each is taken back."""
    monkeypatch.setattr(WriteThrottle, "rate", "1000000/min")
    logging.disable(logging.CRITICAL)
    ends = (signals.request_started, signals.request_finished)
    for one in ends:  # as Django's own test client: the test's transaction stays open
        one.disconnect(close_old_connections)
    yield
    for one in ends:
        one.connect(close_old_connections)
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@schema.parametrize()
@settings(
    max_examples=sweep.EXAMPLES or 2,
    derandomize=not sweep.IS_WHOLE,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_are_answered_as_described(
    case: Any, headers: dict[str, str], team: Team
) -> None:
    with transaction.atomic():
        if "verification" in case.operation.path:
            ask(team)
        case.call_and_validate(headers=headers, checks=CHECKS)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True, params=PEOPLE if sweep.IS_WHOLE else PEOPLE[:1])
def who(request: pytest.FixtureRequest) -> str:
    """Whose token is sent. The fixture stands for each test, as the schema's takes no parameter."""
    return str(request.param)


@pytest.fixture
def headers(who: str, owner: User, organizer: User) -> dict[str, str]:
    people = {"owner": owner, "organizer": organizer}
    if who not in people:
        return {}
    return {"Authorization": f"Token {tokens.issue(user=people[who], name='generated')[1]}"}


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
