"""The starter kit's page and its download."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from leaderboard import downloads
from leaderboard.services import commands, datasets, kit, machines, references
from leaderboard.services import recipes as known
from leaderboard.web import pictures, words
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request


@dataclass(frozen=True)
class Shown:
    """A recipe as the page shows it."""

    title: str
    code: str


@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    sample = datasets.sample_of(competition)
    file = f"models/{known.first_file(competition)}"
    return show(
        request,
        competition,
        "competitions/kit.html",
        size=len(kit.of(competition).data),
        sample=sample,
        pictures=pictures.of(sample),
        machine=machines.of(competition),
        recipes=[Shown(words.recipe(name), code) for name, code in known.taken(competition)],
        jobs=kit.ci_jobs(competition),
        file=file,
        check=commands.checking(competition, file),
        trial=commands.trying(competition, file),
        reference=references.released(competition),
        own_reference=known.reference_file(competition),
        site=settings.SITE_URL,
    )


@require_safe
def download(request: Request, slug: str) -> HttpResponseBase:
    return downloads.kit(request, kit.of(find(request, slug)))
