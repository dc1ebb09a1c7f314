"""A winner hands in code or a report."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from leaderboard import bodies
from leaderboard.services import teams, verifications
from leaderboard.web.competitions import find, show
from leaderboard.web.forms import HandInForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request


def expect(request: Request, slug: str) -> bool:
    """Only members of an asked team may send files, until the date. Raises `Refused`."""
    if not request.user.is_authenticated:
        return False
    asked = verifications.own(teams.own(request.user, find(request, slug)))
    verifications.check_takes(asked)
    return True


@bodies.taken(bodies.Upload(verifications.check_size, expect))
@login_required
@require_http_methods(["GET", "POST"])
def verification(request: Request, slug: str) -> HttpResponse:
    """What the own team is asked for, and the form that hands it in."""
    competition = find(request, slug)
    asked = verifications.own(teams.own(request.user, competition))
    if request.method == "POST":
        if request.POST.get("act") == "withdraw":
            verifications.withdraw(verification=asked, by=request.user)
            messages.success(request, gettext("Your team has withdrawn from the verification."))
        else:
            sent = cleaned(HandInForm(request.POST, request.FILES))
            verifications.hand_in(
                verification=asked,
                upload=sent["file"],
                link=sent["link"],
                note=sent["note"],
                by=request.user,
            )
            messages.success(
                request, gettext("Your files have arrived. The organizers will look at them.")
            )
        return redirect(request.path)
    form = HandInForm(initial={"link": asked.link, "note": asked.note})
    return show(request, competition, "teams/verification.html", asked=asked, form=form)
