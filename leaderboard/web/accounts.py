"""A copy of one's account, and its end."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from leaderboard.errors import Refused
from leaderboard.services import accounts
from leaderboard.web.forms import UsernameForm
from leaderboard.web.requests import Request


@login_required
@require_POST
def copy(request: Request) -> HttpResponseBase:
    """A zip whose bytes are made while they are sent."""
    made = accounts.copy(request.user)
    answer = StreamingHttpResponse(made, content_type="application/zip")
    answer["Content-Length"] = str(len(made))
    answer["Content-Disposition"] = 'attachment; filename="featherweight-account.zip"'
    return answer


@never_cache
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "POST"])
def delete(request: Request) -> HttpResponse:
    """Ask for the user name, then delete. What forbids it is said at once."""
    form = UsernameForm(request.POST or None, username=request.user.username)
    refusal = None
    try:
        accounts.check_deletable(request.user)
        if form.is_valid():
            accounts.delete(request.user, by=request.user)
            logout(request)
            messages.success(request, gettext("Your account is deleted."))
            return redirect("home")
    except Refused as refused:
        refusal = refused
    shown = {"form": form, "refusal": refusal}
    status = 409 if refusal and request.method == "POST" else 400 if form.errors else 200
    return render(request, "account/delete.html", shown, status=status)
