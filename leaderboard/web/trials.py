"""A model that is only tried: the page that follows its trial and tells what was found."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from leaderboard.models import Submission, Trial
from leaderboard.services import trials
from leaderboard.web.competitions import show
from leaderboard.web.requests import Request
from leaderboard.web.submissions import received

STOP_POLLING = 286


@login_required
@never_cache
@require_safe
def trial(request: Request, pk: int) -> HttpResponse:
    one = own(request, pk)
    return show(request, one.competition, "submissions/trial.html", trial=one)


@never_cache
@require_safe
def status(request: Request, pk: int) -> HttpResponse:
    """The part that changes; at the end the page stops asking for it."""
    if not request.user.is_authenticated:
        return HttpResponseClientRefresh()
    one = own(request, pk)
    said = {"trial": one, "competition": one.competition}
    code = STOP_POLLING if one.is_finished else 200
    return render(request, "submissions/trial_found.html", said, status=code)


@login_required
@require_POST
def submit(request: Request, pk: int) -> HttpResponse:
    """Send the model that was tried, without another upload of the file."""
    passed = get_object_or_404(Trial.objects.visible_to(request.user), pk=pk, state="passed")
    receipt = trials.submit(passed, by=request.user, door=Submission.Door.WEB)
    return received(request, receipt)


def own(request: Request, pk: int) -> Trial:
    rows = Trial.objects.visible_to(request.user).select_related("competition", "team")
    return get_object_or_404(rows, pk=pk)
