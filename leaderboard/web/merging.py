"""Captains ask another team to join theirs, and answer such questions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from leaderboard.models import Team
from leaderboard.services import offers, teams
from leaderboard.web.competitions import find
from leaderboard.web.forms import TeamForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request


@login_required
@require_POST
def ask(request: Request, slug: str) -> HttpResponse:
    mine = teams.own(request.user, find(request, slug))
    offer = offers.ask(team=mine, name=cleaned(TeamForm(request.POST))["name"], by=request.user)
    said = gettext("{team} got your offer. Its captain gets a notice.")
    messages.success(request, said.format(team=offer.to_team))
    return redirect("team", slug)


@login_required
@require_POST
def answer(request: Request, slug: str, pk: int) -> HttpResponse:
    """Accept an offer, decline it, or take it back."""
    mine = teams.own(request.user, find(request, slug))
    offer = offers.find(mine, pk)
    if request.POST.get("act") == "accept":
        into = offers.accept(offer=offer, by=request.user)
        messages.success(request, gettext("Your team has merged into {team}.").format(team=into))
    else:
        offers.end(offer=offer, by=request.user)
        messages.success(request, gettext("This offer no longer exists."))
    return redirect("team", slug)


def shown(team: Team) -> dict[str, Any]:
    """What the page of a team shows of merges."""
    found = offers.of(team)
    return {
        "takes_merges": team.competition.takes_merges(),
        "offers_got": [one for one in found if one.to_team_id == team.pk],
        "offers_sent": [one for one in found if one.by_team_id == team.pk],
        "merge_form": TeamForm(auto_id="merge_%s"),
    }
