"""A blind competition: until the publication only the organizers learn a score.

This holds for every address, file, notice and call. What is shown does not depend on the figures at
all.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leaderboard.cli import submissions as cli
from leaderboard.errors import NotFound
from leaderboard.models import Competition, Delivery, Entry, Submission, Team, User
from leaderboard.services import (
    accounts,
    competitions,
    notice_words,
    notices,
    placing,
    rankings,
    sweeping,
    telling,
    webhooks,
)
from leaderboard.services.webhooks import Event
from tests.leaderboard.api import test_who_may_do_what as api
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web import test_who_may_see_which_page as web
from tests.leaderboard.web.conftest import text

FIGURES = {"quality_public": 0.7531, "quality_private": 0.6917, "time_ratio": 0.4567}
OTHERS = {"quality_public": 0.8264, "quality_private": 0.5839, "time_ratio": 0.3678}
SHOWN = {200, 286, "200"}
PAGES = [url for url, who in web.WHO_MAY_SEE if SHOWN & {*who}]
CALLS = [path for method, path, *who in api.ROWS if method == "GET" and SHOWN & {*who}]
LEFT_OUT = (".zip", "/kit", "/profile/", "/tokens")
"""Files that hold no score, and pages that tell when a token was last used."""
CHANGING = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]*"|csrf-token" content="\w+"'
    r"|\d+ h( \d+ min)?"
)
"""Parts that differ in each answer, and the time until the next day."""


@pytest.fixture
def blind(competition: Competition) -> Competition:
    Competition.objects.update(is_blind=True)
    competition.refresh_from_db()
    return competition


@pytest.fixture
def sent(
    blind: Competition, team: Team, rivals: Team, scored: Callable[..., Submission]
) -> Submission:
    """The rivals' model leads; the team has a worse one and a better one."""
    scored(rivals, seed=1, **OTHERS)
    scored(team, seed=2, quality_public=0.7129, quality_private=0.6543, time_ratio=0.8765)
    return scored(team, seed=3, **FIGURES)


def digits(submission: Submission) -> set[str]:
    """All texts that could tell a figure of a submission: with 4 decimals, and in milliseconds."""
    one = submission.evaluation
    values = [
        *(one.score_public, one.score_private, one.quality_public, one.quality_private),
        *(one.time_ratio, 10 * one.time_ratio, one.submission_seconds * 1000),
    ]
    return {f"{value:.4f}" for value in values}


def addresses(sent: Submission) -> Iterator[str]:
    names: dict[str, Any] = defaultdict(lambda: 1)  # what no row has, or any row
    names |= {"submission": sent.pk, "evaluation": sent.evaluation.pk, "team": sent.team_id}
    names |= {"calibration": sent.competition.calibration_id, "code": "c", "subscription": "s"}
    names |= {"token": "t", "member": "m"}
    first = sent.team.submissions.order_by("pk").first()
    assert first
    yield from (url.format_map(names) for url in PAGES)
    yield from (API + path.format_map(names) for path in CALLS)
    yield f"/submissions/{sent.pk}/compare/?to={first.pk}"
    yield "/competitions/waste/race/?as_of=2030-01-01T00:00&by=score"
    yield "/competitions/waste/scoring/?quality=0.75&ratio=0.5"
    yield "/competitions/waste/boards/public/?sort=quality"
    yield "/competitions/waste/submissions/?state=scored"


@dataclass(frozen=True)
class Reader:
    """A person's browser, and a program with the person's token."""

    browser: Client
    program: Any

    def get(self, url: str) -> str:
        """Status, headers and body of an address, without what each answer has of its own."""
        answer = (self.program if url.startswith(API) else self.browser).get(url)
        told = [answer.headers.get(one) for one in ("ETag", "Last-Modified", "Location")]
        body = answer.getvalue().decode("latin-1")
        return CHANGING.sub("", f"{answer.status_code} {told} {body}")


def bodies(sent: Submission, readers: dict[str, Reader]) -> dict[tuple[str, str], str]:
    """What each address answers to each reader."""
    urls = [url for url in addresses(sent) if not url.endswith(LEFT_OUT)]
    return {(name, url): one.get(url) for name, one in readers.items() for url in urls}


def reader(person: User | None) -> Reader:
    browser = Client()
    if person:
        browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return Reader(browser, client_of(person))


@pytest.fixture
def readers(rival: User, owner: User) -> dict[str, Reader]:
    people = {"nobody": None, "rival": rival, "member": owner}
    return {name: reader(person) for name, person in people.items()}


