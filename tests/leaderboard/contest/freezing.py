"""From the freeze to the publication the public board stands still.

Nothing later can be learned from any answer.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from leaderboard.models import Delivery, Notice, Team
from leaderboard.services import ranges, telling, tokens
from tests.leaderboard.contest import comparing, recomputed, story
from tests.leaderboard.contest.members import API
from tests.leaderboard.contest.playing import Play

MOMENTS = (
    story.RESCORED - timedelta(days=2),
    story.FROZEN - timedelta(days=1),
    story.SELECTED,
)
LOOKED_AT = 4
"""Uploads after the freeze that their own team and another one look at."""


def nothing_new_is_told(play: Play) -> None:
    """After the end and the late uploads, before the publication."""
    ranges.renew_all()
    comparing.board_holds(play, "public")
    private = f"{API}/competitions/{play.competition.slug}/boards/private"
    assert APIClient().get(private).status_code == 404
    races_hold(play)
    later = [one for one in play.facts.sent if one.at >= story.FROZEN]
    assert len(later) > 50
    assert play.ranks != {row.team: row.rank for row in recomputed.board(thawed(play), "public")}
    for one in later[:LOOKED_AT]:
        team = play.teams[one.team]
        others = next(other for other in play.teams if other != team)
        address = f"{API}/submissions/{play.submissions[one.number]}"
        own = member(team).get(address).json()
        assert own["score"]["score"] == recomputed.score(one.model, "public", play.formula)
        assert member(others).get(address).status_code == 404
    telling.go_on(seconds=60)
    notices_hold(play)
    calls_hold(play)


def all_is_told(play: Play) -> None:
    """After the publication."""
    races_hold(play)
    before = dict(last_told())
    telling.go_on(seconds=60)
    ranks = {number: play.ranks[number] for number in play.called}
    assert last_told() == ranks != before


def thawed(play: Play) -> recomputed.Facts:
    return replace(play.facts, until=None)


def races_hold(play: Play) -> None:
    """Checks the board of moments before the rescore, before the freeze and after the freeze."""
    for at in MOMENTS:
        until = min(at, play.until) if play.until else at
        formula = story.FIRST if at < story.RESCORED else story.SECOND
        asked = {"as_of": (play.clock.opening + at).isoformat()}
        page = Client().get(f"{play.competition.get_absolute_url()}race/", asked)
        assert page.status_code == 200, page.content
        shown = page.context["rows"]
        expected = recomputed.board(replace(play.facts, until=until, formula=formula), "public")
        assert [(one.placed.rank, one.name, one.placed.step.score) for one in shown] == [
            (row.rank, f"Team {row.team:02}", row.score) for row in expected if row.rank
        ]


def member(team: Team) -> APIClient:
    person = team.members.order_by("pk").first()
    assert person
    _, secret = tokens.issue(user=person, name="reader")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def notices_hold(play: Play) -> None:
    """Checks that a team learns its own scores, and its rank on the frozen board."""
    notices = Notice.objects.filter(competition=play.competition)
    assert not notices.filter(kind=Notice.Kind.OVERTAKEN).exists()
    scored = [one.facts for one in notices.filter(kind=Notice.Kind.SCORED)]
    assert len(scored) > 50
    assert not [one for one in scored if one["is_best"]]
    ranks = {f"Team {team:02}": rank for team, rank in play.ranks.items()}
    assert {one["team"]: one["rank"] for one in scored}.items() <= ranks.items()


def calls_hold(play: Play) -> None:
    """Checks that a call has the rank of the frozen board, which only a decision changes."""
    moved = {
        team: play.ranks[team] for team, rank in play.called.items() if play.ranks[team] != rank
    }
    assert moved, "the withdrawal moves a team that is called"
    changed = {number_of(one): body(one)["rank"] for one in calls("rank_changed")}
    assert changed == moved
    scored = calls("scored")
    assert {number_of(one) for one in scored} <= play.called.keys()
    assert {(number_of(one), body(one)["rank"], body(one)["is_best"]) for one in scored} == {
        (team, play.ranks[team], False) for team in {number_of(one) for one in scored}
    }


def last_told() -> dict[int, int | None]:
    """The rank that the address of each team knows."""
    return {number_of(one): body(one)["rank"] for one in calls("rank_changed")}


def calls(event: str) -> list[Delivery]:
    """The calls of an event, the oldest first."""
    return list(Delivery.objects.filter(event=event).order_by("pk"))


def body(call: Delivery) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(call.body)
    return read


def number_of(call: Delivery) -> int:
    """The number of the team that is called."""
    return int(body(call)["team"]["name"].removeprefix("Team "))
