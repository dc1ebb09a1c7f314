"""A team declares that it belongs to a track."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import tracks as shapes
from leaderboard.api.views.teams import find_team
from leaderboard.services import declarations, teams


class Declarations(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        responses=shapes.DeclarationDetail(many=True), operation_id="declarations_of_team"
    )
    def get(self, request: Request, pk: int) -> Response:
        """The tracks that a team of mine has declared itself for, also those that were revoked."""
        team = find_team(request, pk)
        teams.check_member(team, person(request))
        return Response(shapes.DeclarationDetail(declarations.of(team), many=True).data)


class DeclarationView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses=shapes.DeclarationDetail, operation_id="declare_track")
    def put(self, request: Request, pk: int, track: str) -> Response:
        """Declare that my team belongs to a track, until the publication."""
        made = declarations.declare(team=find_team(request, pk), track=track, by=person(request))
        return Response(shapes.DeclarationDetail(made).data)

    @extend_schema(responses={204: None}, operation_id="leave_track")
    def delete(self, request: Request, pk: int, track: str) -> Response:
        """Take back the declaration for a track."""
        declarations.leave(team=find_team(request, pk), track=track, by=person(request))
        return Response(status=204)
