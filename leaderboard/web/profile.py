"""A person's page: teams, and API tokens made and revoked."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from leaderboard import times
from leaderboard.services import devices, people, tokens
from leaderboard.web.forms import TokenForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def profile(request: Request) -> HttpResponse:
    """A new token's secret is in the answer to the form and nowhere else."""
    issued = secret = None
    if request.method == "POST":
        wanted = cleaned(TokenForm(request.POST, person=request.user))
        issued, secret = tokens.issue(user=request.user, **wanted)
    memberships = list(request.user.memberships.select_related("team", "competition"))
    mine = [one.competition for one in memberships]
    said = {
        "form": TokenForm(person=request.user),
        "tokens": tokens.of(request.user),
        "pending": devices.confirmed(request.user),
        "memberships": memberships,
        "example": next((one for one in mine if one.accepts_uploads), next(iter(mine), None)),
        "issued": issued,
        "secret": secret,
        "now": timezone.now(),
        "zones": times.zones(),
        "site_url": settings.SITE_URL,
    }
    return render(request, "account/profile.html", said)


@login_required
@require_POST
def look(request: Request) -> HttpResponse:
    """Choose the zone and the theme. The switch on each page sends the theme alone."""
    if "time_zone" in request.POST:
        people.choose_zone(person=request.user, name=request.POST["time_zone"])
    people.choose_theme(person=request.user, theme=request.POST.get("theme", ""))
    if "time_zone" not in request.POST:
        return HttpResponse(status=204)
    messages.success(request, gettext("Saved."))
    return redirect("profile")


@login_required
@require_POST
def revoke(request: Request, token_key: str) -> HttpResponse:
    tokens.revoke(user=request.user, token_key=token_key, by=request.user)
    messages.success(request, gettext("The token is revoked. It can no longer be used."))
    return redirect("profile")
