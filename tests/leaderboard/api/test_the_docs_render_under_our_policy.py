"""Swagger UI in a real browser, under the site's Content-Security-Policy as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path("/usr/bin/chromium")


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")
@pytest.mark.django_db(transaction=True)
def test_the_docs_render_and_the_browser_has_no_complaint(live_server: LiveServer) -> None:
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        answer = page.goto(f"{live_server.url}/api/docs")
        assert answer
        assert "unsafe" not in answer.headers["content-security-policy"]
        page.locator(".opblock-post").first.click()
        page.get_by_text("Idempotency-Key").first.wait_for()
        browser.close()
    assert not complaints
