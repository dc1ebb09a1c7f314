"""Captains merge their teams: one asks, the other one accepts."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import teams as shapes
from leaderboard.api.views.teams import find_team, parsed
from leaderboard.services import offers, teams


class Merges(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.MergeDetail(many=True), operation_id="merges_of_team")
    def get(self, request: Request, pk: int) -> Response:
        """The offers to merge that a team of mine has made or got."""
        team = find_team(request, pk)
        teams.check_member(team, person(request))
        return Response(shapes.MergeDetail(offers.of(team), many=True).data)

    @extend_schema(
        request=shapes.NewMerge, responses={201: shapes.MergeDetail}, operation_id="ask_for_merge"
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask another team to merge into mine, as the captain. Its captain decides."""
        name = parsed(shapes.NewMerge, request)["team"]
        offer = offers.ask(team=find_team(request, pk), name=name, by=person(request))
        return Response(shapes.MergeDetail(offer).data, status=201)


class Merge(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses={204: None}, operation_id="end_merge")
    def delete(self, request: Request, pk: int, offer_pk: int) -> Response:
        """Take back an offer to merge, or decline one, as the captain."""
        team = find_team(request, pk)
        teams.check_member(team, person(request))
        offers.end(offer=offers.find(team, offer_pk), by=person(request))
        return Response(status=204)


class AcceptMerge(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses=shapes.TeamDetail, operation_id="accept_merge")
    def post(self, request: Request, pk: int, offer_pk: int) -> Response:
        """Accept an offer to merge, as the captain of the team that was asked. My team ends."""
        team = find_team(request, pk)
        teams.check_member(team, person(request))
        into = offers.accept(offer=offers.find(team, offer_pk), by=person(request))
        return Response(shapes.TeamDetail(into).data)