def test_no_address_depends_on_a_figure_for_anybody_but_organizers(
    sent: Submission, readers: dict[str, Reader], organizer: User
) -> None:
    before = bodies(sent, readers)
    secrets = {figure for one in Submission.objects.all() for figure in digits(one)}
    leaks = [(key, one) for key, body in before.items() for one in secrets if one in body]
    assert leaks == []
    page = before["member", f"/submissions/{sent.pk}/"]
    assert "Your model was checked and measured, and it counts." in " ".join(page.split())
    for evaluation in (one.evaluation for one in sent.team.submissions.all()):
        figures = {
            "score_public": evaluation.score_public / 3,
            "score_private": evaluation.score_private / 3,
            "quality_public": 0.9 * evaluation.quality_public,
            "time_ratio": evaluation.time_ratio / 4,
            "half_width": 0.02,
            "f1_by_class": {"Metal": 0.1},
        }
        type(evaluation).objects.filter(pk=evaluation.pk).update(**figures)
    rank = {one.team_id: one.score for one in Entry.objects.all()}
    placing.place(sent.team)
    assert {one.team_id: one.score for one in Entry.objects.all()} != rank
    after = bodies(sent, readers)
    assert [key for key in before if before[key] != after[key]] == []
    # Organizers see all figures, on the page and in the panel.
    see = reader(organizer).browser
    score = f"{Submission.objects.get(pk=sent.pk).evaluation.score_public:.4f}"
    panel = reverse("admin:leaderboard_submission_change", args=[sent.pk])
    for url in (f"/submissions/{sent.pk}/", panel):
        assert score in text(see.get(url)), url
    result = reverse("admin:leaderboard_competition_result", args=[sent.competition_id])
    assert "Sorters" in text(see.get(result))


def test_notices_calls_and_copies_tell_no_figure(
    blind: Competition, team: Team, rivals: Team, scored: Any, submit: Any, owner: User, rival: User
) -> None:
    webhooks.add(team=team, url="https://hook.example", events=[*Event.values], by=owner)
    webhooks.add(team=rivals, url="https://rival.example", events=[*Event.values], by=rival)
    scored(rivals, seed=1, **OTHERS)
    sent = scored(team, seed=2, **{**FIGURES, "time_ratio": 0.1234})  # it overtakes the rivals
    failed = submit(team, seed=3)
    finish(failed.latest_evaluation, failure())
    telling.go_on(seconds=60)
    words = [notice_words.said(one) for who in (owner, rival) for one in notices.of(who)]
    assert sorted(one.kind for one in notices.of(owner)) == ["failed", "scored"]
    assert [one.kind for one in notices.of(rival)] == ["scored"]  # and nothing of an overtaking
    calls = [(one.event, one.body) for one in Delivery.objects.order_by("pk")]
    assert [event for event, _ in calls] == ["scored", "scored", "failed"]
    assert any("wrong_output" in body for _, body in calls)
    packed = zipfile.ZipFile(io.BytesIO(b"".join(accounts.copy(owner))))
    copied = [packed.read(name).decode("latin-1") for name in packed.namelist() if "json" in name]
    for secret in digits(sent) | {"time_ratio", "quality", "rank"}:
        assert not [one for one in (*words, *calls, *copied) if secret in str(one)], secret
    told = client_of(owner).get(f"{API}/submissions/{sent.pk}").json()
    assert cli.words(told) == (
        f"#{sent.pk} measured, and it counts. The organizers publish the score later."
    )
    wanted = cli.Wanted(wait=True, max_score=0.5, no_worse=False)
    assert cli.missed(told, wanted) == "The score is hidden, so no limit can be checked."


def test_the_top_is_not_measured_again(sent: Submission) -> None:
    assert sweeping.measure_top_again(sent.competition) is None
    for board in Entry.Board.values:
        with pytest.raises(NotFound) as refusal:
            rankings.rows(sent.competition, board)
        assert refusal.value.code == "scores_hidden"


def test_everybody_is_told_and_both_boards_appear_at_the_publication(
    sent: Submission, owner: User, organizer: User
) -> None:
    blind = sent.competition
    member = Client()
    member.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    for page in ("", "rules/", "scoring/", "submit/"):
        assert "This competition is blind." in text(member.get(f"/competitions/waste/{page}")), page
    for board in ("public", "private"):
        page = text(Client().get(f"/competitions/waste/boards/{board}/"))
        assert "The scores are hidden until the publication" in page
    competitions.close(competition=blind, by=organizer)
    assert "Scores are hidden until the publication." in text(Client().get("/"))
    competitions.publish(competition=blind, by=organizer)
    sent = Submission.objects.get(pk=sent.pk)
    score = f"{sent.evaluation.score_public:.4f}"
    for url in ("/competitions/waste/boards/public/", f"/submissions/{sent.pk}/"):
        assert score in text(member.get(url)), url
    assert "Sorters" in text(Client().get("/competitions/waste/boards/private/"))
    assert "This competition is blind." not in text(member.get("/competitions/waste/"))


def test_nobody_learns_which_teams_are_on_the_board(sent: Submission, owner: User) -> None:
    team = f"/competitions/waste/teams/{sent.team_id}/"
    asked = [team, f"{team}badge.svg", f"{team}card.png"]
    assert [Client().get(url).status_code for url in asked] == [404, 404, 404]
    member = Client()
    member.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert member.get(team).status_code == 200


def test_it_is_fixed_once_the_competition_has_opened(
    competition: Competition, organizer: User
) -> None:
    competition.is_blind = True
    with pytest.raises(Exception, match="fixed"):
        competitions.edit(competition=competition, by=organizer)
    assert {"is_blind", "counted"} <= competition.frozen_fields
