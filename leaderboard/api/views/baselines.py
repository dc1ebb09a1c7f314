"""Baselines: models of the organizers on the boards, open to everyone."""

from __future__ import annotations

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.serializers import baselines as shapes
from leaderboard.services import baseline_files, baselines, competitions


class Baseline(APIView):
    @extend_schema(responses=shapes.BaselineDetail, operation_id="baseline")
    def get(self, request: Request, slug: str, baseline_pk: int) -> Response:
        """A measured baseline: its public figures, and what its file is."""
        found = baselines.find(competitions.named(slug), baseline_pk)
        return Response(shapes.BaselineDetail(found).data)


class BaselineFile(APIView):
    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="baseline_file",
    )
    def get(self, request: Request, slug: str, baseline_pk: int) -> HttpResponseBase:
        """The file of a baseline, if the organizers hand it out."""
        found = baseline_files.find_released(competitions.named(slug), baseline_pk)
        return FileResponse(
            found.file.open("rb"), as_attachment=True, filename=baseline_files.file_name(found)
        )
