"""The picture that other places show beside a link to a competition or a team."""

from __future__ import annotations

import hashlib
import io
from functools import cache

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from leaderboard.fonts import NANUM, written
from leaderboard.models import Competition, Team
from leaderboard.services import competitions, rankings, teams, versions
from leaderboard.sizes import rounded
from leaderboard.web import cards, plots
from leaderboard.web.badges import SECONDS

WIDTH, HEIGHT = 1200, 630
"""What the sites that show such pictures ask for."""
AIR = 70
PLOT = 470
"""Pixels of the plot's sides."""
LEADERS = 3
MOST_DOTS = 150
DEEP, BRAND, PALE, WHITE = "#0a3f44", "#0b6b66", "#8fe3d6", "#ffffff"
DOT, OWN, REFERENCE, GROUND = "#55a9a2", "#2f6fb5", "#e08a1e", "#f4f7f7"
Font = ImageFont.FreeTypeFont


@require_safe
def competition(request: HttpRequest, slug: str) -> HttpResponse:
    """The picture of a competition. A draft has none."""
    found = competitions.named(slug)
    return answer(found, found.title, None)


@require_safe
def team(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    found = competitions.named(slug)
    shown = teams.shown(found, pk, to=AnonymousUser())
    return answer(found, shown.name, shown)


def answer(competition: Competition, title: str, team: Team | None) -> HttpResponse:
    """The picture; each process draws it once for a version of the board and the titles on it."""
    board = cards.board_of(competition)
    titles = hashlib.sha256(f"{title}\0{competition.title}".encode()).hexdigest()
    what = f"link-{team.pk if team else ''}-{get_language()}-{titles}"
    if competition.hides_scores:
        data = versions.kept(
            competition, board, "hidden", what, lambda: drawn(competition, None, title, team)
        )
    else:
        standing = rankings.Standing(competition, board)
        data = standing.kept(what, lambda: drawn(competition, standing, title, team))
    response = HttpResponse(data, content_type="image/png")
    patch_cache_control(response, public=True, max_age=SECONDS)
    return response


def drawn(
    competition: Competition, standing: rankings.Standing | None, title: str, team: Team | None
) -> bytes:
    """The picture as PNG; without a board where scores are hidden."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), DEEP)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, HEIGHT - 14, WIDTH, HEIGHT), fill=BRAND)
    entry = rankings.entry_of(team, standing.board) if team and standing else None
    first = standing[:MOST_DOTS] if standing else []
    width = WIDTH - 2 * AIR - (PLOT + 50 if first else 0)
    draw.text((AIR, AIR - 10), "Featherweight", fill=PALE, font=font(30))
    y = AIR + 50
    for line in wrapped(draw, title, font(56), width)[:3]:
        draw.text((AIR, y), line, fill=WHITE, font=font(56), stroke_width=1)  # bold
        y += 70
    if team:
        said = [(competition.title, PALE)]
        rank = standing.rank(entry) if entry and standing else None
        if entry and rank:
            said.append((f"#{rank} · {rounded(float(entry.score), 4)}", WHITE))
    else:
        said = [
            (f"{row.rank}  {row.entry.team} · {rounded(float(row.entry.score), 4)}", WHITE)
            for row in first[:LEADERS]
            if row.rank
        ]
    for text, colour in said:
        y += 56
        line = wrapped(draw, text, font(34), width)[0]
        draw.text((AIR, y), line, fill=colour, font=font(34))
    if standing and first:
        picture.paste(plotted(standing, first, team), (WIDTH - AIR - PLOT, AIR))
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def plotted(
    standing: rankings.Standing, rows: list[rankings.Row], team: Team | None
) -> Image.Image:
    """The best teams by quality and time.

    The plot is drawn twice as large and then made smaller, so that its edges are smooth.
    """
    found = plots.plot(standing, most=MOST_DOTS)
    side = 2 * PLOT
    picture = Image.new("RGB", (side, side), GROUND)
    draw = ImageDraw.Draw(picture)

    def dot(x: float, y: float, radius: int, colour: str) -> None:
        a = 40 + (side - 80) * (x - plots.LEFT) / (plots.WIDTH - plots.RIGHT - plots.LEFT)
        b = 40 + (side - 80) * (y - plots.TOP) / (plots.HEIGHT - plots.BOTTOM - plots.TOP)
        draw.ellipse((a - radius, b - radius, a + radius, b + radius), fill=colour)

    for row in rows:
        dot(found.x.at(row.entry.time_ratio), found.y.at(row.entry.quality), 14, DOT)
    if found.reference:
        dot(found.reference.x, found.reference.y, 16, REFERENCE)
    for row in rows:
        if team and row.entry.team_id == team.pk:
            dot(found.x.at(row.entry.time_ratio), found.y.at(row.entry.quality), 22, OWN)
    return picture.resize((PLOT, PLOT), Image.Resampling.LANCZOS)


def wrapped(draw: ImageDraw.ImageDraw, text: str, face: Font, width: float) -> list[str]:
    """Lines that are at most `width` pixels wide. A word that is wider is cut."""
    lines = [""]
    for word in written(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=face) <= width:
            lines[-1] = longer
            continue
        while draw.textlength(word, font=face) > width:
            word = f"{word[:-2]}…"
        lines.append(word)
    return [line for line in lines if line] or [""]


@cache
def font(size: int) -> Font:
    return ImageFont.truetype(NANUM, size)
