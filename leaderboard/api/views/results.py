"""The signed result of a competition, and exports for its organizers."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from leaderboard import downloads
from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn
from leaderboard.api.views.competitions import find
from leaderboard.models import Scope
from leaderboard.services import exports, snapshots


class Snapshot(APIView):
    @extend_schema(
        responses={(200, "application/json"): OpenApiTypes.BINARY}, operation_id="snapshot"
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The signed result, once the private board is published."""
        return downloads.snapshot(snapshots.find(find(slug)))


class Export(APIView):
    permission_classes = [SignedIn]
    scopes = {"GET": Scope.MANAGE}

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, operation_id="export"
    )
    def get(self, request: Request, slug: str, kind: str, form: str) -> HttpResponseBase:
        """All rows of a kind, for organizers: submissions, teams, boards or measurements, as csv,
        json or parquet."""
        made = exports.export(competition=find(slug), kind=kind, form=form, by=person(request))
        return downloads.export(made)
