"""Sign in a command: type its code, read what it asks for, confirm."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from leaderboard.errors import NotFound
from leaderboard.services import devices
from leaderboard.web.forms import DeviceForm
from leaderboard.web.requests import Request


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def device(request: Request) -> HttpResponse:
    """Codes are looked up by forms alone, which the limit of changes counts."""
    if request.method == "GET":
        form = DeviceForm(initial={"code": request.GET.get("code", "")[:20]})
        return render(request, "account/device.html", {"form": form})
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return render(request, "account/device.html", {"form": form}, status=400)
    code, act = form.cleaned_data["code"], request.POST.get("act")
    try:
        if act == "confirm":
            done = devices.confirm(code=code, by=request.user)
            told = gettext("“%(name)s” is signed in. You can go back to the terminal.")
        elif act == "refuse":
            done = devices.refuse(code=code, by=request.user)
            told = gettext("“%(name)s” did not get a token.")
        else:
            shown = {"form": form, "device": devices.find(code)}
            return render(request, "account/device.html", shown)
    except NotFound as refusal:  # shown beside what was typed
        form.add_error("code", refusal.detail)
        return render(request, "account/device.html", {"form": form}, status=404)
    messages.success(request, told % {"name": done.name})
    return redirect("profile")
