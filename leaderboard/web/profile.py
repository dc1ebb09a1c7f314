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

from leaderboard.services import tokens
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
    memberships = request.user.memberships.select_related("team", "competition")
    said = {
        "form": TokenForm(person=request.user),
        "tokens": tokens.of(request.user),
        "memberships": memberships,
        "issued": issued,
        "secret": secret,
        "now": timezone.now(),
        "site_url": settings.SITE_URL,
    }
    return render(request, "account/profile.html", said)


@login_required
@require_POST
def revoke(request: Request, token_key: str) -> HttpResponse:
    tokens.revoke(user=request.user, token_key=token_key)
    messages.success(request, gettext("The token is revoked. It cannot be used any more."))
    return redirect("profile")
