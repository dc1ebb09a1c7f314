"""Sign-ins are limited by the address of the visitor, not by the address of the proxy."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.test import Client

TOO_MANY = 429


def fail(client: Client, visitor: str, name: str) -> int:
    sent = {"login": name, "password": "wrong"}
    how = {
        "x-forwarded-for": f"6.6.6.6, {visitor}"
    }  # the visitor may have invented the first address
    return client.post("/accounts/login/", sent, headers=how).status_code


def test_one_who_guesses_passwords_keeps_nobody_else_out(
    db: None, client: Client, settings: Any
) -> None:
    cache.clear()
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    guesses = [fail(client, "192.0.2.1", f"name{number}") for number in range(40)]
    assert TOO_MANY in guesses
    assert fail(client, "192.0.2.2", "somebody") == 200
    cache.clear()
