"""A winner reads what is asked and hands it in, by the API and the command."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from leaderboard.models import Team, Verification
from tests.leaderboard.api.conftest import API, Run, ask

pytestmark = pytest.mark.django_db
ZIP = b"PK\x03\x04 an archive that nobody opens here"


def test_a_team_reads_hands_in_and_withdraws(client: APIClient, team: Team) -> None:
    address = f"{API}/teams/{team.pk}/verification"

    def send(**fields: Any) -> tuple[int, str]:
        answer = client.post(address, fields)
        return answer.status_code, answer.json().get("code", "")

    assert client.get(address).json()["code"] == "no_verification"
    assert send(link="https://git.example") == (404, "no_verification")
    ask(team)
    found = client.get(address).json()
    assert (found["state"], found["wish"], found["takes_files"]) == ("asked", "Code", True)
    assert "rank" not in found  # of the private board, which may not be published
    assert send() == (400, "nothing_sent")
    assert send(link="http://git.example") == (400, "bad_link")
    assert send(file=SimpleUploadedFile("a.sh", b"#!/bin/sh")) == (400, "not_zip_or_pdf")
    sent = SimpleUploadedFile("../code.zip", ZIP)
    assert send(file=sent, link="https://git.example", note="Try it.") == (200, "")
    found = client.get(address).json()
    assert (found["file_name"], found["size_bytes"]) == ("code.zip", len(ZIP))
    assert (found["link"], found["note"]) == ("https://git.example", "Try it.")
    assert client.post(f"{address}/withdraw").json()["state"] == "withdrawn"
    assert client.post(f"{address}/withdraw").json()["code"] == "wrong_verification_state"
    assert send(link="https://git.example") == (409, "verification_over")


def test_a_file_that_comes_too_late_is_not_read(client: APIClient, team: Team) -> None:
    ask(team)
    Verification.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    size = {"X-Unsent-Body": "1000000"}
    address = f"{API}/teams/{team.pk}/verification"
    assert client.post(address, headers=size).json()["code"] == "verification_over"
    Verification.objects.update(due_at=timezone.now() + timedelta(days=1))
    assert client.post(address, headers=size).status_code == 204
    large = {"X-Unsent-Body": "300000000"}
    assert client.post(address, headers=large).json()["code"] == "too_large"


@pytest.mark.django_db(transaction=True)
def test_the_command_hands_in(team: Team, run: Run, tmp_path: Path) -> None:
    line = ("team", "verification", "-c", "waste")
    assert "no_verification" in run(*line).stderr
    ask(team)
    assert "State: asked." in run(*line).stdout
    (tmp_path / "code.zip").write_bytes(ZIP)
    told = run(*line, "--file", tmp_path / "code.zip", "--note", "Try it.")
    assert "State: handed in." in told.stdout, told.stderr
    assert "File: code.zip" in told.stdout
    assert run(*line, "--note", "Alone").returncode == 2
    assert run(*line, "--withdraw", "--link", "https://git.example").returncode == 2
    assert "State: withdrawn by the team." in run(*line, "--withdraw", "--yes").stdout
