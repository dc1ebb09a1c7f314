"""The first rows of a board for a frame in another site: no login, no cookie, a link back."""

from __future__ import annotations

from csp.constants import NONE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from leaderboard import digits
from leaderboard.services import baselines, competitions, rankings, visibility

ROWS, MOST_ROWS = 10, 50


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"], "form-action": [NONE]})  # type: ignore[arg-type]  # of any view
@require_safe
def embed(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A draft has no such page, for organizers neither: the page around the frame would show it."""
    competition = competitions.named(slug)
    visibility.check_board(competition, name)
    standing = rankings.Standing(competition, name, track=request.GET.get("track", ""))
    address = request.build_absolute_uri(f"/competitions/{slug}/boards/{name}/")
    count = min(digits.whole(request.GET.get("rows", "")) or ROWS, MOST_ROWS)
    rows, lines = standing[:count], baselines.on(standing).every
    beside = baselines.beside(lines, rows, above=None, is_last=count >= len(standing))
    said = {
        "competition": competition,
        "board": name,
        "rows": [(beside.get(at, ()), row) for at, row in enumerate(rows)],
        "below": beside.get(len(rows), ()),
        "total": len(standing),
        "track": standing.track,
        "address": f"{address}?track={standing.slug}" if standing.track else address,
    }
    # Without the request: what is in the frame does not depend on who looks at it.
    return HttpResponse(render_to_string("competitions/embed.html", said))
