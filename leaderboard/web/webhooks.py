"""A team's webhooks and the log of their calls, for its members."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.models import Webhook
from leaderboard.services import teams
from leaderboard.services import webhooks as service
from leaderboard.web.competitions import find, show
from leaderboard.web.forms import WebhookForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request

PAGE = 50
NEW = "new_webhook"
"""In the session: the key of the webhook whose secret the next page shows."""


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def webhooks(request: Request, slug: str) -> HttpResponse:
    """A team's webhooks. The page that follows the form shows the new one's secret, once."""
    competition = find(request, slug)
    mine = teams.own(request.user, competition)
    if request.method == "POST":
        form = cleaned(WebhookForm(request.POST))
        made = service.add(team=mine, url=form["address"], events=form["events"], by=request.user)
        request.session[NEW] = made.pk
        return redirect("webhooks", slug)
    webhooks = service.of(mine, request.user)
    new = request.session.pop(NEW, None)
    return show(
        request,
        competition,
        "teams/webhooks.html",
        webhooks=webhooks,
        form=WebhookForm(),
        made=next((one for one in webhooks if one.pk == new), None),
        most=service.MOST_OF_A_TEAM,
    )


@login_required
@never_cache
@require_safe
def webhook(request: Request, slug: str, pk: int) -> HttpResponse:
    """One webhook with the log of its calls."""
    competition = find(request, slug)
    one = own(request, slug, pk)
    page = Paginator(one.deliveries.all(), PAGE).get_page(request.GET.get("page"))
    return show(request, competition, "teams/webhook.html", webhook=one, page=page)


@login_required
@require_POST
def act(request: Request, slug: str, pk: int) -> HttpResponse:
    """Try an address, resume its calls, or remove it."""
    one = own(request, slug, pk)
    if "remove" in request.POST:
        service.remove(webhook=one, by=request.user)
        messages.success(request, gettext("The webhook is removed."))
        return redirect("webhooks", slug)
    if "resume" in request.POST:
        service.resume(webhook=one, by=request.user)
        messages.success(request, gettext("The address is called again."))
    else:
        service.ping(webhook=one, by=request.user)
        messages.success(
            request, gettext("The test call is being sent. Load this page again to see it.")
        )
    return redirect("webhook", slug, pk)


@login_required
@require_POST
def redeliver(request: Request, slug: str, pk: int, delivery_pk: int) -> HttpResponse:
    delivery = service.find_delivery(own(request, slug, pk), delivery_pk)
    service.redeliver(delivery=delivery, by=request.user)
    messages.success(
        request, gettext("The call is being sent again. Load this page again to see it.")
    )
    return redirect("webhook", slug, pk)


def own(request: Request, slug: str, pk: int) -> Webhook:
    mine = teams.own(request.user, find(request, slug))
    return service.find(mine, pk, request.user)
