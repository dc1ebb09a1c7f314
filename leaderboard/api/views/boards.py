"""Boards, whole or as they are searched, filtered and sorted: open to everyone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from leaderboard import digits, spreadsheets
from leaderboard.api.pagination import Pages
from leaderboard.api.serializers import competitions as shapes
from leaderboard.api.serializers.baselines import Baseline, NamedBaseline
from leaderboard.errors import Refused
from leaderboard.services import (
    baselines,
    browsing,
    choices,
    competitions,
    rankings,
    tracks,
    visibility,
)
from leaderboard.services.choices import Choice
from scoring import formats

SORTS = [*choices.COLUMNS, *(f"-{name}" for name in choices.COLUMNS)]
WRITINGS = ("json", "csv")
PARAMETERS = [
    OpenApiParameter("limit", int, description="Rows on a page, at most 1000."),
    OpenApiParameter("offset", int, description="Rows of the whole board to leave out first."),
    OpenApiParameter(
        "format",
        enum=[*WRITINGS, *(one.name for one in formats.FORMATS)],
        description="How the answer is written, or a format of model files to filter by.",
    ),
    OpenApiParameter(
        "track", str, description="The slug of a track. If empty, the whole board is shown."
    ),
    OpenApiParameter("q", str, description="The beginning of a word of the team's name."),
    OpenApiParameter("type", enum=formats.NUMBER_TYPES, description="A number type."),
    OpenApiParameter("tied", enum=["0", "1"], description="1: only rows tied with the row above."),
    OpenApiParameter(
        "sort",
        enum=SORTS,
        description="The column to sort by. A - before it sorts in descending order.",
    ),
    OpenApiParameter(
        "after", int, description="The value in `next`, on a filtered or sorted board."
    ),
    OpenApiParameter("before", int, description="The value in `previous`. It works like `after`."),
]


class CSVRenderer(BaseRenderer):
    """Only so that `?format=csv` and `Accept: text/csv` are understood."""

    media_type = "text/csv"
    format = "csv"


class ByWriting(DefaultContentNegotiation):
    """Chooses a renderer by `?format=`, if the word names one.

    The same word also filters a board by the format of model files. Such a value chooses none.
    """

    def filter_renderers(
        self, renderers: Iterable[BaseRenderer], format: str
    ) -> list[BaseRenderer]:
        every = list(renderers)
        return [one for one in every if one.format == format] or every


class Board(APIView):
    renderer_classes = [JSONRenderer, CSVRenderer]
    is_kept = True
    content_negotiation_class = ByWriting

    @extend_schema(
        parameters=PARAMETERS,
        responses={
            200: shapes.BoardPage,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "All rows."),
        },
        operation_id="board",
    )
    def get(self, request: Request, slug: str, board: str, **kwargs: str) -> HttpResponseBase:
        """The public or the private board, the leader first, or as it is filtered and sorted; as
        CSV with all its rows."""
        if kwargs.get("format", "json") not in WRITINGS:
            raise Http404
        competition = competitions.named(slug)
        visibility.check_board(competition, board)
        choice = chosen(request)
        standing = rankings.Standing(
            competition, board, track=request.query_params.get("track", "")
        )
        is_csv = request.accepted_renderer.format == "csv"
        etag = etag_of(standing, choice, "csv" if is_csv else "1")
        if etag and (unchanged := get_conditional_response(request._request, etag=etag)):
            return unchanged
        answer = download(standing, choice) if is_csv else page(self, request, standing, choice)
        if etag:
            answer["ETag"] = etag
        return answer


def etag_of(standing: rankings.Standing, choice: Choice, writing: str) -> str | None:
    """The ETag of a board. None for an order that changes while the board keeps its version."""
    if choice.sort in choices.OF_UPLOADS:
        return None
    return quote_etag(f"{standing.competition.pk}-{standing.key}-{standing.version}-{writing}")


def chosen(request: Request) -> Choice:
    """The choice in an address. Raises `Refused`."""
    asked = request.query_params.dict()
    if asked.get("format") in WRITINGS:
        del asked["format"]
    choices.check(asked)
    choice = choices.read(asked)
    if "offset" in asked and not choice.is_whole_board:
        said = gettext("A filtered or sorted board has no offset. Follow its next.")
        raise Refused(said, code="no_offset")
    return choice


def page(view: Board, request: Request, standing: rankings.Standing, choice: Choice) -> Response:
    pages = Pages()
    if choice.is_whole_board:
        rows = pages.paginate_queryset(standing, request, view) or []
        answer = pages.get_paginated_response([shapes.board_row(row.figures) for row in rows])
    else:
        answer = part(request, standing, choice, pages.get_limit(request) or pages.default_limit)
    lines = baselines.on(standing)
    answer.data["baseline"] = Baseline(lines.reference).data if lines.reference else None
    answer.data["baselines"] = [NamedBaseline(one).data for one in lines.baselines]
    return answer


def part(request: Request, standing: rankings.Standing, choice: Choice, size: int) -> Response:
    """A page of a choice of rows. The addresses of its neighbours name a row of this page."""
    after, before = (
        browsing.entry_of(standing, key=digits.whole(request.query_params.get(name, "")))
        for name in ("after", "before")
    )
    found = browsing.look(standing, choice, size=size, after=after, before=before)
    here = request.build_absolute_uri()
    for name in ("after", "before"):
        here = remove_query_param(here, name)

    def at(name: str, key: int | None) -> str | None:
        return replace_query_param(here, name, key) if key else None

    return Response(
        {
            "count": found.count,
            "next": at("after", found.after),
            "previous": at("before", found.before),
            "results": [shapes.board_row(row.figures) for row in found.rows],
        }
    )


def download(standing: rankings.Standing, choice: Choice) -> StreamingHttpResponse:
    competition, board = standing.competition, standing.board
    name = f"{competition.slug}-{tracks.key(board, standing.slug)}.csv"
    every: Iterable[baselines.Line | rankings.Figures]
    if choice.is_whole_board:
        lines = baselines.on(standing).baselines
        every = baselines.among(lines, rankings.figures(competition, board, standing.slug))
    else:
        every = (row.figures for row in browsing.every(standing, choice))
    header = [*shapes.BoardRow().fields, "kind"]
    return StreamingHttpResponse(
        by_the_hundred(spreadsheets.lines(header, map(cells, every))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def cells(row: baselines.Line | rankings.Figures) -> list[object]:
    """A line of the CSV. A baseline has a name in place of a team, and a kind of its own."""
    if isinstance(row, rankings.Figures):
        return [*shapes.board_row(row).values(), "team"]
    told = {"team": row.name, **NamedBaseline(row).data}
    return [*(told.get(name, "") for name in shapes.BoardRow().fields), "baseline"]


def by_the_hundred(lines: Iterator[str]) -> Iterator[str]:
    """Lines in pieces of a hundred, because a server needs longer to send a piece than to make
    it."""
    while some := "".join(islice(lines, 100)):
        yield some
