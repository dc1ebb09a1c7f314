"""Each page in English and in Korean, and what decides the language."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions, queueing, recording, running, submissions, teams
from scoring.sentences import say
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web.conftest import text
from tests.leaderboard.web.test_a_page_shows_how_time_was_measured import measured
from tests.leaderboard.web.test_every_page_renders import ENTRANCE, MEMBERS, PUBLIC

KOREAN = {"accept-language": "ko-KR,ko;q=0.9,en;q=0.5"}
ENGLISH_RUN = re.compile(r"[A-Za-z’']+(?:[ ,;:]+[A-Za-z’']+){3,}")
"""Four English words in a row: a sentence, or a part of one."""
QUIET = {"code", "pre", "script", "style", "time", "title"}
"""Elements whose text is no sentence of the site."""
OF_PEOPLE = ("Sort the waste", "Waste", "Mean of the classes", "The CPU clock disagrees")
"""What the cast wrote, and a finding that no engine writes."""


class Words(HTMLParser):
    """Text and labels of a page, apart from what is quoted."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in QUIET:
            self.open.append(tag)
        self.found += [value for name, value in attrs if value and is_label(name)]

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.found.append(data)


def is_label(name: str) -> bool:
    return name in ("aria-label", "alt", "placeholder", "data-spoken", "data-copied")


def english(page: Answer) -> list[str]:
    words = Words()
    words.feed(page.content.decode())
    runs = [run for one in words.found for run in ENGLISH_RUN.findall(one)]
    return [run for run in runs if not run.startswith(OF_PEOPLE)]


@pytest.fixture
def everything(
    submit: Callable[..., Submission], scored: Any, team: Team, rivals: Team, owner: User
) -> dict[str, str]:
    """Addresses of submissions in every state, and of what belongs to them."""
    scored(rivals, 1)
    done, failed, broken, cancelled = (submit(team, seed) for seed in (2, 3, 4, 5))
    finish(done.latest_evaluation, measured())
    finish(failed.latest_evaluation, failure())
    for _ in range(3):
        claimed = running.claim(broken.latest_evaluation.profile)
        recording.give_back(claimed, code="internal", said=say("a broken disk"))
    submissions.withdraw(submission=cancelled, by=owner)
    active = submit(team, 6)
    running.claim(active.latest_evaluation.profile)
    waiting = submit(team, 7)
    code = teams.invite(team=team, by=owner).code
    found = {
        name: one.get_absolute_url()
        for name, one in {
            "scored": done,
            "failed": failed,
            "error": broken,
            "cancelled": cancelled,
            "running": active,
            "queued": waiting,
        }.items()
    }
    found["measurement"] = f"/evaluations/{done.evaluation.pk}/measurement/"
    found["unmeasured"] = f"/evaluations/{waiting.latest_evaluation.pk}/measurement/"
    found["invitation"] = f"/invitations/{code}/"
    return found


def check(page: Answer, where: str) -> list[str]:
    """The words of a page that should be Korean and are not."""
    assert page.status_code in (200, 404), where
    assert '<html lang="ko">' in text(page), where
    assert page["Content-Language"] == "ko", where
    return [f"{where}: {run}" for run in english(page)]


def test_no_english_is_left_on_a_korean_page(
    see: Any, everything: dict[str, str], owner: User, organizer: User, outsider: User
) -> None:
    found = []
    urls = {
        None: [*PUBLIC, *ENTRANCE, "/nothing/", everything["invitation"]],
        owner: [*MEMBERS, "/competitions/waste/boards/private/", *everything.values()],
        organizer: [everything["measurement"], everything["scored"], "/competitions/waste/"],
        outsider: ["/competitions/waste/team/", "/competitions/waste/submit/", "/profile/"],
    }
    for person, pages in urls.items():
        for url in pages:
            found += check(see(person, url, headers=KOREAN), f"{person} {url}")
    assert not found, "\n".join(found)


def test_no_english_is_left_once_a_competition_is_over(
    see: Any, scored: Any, team: Team, owner: User, organizer: User, competition: Competition
) -> None:
    scored(team, 1)
    found = []
    competitions.pause(competition=competition, by=organizer, message="")
    found += check(see(owner, "/competitions/waste/submit/", headers=KOREAN), "paused")
    competitions.close(competition=competition, by=organizer)
    found += check(see(owner, "/competitions/waste/submit/", headers=KOREAN), "closed")
    competitions.publish(competition=competition, by=organizer)
    for url in ("boards/private/", "submissions/", "team/"):
        found += check(see(owner, f"/competitions/waste/{url}", headers=KOREAN), url)
    assert not found, "\n".join(found)


def test_a_board_is_kept_in_each_language(see: Any, scored: Any, rivals: Team, team: Team) -> None:
    scored(rivals, 1)
    scored(team, 2)
    url = "/competitions/waste/boards/public/"
    assert ">tied</span>" in text(see(None, url))
    assert "오차 범위 내</span>" in text(see(None, url, headers=KOREAN))
    assert ">tied</span>" in text(see(None, url))


def test_who_decides_the_language(browser: Any, owner: User) -> None:
    """The order is: the setting of the person, the cookie, the browser, English."""
    client: Client = browser(owner)

    def shown(**headers: str) -> str:
        page = client.get("/", headers=headers)
        assert "Accept-Language" in page["Vary"]
        return str(page["Content-Language"])

    assert shown() == "en"
    assert shown(**KOREAN) == "ko"
    assert shown(**{"accept-language": "fr"}) == "en"
    client.post("/language/", {"language": "en", "next": "/"})
    assert User.objects.get(pk=owner.pk).language == "en"
    assert shown(**KOREAN) == "en"
    client.cookies[site.LANGUAGE_COOKIE_NAME] = "ko"
    assert shown() == "en"
    client.post("/language/", {"language": "", "next": "/"})
    assert User.objects.get(pk=owner.pk).language == ""
    assert shown(**KOREAN) == "ko"


def test_a_visitor_switches_and_returns(browser: Any, competition: Competition) -> None:
    client: Client = browser(None)
    page = client.get("/competitions/waste/")
    assert 'value="ko" lang="ko">한국어' in text(page)
    back = client.post("/language/", {"language": "ko", "next": "/competitions/waste/"})
    assert back["Location"] == "/competitions/waste/"
    assert '<html lang="ko">' in text(client.get("/competitions/waste/"))
    away = client.post("/language/", {"language": "ko", "next": "https://example.com/"})
    assert "example.com" not in away["Location"]


def test_a_language_that_is_not_there_is_refused(browser: Any, owner: User) -> None:
    client: Client = browser(owner)
    client.post("/language/", {"language": "xx", "next": "/"})
    assert User.objects.get(pk=owner.pk).language == ""


def test_dates_are_written_as_the_language_does(see: Any, owner: User, team: Team) -> None:
    url = "/competitions/waste/submit/"
    assert re.search(r"\d{4}년 \d+월 \d+일 00:00", text(see(owner, url, headers=KOREAN)))
    assert re.search(r"\d+ [A-Z][a-z]{2} \d{4}, 00:00", text(see(owner, url)))


def test_an_old_measurement_is_explained_in_korean(
    see: Any, submit: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, measured())
    queueing.evaluate_again(submission=submission, by=organizer)
    page = see(owner, submission.get_absolute_url(), headers=KOREAN)
    assert "주최자가 재측정을 요청했습니다." in text(page)
    assert not english(page)
