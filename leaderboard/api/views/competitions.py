"""Competitions, their sample images and boards: open to everyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from leaderboard.api import spreadsheets
from leaderboard.api.pagination import Pages
from leaderboard.api.serializers import competitions as shapes
from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry
from leaderboard.services import datasets, rankings

PAGING = [
    OpenApiParameter("limit", int, description="Rows a page, at most 1000."),
    OpenApiParameter("offset", int, description="Rows to leave out first."),
]


class Competitions(ListAPIView[Competition]):
    """All competitions that have opened, the newest first."""

    serializer_class = shapes.CompetitionSummary
    queryset = Competition.objects.visible()


class CompetitionView(RetrieveAPIView[Competition]):
    """One competition: dates, formula, input, limits, sample, and my team's quota."""

    serializer_class = shapes.CompetitionDetail
    queryset = Competition.objects.visible().select_related("profile", "dataset", "calibration")
    lookup_field = "slug"


class Sample(APIView):
    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY}, operation_id="sample")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The sample images: class folders in a zip."""
        competition = find(slug)
        split = datasets.sample_of(competition)
        if split is None:
            raise NotFound("This competition gives no sample images.", code="no_sample")
        return FileResponse(
            split.archive.open("rb"),
            as_attachment=True,
            filename=f"{slug}-sample.zip",
            content_type="application/zip",
        )


class CSVRenderer(BaseRenderer):
    """Only so that `?format=csv` and `Accept: text/csv` are understood."""

    media_type = "text/csv"
    format = "csv"


class Board(APIView):
    renderer_classes = [JSONRenderer, CSVRenderer]

    @extend_schema(
        parameters=[*PAGING, OpenApiParameter("format", enum=["json", "csv"])],
        responses={
            200: shapes.BoardPage,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "All rows."),
        },
        operation_id="board",
    )
    def get(self, request: Request, slug: str, board: str, **kwargs: str) -> HttpResponseBase:
        """The public or the private board, the leader first; as CSV with all its rows."""
        competition = find(slug)
        rankings.check_visible(competition, board)
        if request.accepted_renderer.format == "csv":
            return download(competition, board)
        pages = Pages()
        rows = pages.paginate_queryset(Rows(competition, board), request, self)
        shown = [shapes.BoardRow(row).data for row in rows or []]
        page = pages.get_paginated_response(shown)
        baseline = rankings.baseline(competition, board)
        page.data["baseline"] = shapes.Baseline(baseline).data if baseline else None
        return page


class Rows(Sequence[rankings.Row]):
    """A board as the paginator wants it: counted and sliced by the database."""

    def __init__(self, competition: Competition, board: str) -> None:
        self.competition, self.board = competition, board

    def __len__(self) -> int:
        return Entry.objects.board(self.competition, self.board).count()

    def __getitem__(self, part: Any) -> Any:
        return rankings.rows(
            self.competition, self.board, start=part.start, count=part.stop - part.start
        )


def download(competition: Competition, board: str) -> StreamingHttpResponse:
    name = f"{competition.slug}-{board}.csv"
    rows = (shapes.BoardRow(row).data.values() for row in rankings.rows(competition, board))
    return StreamingHttpResponse(
        spreadsheets.lines(shapes.BoardRow().fields, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def find(slug: str) -> Competition:
    return get_object_or_404(Competition.objects.visible(), slug=slug)
