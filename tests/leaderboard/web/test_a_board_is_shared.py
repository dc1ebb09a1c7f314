"""A board in a frame of another site, and what a preview of an address says."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from leaderboard.models import Competition, Team, User
from leaderboard.services import competitions
from tests.leaderboard.web.conftest import text

PUBLIC = "/competitions/waste/boards/public/"
EMBED = f"{PUBLIC}embed/"


def policy(page: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in page["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_other_sites_may_frame_this_page_alone(
    see: Any, scored: Any, team: Team, owner: User
) -> None:
    scored(team)
    framed = see(owner, EMBED)
    assert policy(framed)["frame-ancestors"] == "*"
    assert "X-Frame-Options" not in framed
    board = see(owner, PUBLIC)
    assert policy(board)["frame-ancestors"] == "'none'"
    assert board["X-Frame-Options"] == "DENY"
    for page in (framed, board):
        assert policy(page)["default-src"] == "'self'"


def test_the_frame_is_the_same_for_everybody_and_leads_back(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User
) -> None:
    scored(team, 1, time_ratio=0.5)
    scored(rivals, 2, time_ratio=0.9)
    page = see(owner, EMBED)
    assert page.content == see(None, EMBED).content
    assert not page.cookies
    shown = text(page)
    assert shown.index("Sorters") < shown.index("Rivals")
    assert f'href="http://testserver{PUBLIC}" target="_blank"' in shown
    assert "<form" not in shown
    assert "Rivals" not in text(see(None, f"{EMBED}?rows=1"))
    assert see(None, f"{EMBED}?rows=999999999999999999999999").status_code == 200
    snippet = f'src="http://testserver{EMBED}" title="Waste sorting · Public board" width='
    assert snippet in text(see(None, PUBLIC))


def test_a_draft_has_no_frame(see: Any, draft: Competition, organizer: User) -> None:
    assert see(organizer, EMBED).status_code == 404


def test_a_preview_says_who_leads(
    see: Any, scored: Any, team: Team, competition: Competition
) -> None:
    scored(team, time_ratio=0.5)
    shown = text(see(None, PUBLIC))
    assert '<meta property="og:title" content="Waste sorting">' in shown
    assert "Sorters leads with a score of 0.7500" in shown
    assert '<meta property="og:title" content="Featherweight">' in text(see(None, "/"))
    Team.objects.filter(pk=team.pk).update(name='"><script>alert(1)')
    Competition.objects.update(tagline='"><script>alert(1)')
    for url in ("/competitions/waste/", PUBLIC, EMBED):
        assert b"<script>alert" not in see(None, url).content


def test_a_badge_tells_rank_and_score_and_nothing_private(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, organizer: User
) -> None:
    scored(team, 1, time_ratio=0.5, quality_private=0.5)
    scored(rivals, 2, time_ratio=0.9, quality_private=0.9)
    address = f"/competitions/waste/teams/{team.pk}/badge.svg"
    badge = see(None, address)
    assert badge["Content-Type"] == "image/svg+xml"
    assert "#1 · 0.7500" in badge.content.decode()
    assert badge.content == see(owner, address, headers={"accept-language": "ko"}).content
    same = see(None, address, headers={"if-none-match": badge["ETag"]})
    assert same.status_code == 304
    page = text(see(None, f"/competitions/waste/teams/{team.pk}/"))
    assert f"(http://testserver{address})](http://testserver/competitions/waste/teams/" in page
    competitions.close(competition=team.competition, by=organizer)
    competitions.publish(competition=team.competition, by=organizer)
    assert "#2 · " in see(None, address).content.decode()
    Competition.objects.update(title='<script>&"', min_quality=0.99)
    assert b"<script" not in see(None, address, headers={"if-none-match": ""}).content


def test_links_are_shown_with_a_picture_of_the_board(
    see: Any, scored: Any, team: Team, owner: User
) -> None:
    empty = see(None, "/competitions/waste/card.png")
    scored(team)
    cards = ["/competitions/waste/card.png", f"/competitions/waste/teams/{team.pk}/card.png"]
    for card in cards:
        picture = see(owner, card)
        assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)
        assert "public" in picture["Cache-Control"]
        assert picture.content != empty.content
    told = '<meta property="og:image" content="http://testserver'
    assert f'{told}{cards[0]}"' in text(see(None, PUBLIC))
    assert f'{told}{cards[1]}"' in text(see(None, f"/competitions/waste/teams/{team.pk}/"))
    Competition.objects.update(title="가" * 110 + " x")
    assert see(None, cards[0]).content != see(None, cards[1]).content


def test_a_draft_has_no_picture(see: Any, draft: Competition, organizer: User) -> None:
    assert see(organizer, "/competitions/waste/card.png").status_code == 404
    assert "og:image" not in text(see(organizer, "/competitions/waste/"))
