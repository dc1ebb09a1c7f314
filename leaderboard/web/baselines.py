"""The page of a baseline: what everybody may know of a model of the organizers."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leaderboard.services import baselines
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request


@require_safe
def baseline(request: Request, slug: str, pk: int) -> HttpResponse:
    competition = find(request, slug)
    one = baselines.find(competition, pk)
    return show(
        request,
        competition,
        "competitions/baseline_page.html",
        one=one,
        seconds_half_width=competition.seconds_per_image(one.half_width),
        per_class=list((one.evaluation.f1_by_class or {}).items()),
    )
