"""Competitions and their sample images: open to everyone."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from leaderboard import downloads
from leaderboard.api.conditional import kept
from leaderboard.api.serializers import competitions as shapes
from leaderboard.models import Announcement, Competition
from leaderboard.services import announcements, competitions, datasets, kit, references


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
    """What the organizers announced: pinned announcements first, then the newest."""

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


class Reference(APIView):
    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, operation_id="reference"
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The reference model, if the organizers have released it."""
        found = references.find_released(find(slug))
        return FileResponse(
            found.file.open("rb"), as_attachment=True, filename=references.file_name(found, slug)
        )


class StarterKit(APIView):
    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY}, operation_id="kit")
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The starter kit: scripts, a notebook, recipes and CI jobs for this competition."""
        return downloads.kit(request._request, kit.of(find(slug)))


def find(slug: str) -> Competition:
    return competitions.named(slug)
