"""The list of competitions and the pages that explain one."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Case, F, QuerySet, Value, When
from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry, Team
from leaderboard.models.counts import count_of
from leaderboard.services import (
    announcements,
    baselines,
    commands,
    datasets,
    machines,
    rankings,
    rescoring,
    submissions,
    teams,
)
from leaderboard.web import cards, pictures
from leaderboard.web.requests import Request

State = Competition.State
IN_ORDER = (State.OPEN, State.PAUSED, State.DRAFT, State.CLOSED, State.PUBLISHED)
"""What one can still take part in stands first."""
PAGE = 20
MOST_ON_OVERVIEW = 3
"""Announcements on the overview; the others stand on a page of their own."""


@require_safe
def index(request: Request) -> HttpResponse:
    place = Case(*(When(state=state, then=Value(at)) for at, state in enumerate(IN_ORDER)))
    shown = visible(request).order_by(place, F("ends_at").asc(nulls_last=True), "-created_at")
    counted = shown.select_related("calibration__reference").annotate(
        team_count=count_of(Team.objects.all(), "competition")
    )
    page = Paginator(counted, PAGE).get_page(request.GET.get("page"))
    made = cards.of(page.object_list, request.user)
    said = {
        "page": page,
        "live": [one for one in made if one.is_live],
        "earlier": [one for one in made if not one.is_live],
    }
    return render(request, "competitions/index.html", said)


@require_safe
def overview(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    board = Entry.Board.PRIVATE if competition.is_published else Entry.Board.PUBLIC
    is_hidden = competition.hides_scores
    leaders = [] if is_hidden else rankings.rows(competition, board, count=3)
    sample = datasets.sample_of(competition)
    mine = None if competition.is_published else teams.of(request.user, competition)
    if mine:
        mine.competition = competition
    return show(
        request,
        competition,
        "competitions/overview.html",
        own=cards.own(mine) if mine else None,
        quota=submissions.quota(mine, competition) if mine else None,
        leaders=leaders,
        leaders_board=board,
        machine=machines.of(competition),
        announcements=announcements.of(competition)[: MOST_ON_OVERVIEW + 1],
        sample=sample,
        pictures=pictures.of(sample),
        plot=cards.glance(competition).plot,
        trial=commands.trying(competition),
    )


@require_safe
def announced(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    page = Paginator(announcements.of(competition), PAGE).get_page(request.GET.get("page"))
    return show(request, competition, "competitions/announcements.html", page=page)


@require_safe
def announcement(request: Request, slug: str, pk: int) -> HttpResponse:
    competition = find(request, slug)
    one = announcements.find(competition, pk)
    return show(request, competition, "competitions/announcement.html", one=one)


@require_safe
def rules(request: Request, slug: str) -> HttpResponse:
    return show(request, find(request, slug), "competitions/rules.html")


@require_safe
def data(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    return show(
        request,
        competition,
        "competitions/data.html",
        sample=datasets.sample_of(competition),
        trial=commands.trying(competition),
    )


@require_safe
def sample(request: Request, slug: str) -> FileResponse:
    """The images that teams may have. The other splits have no such door."""
    competition = find(request, slug)
    split = datasets.find_sample(competition)
    return FileResponse(
        split.archive.open("rb"), as_attachment=True, filename=f"{competition.slug}-sample.zip"
    )


def visible(request: Request) -> QuerySet[Competition]:
    """The competitions that this person may know of, with what their pages show."""
    visible = Competition.objects.visible_to(request.user)
    return visible.select_related("dataset", "profile", "reference")


def find(request: Request, slug: str) -> Competition:
    """Raises `NotFound` for a draft, too, unless the person is an organizer."""
    competition = (
        visible(request)
        .select_related("calibration__reference", "preparation")
        .filter(slug=slug)
        .first()
    )
    if competition is None:
        raise NotFound(gettext("There is no such competition, or it has not been announced yet."))
    return competition


def show(
    request: Request, competition: Competition, template: str, status: int = 200, **more: Any
) -> HttpResponse:
    """A page under a competition's heading and tabs."""
    said = {
        "competition": competition,
        "baseline": baselines.reference_of(competition, Entry.Board.PUBLIC),
        "rescored": rescoring.latest(competition),
        **more,
    }
    if competition.is_public and "share_image" not in said:
        said["share_image"] = request.build_absolute_uri(reverse("card", args=[competition.slug]))
    if "team" not in said:
        said["team"] = teams.of(request.user, competition)
    return render(request, template, said, status=status)
