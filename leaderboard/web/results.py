"""The signed result of a competition, and the keys of the site."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard import downloads
from leaderboard.errors import NotFound
from leaderboard.services import rankings, signing, snapshots
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request
from scoring.snapshots.signing import public_pem

MOST_EARLIER = 20
"""Earlier files that the page lists."""


@require_safe
def snapshot(request: Request, slug: str) -> HttpResponse:
    """What the file is, its hash and its key. Before the publication: that there is none yet."""
    competition = find(request, slug)
    made = list(snapshots.of(competition)[: MOST_EARLIER + 1]) if competition.is_published else []
    standing = rankings.Standing(competition, "private") if competition.is_published else None
    return show(
        request,
        competition,
        "competitions/snapshot.html",
        latest=made[0] if made else None,
        earlier=made[1:],
        landed=rankings.landed(standing) if standing else None,
        file_name=f"{competition.slug}-snapshot.json",
    )


@require_safe
def snapshot_file(request: Request, slug: str) -> FileResponse:
    competition = find(request, slug)
    return downloads.snapshot(snapshots.find(competition))


@require_safe
def keys(request: Request) -> HttpResponse:
    return render(request, "competitions/keys.html", {"keys": signing.keys()})


@require_safe
def key_file(request: Request) -> HttpResponse:
    """The present public key as PEM. Raises `NotFound` before there is one."""
    present = signing.keys().filter(retired_at=None).first()
    if present is None:
        raise NotFound(signing.none_yet(), code="no_signing_key")
    return HttpResponse(public_pem(present.public), content_type="application/x-pem-file")
