"""Browsers of the cast: `see(owner, url)` is a page as that person gets it."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from leaderboard.models import User
from tests.leaderboard.answers import Answer


@pytest.fixture
def browser() -> Callable[..., Client]:
    def signed_in(person: User | None) -> Client:
        client = Client()
        if person:
            client.force_login(person, "django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


@pytest.fixture
def see(browser: Callable[..., Client]) -> Callable[..., Answer]:
    """GET an address as a person. None is a person who is not signed in."""

    def get(person: User | None, url: str, **how: Any) -> Answer:
        return browser(person).get(url, **how)

    return get


@pytest.fixture
def send(browser: Callable[..., Client]) -> Callable[..., Answer]:
    """POST a form as a person, and follow to the page that shows the result."""

    def post(person: User | None, url: str, follow: bool = True, **fields: Any) -> Answer:
        return browser(person).post(url, fields, follow=follow, headers={"referer": url})

    return post


def text(response: Answer) -> str:
    """The HTML of a page, with one space for any white space, as browsers show it."""
    return " ".join(unescape(response.content.decode()).split())
