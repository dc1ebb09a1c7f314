"""`featherweight login` without a token: a code, a page to confirm it, and one token for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from leaderboard.models import ApiToken, Device, User
from leaderboard.services import devices, tokens
from leaderboard.throttling import BeginThrottle
from tests.leaderboard.api.conftest import API
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def begin(**sent: Any) -> Any:
    return APIClient().post(f"{API}/device", {"name": "laptop", **sent}).json()


def ask(begun: Any) -> Any:
    sent = {"device_code": begun["device_code"]}
    return APIClient().post(f"{API}/device/token", sent)


@pytest.mark.django_db(transaction=True)
def test_from_the_command_to_its_token(
    live_server: LiveServer, owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "INTERVAL", timedelta(seconds=1))
    words = ("login", "--url", live_server.url, "--scope", "submit", "--json")
    command = subprocess.Popen(
        [sys.executable, "-m", "leaderboard.cli", *words],
        env={"HOME": str(tmp_path), "COLUMNS": "200", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr
    told = command.stderr.readline()
    found = re.search(r"[A-Z]{4}-[A-Z]{4}", told)
    assert found, told
    page = f"/device/?code={found[0]}"
    assert f"{live_server.url}/device/" in told
    assert Client().get(page).headers["Location"].startswith("/accounts/login/?next=/device/")
    browser = browser_of(owner)
    assert found[0] in text(browser.get(page))
    asked = text(browser.post("/device/", {"code": found[0].lower()}))
    assert "asks for permission to act for you, owner" in asked
    done = browser.post("/device/", {"code": found[0], "act": "confirm"}, follow=True)
    assert "is signed in" in text(done)
    out, _ = command.communicate(timeout=30)
    assert command.returncode == 0
    assert json.loads(out)["username"] == "owner"
    made = ApiToken.objects.get()
    assert (made.user, made.scope) == (owner, "submit")
    assert not Device.objects.exists()


def test_it_is_asked_slowly_and_gives_its_token_once(owner: User) -> None:
    begun = begin()
    assert (begun["interval"], begun["expires_in"]) == (5, 600)
    answers = [ask(begun) for _ in range(2)]
    assert [one.status_code for one in answers] == [400, 400]
    assert [one.json()["code"] for one in answers] == ["authorization_pending", "slow_down"]
    devices.confirm(code=begun["user_code"], by=owner)
    pending = text(browser_of(owner).get("/profile/"))
    assert "appears here as soon as the command has fetched it" in pending
    assert "You have no token yet" not in pending
    got = ask(begun).json()
    assert "appears here as soon as" not in text(browser_of(owner).get("/profile/"))
    assert got["scope"] == "manage"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {got['token']}")
    assert client.get(f"{API}/me").json()["username"] == "owner"
    assert ask(begun).json()["code"] == "expired_device_code"


def test_a_refused_an_old_and_an_unknown_code_give_none(owner: User, outsider: User) -> None:
    refused, old, late = begin(), begin(), begin()
    browser = browser_of(owner)
    browser.post("/device/", {"code": refused["user_code"], "act": "refuse"})
    answer = ask(refused)
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")
    Device.objects.filter(code=old["user_code"].replace("-", "")).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    for code in (old["user_code"], refused["user_code"], "BCDF-BCDF", "?"):
        for act in ("", "confirm"):
            page = browser.post("/device/", {"code": code, "act": act})
            assert page.status_code == 404
            assert "No command waits with this code" in text(page)
    assert ask(old).json()["code"] == "expired_device_code"
    # The first decision counts.
    devices.confirm(code=late["user_code"], by=owner)
    page = browser_of(outsider).post("/device/", {"code": late["user_code"], "act": "confirm"})
    assert page.status_code == 404
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert ask(late).json()["code"] == "expired_device_code"
    assert not ApiToken.objects.exists()


def test_another_password_ends_what_a_command_is_about_to_get(owner: User) -> None:
    begun = begin()
    devices.confirm(code=begun["user_code"], by=owner)
    tokens.revoke_all(owner, by=owner)
    assert ask(begun).json()["code"] == "expired_device_code"
    assert not ApiToken.objects.exists()


def test_a_person_with_too_many_tokens_is_told_before(owner: User) -> None:
    for number in range(tokens.MOST_TOKENS):
        tokens.issue(user=owner, name=f"CI {number}")
    sent = {"code": begin()["user_code"], "act": "confirm"}
    page = browser_of(owner).post("/device/", sent, headers={"referer": "/profile/"}, follow=True)
    assert "Revoke one first" in text(page)


def test_an_address_begins_so_many_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BeginThrottle, "rate", "2/min")
    cache.clear()
    client = APIClient()
    # A visitor may write anything into this header. It must not count.
    answers = [
        client.post(
            f"{API}/device", {"name": "x"}, headers={"x-forwarded-for": f"192.0.2.{number}"}
        )
        for number in range(3)
    ]
    assert [one.status_code for one in answers] == [201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert client.post(f"{API}/device", {"name": "x", "scope": "all"}).status_code in (400, 429)
