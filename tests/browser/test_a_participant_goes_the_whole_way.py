"""From the form of a new account to the publication, at a telephone and then at a desk.

The first half is in Korean at 390 pixels, the second one in English at 1280. Reports are invented;
a server on this machine receives the webhook.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from leaderboard import tasks
from leaderboard.models import Competition, Submission, User
from leaderboard.services import competitions
from tests.leaderboard.conftest import finish, report
from tests.leaderboard.test_webhooks_call_addresses_of_a_team import Receiver, receiver

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db(transaction=True)
SITE = "/competitions/waste/"


def post() -> None:
    """What the post does in a process of its own: an event loop of Playwright runs in this one."""

    def act() -> None:
        tasks.post()
        connection.close()

    with ThreadPoolExecutor(1) as beside:
        beside.submit(act).result()


def signed_up(page: Page) -> User:
    page.goto(f"{SITE}kit/")
    with page.expect_download() as download:
        page.get_by_role("link", name="키트 내려받기").click()
    assert download.value.suggested_filename == "waste-kit.zip"
    page.goto("/accounts/signup/?next=/competitions/waste/team/")
    for name, value in {"username": "ada", "email": "ada@uni.example"}.items():
        page.fill(f"input[name={name}]", value)
    page.fill("input[name=password1]", "a-long-passphrase")
    page.get_by_role("button", name="회원가입").click()
    page.get_by_role("button", name="ada 이름으로 혼자 참가").click()
    page.wait_for_url("**/waste/**")
    return User.objects.get(username="ada")


def listens(page: Page, receiver: Receiver) -> None:
    """Add a webhook of the team, which a server on this machine receives."""
    page.goto(f"{SITE}team/webhooks/")
    page.fill("input[name=address]", receiver.url)
    page.get_by_role("button", name="웹훅 추가").click()
    page.wait_for_selector("#new-secret")


def uploaded(page: Page, model: bytes, button: str, **figures: float) -> Submission:
    """Send a file by the form. Its page shows the score as soon as it is recorded."""
    page.goto(f"{SITE}submit/")
    file: Any = {"name": "tiny.pt", "mimeType": "application/octet-stream", "buffer": model}
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/submissions/*/")
    sent = Submission.objects.latest("pk")
    finish(sent.latest_evaluation, report(**figures))
    expect(page.locator("#verdict .score-figure, #verdict .num").first).to_be_visible()
    return sent


def test_a_person_signs_up_takes_part_and_sees_the_publication(
    page_of: Any,
    competition: Competition,
    organizer: User,
    receiver: Receiver,
    make_model: Any,
    complaints: list[str],
) -> None:
    page = page_of(width=390, theme="dark", language="ko")
    ada = signed_up(page)
    listens(page, receiver)
    first = uploaded(page, make_model(1), "업로드하고 평가하기", time_ratio=0.5)
    page.goto(f"{SITE}boards/public/")
    assert page.evaluate("document.documentElement.lang") == "ko"
    expect(page.locator(".board tr[aria-current=true]")).to_contain_text("ada")

    page = page_of(ada, width=1280)
    second = uploaded(page, make_model(2), "Upload and evaluate", time_ratio=0.4)
    page.reload()
    page.get_by_role("link", name="Compare with another submission").click()
    expect(page.locator(".comparison")).to_contain_text(f"#{first.pk}")
    post()
    page.reload()
    page.get_by_role("link", name="Notices").click()
    page.get_by_role("link", name=f"#{second.pk}").first.click()
    page.wait_for_url(f"**{second.get_absolute_url()}*")
    page.goto(f"{SITE}submissions/")
    page.get_by_role("checkbox", name=f"Select submission {first.pk}").check()
    page.get_by_role("button", name="Save the selection").click()
    expect(page.locator(f"#sent-{first.pk}")).to_contain_text("counts")
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    post()
    page.goto(SITE)
    page.goto(f"{SITE}boards/private/")
    expect(page.locator(".board tr[aria-current=true]")).to_contain_text("ada")
    told = [body["event"] for body in receiver.bodies()]
    assert sorted(set(told)) == ["published", "rank_changed", "scored"]
    assert told.count("scored") == 2
    assert not complaints
