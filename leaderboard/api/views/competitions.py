"""Competitions, their sample images and boards: open to everyone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.db.models import QuerySet
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import downloads, spreadsheets
from leaderboard.api.conditional import kept
from leaderboard.api.pagination import Pages
from leaderboard.api.serializers import competitions as shapes
from leaderboard.models import Announcement, Competition
from leaderboard.services import (
    announcements,
    baselines,
    competitions,
    datasets,
    kit,
    rankings,
    tracks,
    visibility,
)

PAGING = [
    OpenApiParameter("limit", int, description="Rows a page, at most 1000."),
    OpenApiParameter("offset", int, description="Rows to leave out first."),
]


@kept
class Competitions(ListAPIView[Competition]):
    """All competitions that have opened, the newest first."""

    serializer_class = shapes.CompetitionSummary
    queryset = Competition.objects.public()


@kept
class CompetitionView(RetrieveAPIView[Competition]):
    """One competition: dates, formula, input, limits, sample, and my team's quota."""

    serializer_class = shapes.CompetitionDetail
    queryset = Competition.objects.public().select_related("profile", "dataset", "calibration")
    lookup_field = "slug"

    def get_object(self) -> Competition:
        return competitions.named(self.kwargs["slug"], among=self.get_queryset())


@kept
class Announcements(ListAPIView[Announcement]):
    """What the organizers announced, pinned ones first, then the newest."""

    serializer_class = shapes.AnnouncementDetail
    queryset = Announcement.objects.none()

    def get_queryset(self) -> QuerySet[Announcement]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return announcements.of(find(self.kwargs["slug"]))


class Sample(APIView):
    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY}, operation_id="sample")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The sample images: class folders in a zip."""
        competition = find(slug)
        split = datasets.find_sample(competition)
        return FileResponse(
            split.archive.open("rb"),
            as_attachment=True,
            filename=f"{slug}-sample.zip",
            content_type="application/zip",
        )


class StarterKit(APIView):
    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY}, operation_id="kit")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The starter kit: scripts, a notebook, recipes and CI jobs for this competition."""
        return downloads.kit(request._request, kit.of(find(slug)))


class CSVRenderer(BaseRenderer):
    """Only so that `?format=csv` and `Accept: text/csv` are understood."""

    media_type = "text/csv"
    format = "csv"


class Board(APIView):
    renderer_classes = [JSONRenderer, CSVRenderer]
    is_kept = True

    @extend_schema(
        parameters=[
            *PAGING,
            OpenApiParameter("format", enum=["json", "csv"]),
            OpenApiParameter("track", str, description="The slug of a track; empty: the board."),
        ],
        responses={
            200: shapes.BoardPage,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "All rows."),
        },
        operation_id="board",
    )
    def get(self, request: Request, slug: str, board: str, **kwargs: str) -> HttpResponseBase:
        """The public or the private board, the leader first; as CSV with all its rows."""
        competition = find(slug)
        visibility.check_board(competition, board)
        track = request.query_params.get("track", "")
        standing = rankings.Standing(competition, board, track=track)
        is_csv = request.accepted_renderer.format == "csv"
        etag = quote_etag(
            f"{competition.pk}-{standing.key}-{standing.version}-{'csv' if is_csv else 1}"
        )
        if unchanged := get_conditional_response(request._request, etag=etag):
            return unchanged
        answer = download(competition, board, track) if is_csv else self.page(request, standing)
        answer["ETag"] = etag
        return answer

    def page(self, request: Request, standing: rankings.Standing) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(standing, request, self) or []
        page = pages.get_paginated_response([shapes.board_row(row.figures) for row in rows])
        baseline = baselines.of(standing.competition, standing.board)
        page.data["baseline"] = shapes.Baseline(baseline).data if baseline else None
        return page


def download(competition: Competition, board: str, track: str) -> StreamingHttpResponse:
    name = f"{competition.slug}-{tracks.key(board, track)}.csv"
    rows = (
        shapes.board_row(figures).values()
        for figures in rankings.figures(competition, board, track)
    )
    return StreamingHttpResponse(
        by_the_hundred(spreadsheets.lines(shapes.BoardRow().fields, rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def by_the_hundred(lines: Iterator[str]) -> Iterator[str]:
    """Fewer and larger pieces: a server takes longer to send one than we to make it."""
    while some := "".join(islice(lines, 100)):
        yield some


def find(slug: str) -> Competition:
    return competitions.named(slug)
