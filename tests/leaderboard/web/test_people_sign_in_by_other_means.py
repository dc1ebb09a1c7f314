"""Passkeys, accounts of other sites where they are configured, and a list of sessions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from leaderboard.models import User
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def test_buttons_stand_only_where_they_lead_somewhere(
    client: Client, owner: User, browser: Any, settings: Any
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {}
    page = text(client.get(LOGIN))
    assert "Continue with" not in page
    assert "passkey" in page
    assert "Other accounts" not in text(browser(owner).get("/profile/"))
    assert client.get("/accounts/github/login/").status_code == 404
    app = {"client_id": "our-id", "secret": "our-secret"}
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [app]}}
    page = text(client.get(LOGIN))
    assert "Continue with GitHub" in page
    assert "Google" not in page
    assert "our-secret" not in page
    there = client.post("/accounts/github/login/").headers["Location"]
    assert there.startswith("https://github.com/login/oauth/authorize?")
    assert "client_id=our-id" in there
    connections = text(browser(owner).get("/accounts/3rdparty/"))
    assert "<h1" in connections
    assert "Continue with GitHub" in connections


def test_a_passkey_is_added_after_the_password(client: Client, owner: User) -> None:
    client.post(LOGIN, {"login": "owner", "password": "a-long-passphrase"})
    client.post("/accounts/reauthenticate/", {"password": "a-long-passphrase"})
    page = text(client.get("/accounts/2fa/webauthn/add/"))
    assert re.search(r"<script[^>]* src=\"/static/mfa/js/webauthn[^\"]*\"", page)
    assert "passwordless" in page.lower()
    assert "only at an https address with a domain name" in page, "what passkeys.js shows"


def test_without_mail_no_confirmation_is_offered_or_said_to_be_sent(
    browser: Any, owner: User, settings: Any
) -> None:
    client, where = browser(owner), "/accounts/email/"
    settings.EMAIL_URL = "smtp://mail.example.org"
    page = text(client.get(where))
    assert 'name="action_send"' in page
    assert "sends no mail" not in page
    settings.EMAIL_URL = ""
    page = text(client.get(where))
    assert 'name="action_send"' not in page
    assert "This site sends no mail." in page
    sent = {"email": "second@example.org", "action_add": ""}
    page = text(client.post(where, sent, follow=True))
    assert "second@example.org" in page
    assert "so addresses are not confirmed" in page
    assert "sent to" not in page


def test_other_sessions_are_listed_and_ended(owner: User) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sent = {"login": "owner", "password": "a-long-passphrase"}
        client.post(LOGIN, sent, headers={"user-agent": "Fox 7"})
    page = text(here.get("/accounts/sessions/"))
    assert page.count("Fox 7") == 2
    korean = text(here.get("/accounts/sessions/", headers={"accept-language": "ko"}))
    assert "시작 시각" in korean
    assert "시작 시작" not in korean
    here.post("/accounts/sessions/")
    assert here.get("/profile/").status_code == 200
    assert there.get("/profile/").status_code == 302
