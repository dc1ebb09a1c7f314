"""The signed result of a competition, and the keys of the site."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard import downloads
from leaderboard.errors import NotFound
from leaderboard.models import Entry
from leaderboard.services import (
    announcements,
    certificates,
    kit,
    landing,
    rankings,
    signing,
    snapshots,
    teams,
    verifications,
)
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request
from scoring.snapshots.signing import public_pem

FIRST = 20
"""Rows of the ranking on the page of the result."""
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
        provisional=snapshots.provisional(competition)[:MOST_EARLIER],
        landed=landing.of(standing) if standing else None,
        file_name=f"{competition.slug}-snapshot.json",
        wheel=f"{competition.slug}-kit/{kit.own_wheel().name}",
    )


@require_safe
def snapshot_file(request: Request, slug: str) -> FileResponse:
    competition = find(request, slug)
    return downloads.snapshot(snapshots.find(competition))


@require_safe
def provisional_file(request: Request, slug: str) -> FileResponse:
    """The newest signed public board of a competition that runs."""
    return downloads.snapshot(snapshots.find_provisional(find(request, slug)))


@require_safe
def archive(request: Request, slug: str) -> HttpResponse:
    """What stays of a published competition: ranking, texts, announcements, signed file."""
    competition = find(request, slug)
    if not competition.is_published:
        return show(request, competition, "competitions/unpublished.html")
    standing = rankings.Standing(competition, Entry.Board.PRIVATE)
    return show(
        request,
        competition,
        "competitions/archive.html",
        rows=standing[:FIRST],
        total=len(standing),
        asked=list(verifications.of(competition).values()),
        rank_notes=verifications.notes(competition),
        landed=landing.of(standing),
        announcements=announcements.of(competition),
        latest=snapshots.latest(competition),
        has_certificate=certificates.is_there(teams.of(request.user, competition)),
    )


@login_required
@require_safe
def certificate(request: Request, slug: str) -> HttpResponse:
    """A person's own certificate as PDF."""
    mine = teams.own(request.user, find(request, slug))
    answer = HttpResponse(
        certificates.of(team=mine, by=request.user), content_type="application/pdf"
    )
    answer["Content-Disposition"] = f'attachment; filename="{slug}-certificate.pdf"'
    return answer


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
