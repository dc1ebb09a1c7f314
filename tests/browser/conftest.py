"""A real Chromium before a running site, with the cast of tests/leaderboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from leaderboard.models import User
from tests.leaderboard.conftest import (
    competition,
    dataset,
    draft,
    organizer,
    outsider,
    own_files,
    owner,
    profile,
    rival,
    rivals,
    scored,
    submit,
    team,
    teammate,
)

__all__ = [
    "competition",
    "dataset",
    "draft",
    "organizer",
    "outsider",
    "own_files",
    "owner",
    "profile",
    "rival",
    "rivals",
    "scored",
    "submit",
    "team",
    "teammate",
]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",  # root, as in a container, has none
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for this folder. Its event loop is closed before other tests run."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread, which Django takes for an async view.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield browser
            browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said in a test: errors of scripts, refusals of the CSP."""
    return []


@pytest.fixture
def page_of(
    chromium: Browser, live_server: Any, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """`page_of(owner, width=390)`: a browser in which this person is signed in. It asks for pages
    in `language`."""
    contexts: list[BrowserContext] = []

    def open_page(
        person: User | None = None,
        width: int = 1280,
        theme: Literal["light", "dark"] = "light",
        language: str = "en",
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            base_url=live_server.url,
            color_scheme=theme,
            locale=language,
        )
        contexts.append(context)
        if person:
            client = Client()
            client.force_login(person, "django.contrib.auth.backends.ModelBackend")
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]
            )
        page = context.new_page()
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
