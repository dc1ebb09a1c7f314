"""Swagger UI in a real browser, under the site's Content-Security-Policy as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page


@pytest.mark.django_db(transaction=True)
def test_the_docs_render_and_the_browser_has_no_complaint(
    page_of: Callable[..., Page], complaints: list[str]
) -> None:
    page = page_of()
    page.on("requestfailed", lambda request: complaints.append(request.url))
    answer = page.goto("/api/docs")
    assert answer
    assert "unsafe" not in answer.headers["content-security-policy"]
    page.locator(".opblock-post").first.click()
    page.get_by_text("Idempotency-Key").first.wait_for()
    assert not complaints
