"""A team's rank and score as a small picture for other sites, the same for everybody."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from leaderboard.rounding import rounded
from leaderboard.services import competitions, rankings, teams, tracks, versions
from leaderboard.web import cards

SECONDS = 300
"""How long other sites may keep a picture."""
LETTER, WIDE_LETTER = 6.3, 11.0
"""Pixels of a letter on average, and of a Korean one. The picture asks for the width of their sum,
whatever the font is."""
AIR = 10
MOST_LETTERS = 32


def version(request: HttpRequest, slug: str, pk: int) -> str | None:
    competition = competitions.named(slug)
    if competition.hides_scores:  # another version would tell that a score has changed a board
        return f'"hidden-{pk}"'
    track = tracks.find(competition, request.GET.get("track", ""))
    version = versions.of(competition, cards.board_of(competition))
    return f'"{version}-{pk}-{track.slug}"' if track else f'"{version}-{pk}"'


@require_safe
@condition(etag_func=version)
def badge(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A draft has no badges: the site around one would show it."""
    competition = competitions.named(slug)
    team = teams.shown(competition, pk, to=AnonymousUser())
    board, track = cards.board_of(competition), request.GET.get("track", "")
    found = tracks.find(competition, track)
    entry = rankings.entry_of(team, board, track)
    rank = rankings.Standing(competition, board, track=track).rank(entry) if entry else None
    title = f"{competition.title}: {found.name}" if found else competition.title
    left = title if len(title) <= MOST_LETTERS else f"{title[: MOST_LETTERS - 1].rstrip()}…"
    right = f"#{rank} · {rounded(entry.score, 4)}" if entry and rank else "–"
    widths = [length(text) for text in (left, right)]
    said = {
        "left": left,
        "right": right,
        "team": team,
        "left_width": widths[0],
        "right_width": widths[1],
        "left_box": widths[0] + 2 * AIR,
        "right_box": widths[1] + 2 * AIR,
        "width": sum(widths) + 4 * AIR,
        "left_at": AIR,
        "right_at": widths[0] + 3 * AIR,
    }
    picture = render_to_string("teams/badge.svg", said)
    response = HttpResponse(picture, content_type="image/svg+xml")
    patch_cache_control(response, public=True, max_age=SECONDS)
    return response


def length(text: str) -> int:
    """Pixels that a text takes."""
    is_wide = [unicodedata.east_asian_width(letter) in "WF" for letter in text]
    return round(sum(WIDE_LETTER if wide else LETTER for wide in is_wide))
