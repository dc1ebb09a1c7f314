"""Clients of the REST API: anybody by a token of theirs, as a CI job comes."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import Resolver404, resolve
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from leaderboard.api.schema import generated
from leaderboard.models import (
    Competition,
    Evaluation,
    MergeOffer,
    Submission,
    Team,
    Trial,
    User,
    Verification,
)
from leaderboard.services import partial_uploads, teams, tokens, webhooks
from tests.leaderboard.answers import ApiAnswer
from tests.leaderboard.conftest import finish, person

API = "/api/v2"
Upload = Callable[..., ApiAnswer]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


class CheckingClient(APIClient):
    """A client that fails if a call answers an error that its description does not name."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        if answer.status_code >= 400 and (told := described_errors(answer, request)) is not None:
            found = (answer.status_code, answer.json()["code"])
            assert found in told, f"{request['REQUEST_METHOD']} {request['PATH_INFO']}: {found}"
        return answer


def described_errors(answer: Any, request: dict[str, Any]) -> set[tuple[int, str]] | None:
    """Status and code of each error that the description of a call names; None for no call."""
    try:
        route = resolve(request["PATH_INFO"]).route
    except Resolver404:
        return None
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{route}").replace("{pk}", "{id}")
    operation = schema()["paths"].get(path, {}).get(request["REQUEST_METHOD"].lower())
    if operation is None:
        return None
    return {
        (int(status), code)
        for status, one in operation["responses"].items()
        if int(status) >= 400
        for code in one["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"][
            "enum"
        ]
    }


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    return generated()


def client_of(user: User | None) -> APIClient:
    client = CheckingClient(raise_request_exception=False)
    if user:
        _, secret = tokens.issue(user=user, name="tests")
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def rows_of(submission: Submission, owner: User) -> dict[str, Any]:
    """What an address may name: rows of the team of a submission, and of its owner."""
    team, competition = submission.team, submission.competition
    token = owner.auth_token_set.first() or tokens.issue(user=owner, name="tests")[0]
    invitation = teams.invite(team=team, by=owner)
    hook = webhooks.add(team=team, url="https://hook.example", events=["scored"], by=owner)
    others = teams.create(competition=competition, name="Others", by=person("other"))
    offer = MergeOffer.objects.create(by_team=others, to_team=team, asked_by=owner)
    trial = Trial.objects.create(competition=competition, team=team, state="passed", size_bytes=1)
    upload = partial_uploads.begin(
        competition=competition, by=owner, size_bytes=9999, file_name="m", purpose="trial"
    )
    return {
        "submission": submission.pk,
        "team": team.pk,
        "member": "teammate",
        "token": token.token_key,
        "notice": owner.notices.get().pk,
        "invitation": invitation.pk,
        "code": invitation.code,
        "webhook": hook.pk,
        "delivery": webhooks.ping(webhook=hook, by=owner).pk,
        "offer": offer.pk,
        "track": "unknown",
        "trial": trial.pk,
        "upload": upload.key,
    }


def ask(team: Team) -> None:
    """Ask a team for its code, as a winner. It cannot merge any more, and its choice is fixed."""
    due_at = timezone.now() + timedelta(days=1)
    Verification.objects.create(
        competition=team.competition, team=team, rank=1, wish="Code", due_at=due_at
    )


@pytest.fixture
def anonymous() -> APIClient:
    return client_of(None)


@pytest.fixture
def client(owner: User) -> APIClient:
    """An API client of the owner."""
    return client_of(owner)


@pytest.fixture
def upload(client: APIClient, competition: Competition) -> Upload:
    """POST a file as the owner, or as `by`."""

    def post(data: bytes, *, by: User | None = None, key: str = "", note: str = "") -> ApiAnswer:
        return (client_of(by) if by else client).post(
            f"{API}/competitions/{competition.slug}/submissions",
            {"file": SimpleUploadedFile("model.pt", data), "note": note},
            headers={"Idempotency-Key": key} if key else {},
        )

    return post


@pytest.fixture
def worker() -> Iterator[Callable[[Any], None]]:
    """A worker elsewhere: it records a report for the next evaluation as soon as there is one."""
    threads = []
    is_over = threading.Event()

    def start(found: Any) -> None:
        def work() -> None:
            while not is_over.wait(0.05):
                if one := Evaluation.objects.filter(state="queued").first():
                    finish(one, found)
                    break
            connection.close()

        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    yield start
    is_over.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def run(live_server: LiveServer, owner: User, tmp_path: Path) -> Run:
    """Runs the command as the owner, configured by the environment."""
    _, secret = tokens.issue(user=owner, name="CI")
    account = {"FEATHERWEIGHT_URL": live_server.url, "FEATHERWEIGHT_TOKEN": secret}

    def command(*words: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "leaderboard.cli", *map(str, words)],
            env={"HOME": str(tmp_path), "COLUMNS": "200", **account, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return command


@pytest.fixture
def file(tmp_path: Path, model: bytes) -> Path:
    path = tmp_path / "small.pt"
    path.write_bytes(model)
    return path
