"""Teams are made, joined and left, and name their final selections."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from leaderboard.api.authentication import person, token
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import teams as shapes
from leaderboard.api.views.competitions import find
from leaderboard.models import Team
from leaderboard.models.team import TeamQuerySet
from leaderboard.services import captains, selections, teams, tokens


class Create(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        request=shapes.NewTeam, responses={201: shapes.TeamDetail}, operation_id="create_team"
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make a team for a competition and join it."""
        team = teams.create(
            competition=find(slug), name=parsed(shapes.NewTeam, request)["name"], by=person(request)
        )
        url = reverse("api-team", args=[team.pk], request=request)
        return Response(shapes.TeamDetail(team).data, status=201, headers={"Location": url})


class Teams(ListAPIView[Team]):
    """My teams."""

    permission_classes = [SignedIn]
    serializer_class = shapes.TeamDetail
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        mine = shown_whole().filter(members=self.request.user.pk)
        return tokens.within(token(self.request), mine)


class TeamView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.TeamDetail, operation_id="team")
    def get(self, request: Request, pk: int) -> Response:
        """One of my teams, with its members."""
        return Response(shapes.TeamDetail(find_team(request, pk)).data)

    @extend_schema(request=shapes.NewTeam, responses=shapes.TeamDetail, operation_id="rename_team")
    def patch(self, request: Request, pk: int) -> Response:
        """Rename my team, as its captain."""
        name = parsed(shapes.NewTeam, request)["name"]
        captains.rename(team=find_team(request, pk), name=name, by=person(request))
        return Response(shapes.TeamDetail(find_team(request, pk)).data)


class Captain(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        request=shapes.MemberName, responses=shapes.TeamDetail, operation_id="hand_over_team"
    )
    def put(self, request: Request, pk: int) -> Response:
        """Make another member the captain, as the captain."""
        username = parsed(shapes.MemberName, request)["username"]
        captains.hand_over(team=find_team(request, pk), username=username, by=person(request))
        return Response(shapes.TeamDetail(find_team(request, pk)).data)


class Member(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses={204: None}, operation_id="remove_member")
    def delete(self, request: Request, pk: int, username: str) -> Response:
        """Remove a member, as the captain."""
        captains.remove_member(team=find_team(request, pk), username=username, by=person(request))
        return Response(status=204)


class Invitations(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.InvitationDetail(many=True), operation_id="invitations_of_team")
    def get(self, request: Request, pk: int) -> Response:
        """The invitations of a team of mine that still let somebody join."""
        team = find_team(request, pk)
        teams.check_member(team, person(request))
        return Response(shapes.InvitationDetail(teams.open_invitations(team), many=True).data)

    @extend_schema(
        request=shapes.NewInvitation,
        responses={201: shapes.InvitationDetail},
        operation_id="invite_to_team",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make an invitation. One person can join with its code within a week. A team can have as
        many open invitations as members.
        """
        team, to = find_team(request, pk), parsed(shapes.NewInvitation, request)["to"]
        invitation = teams.invite(team=team, by=person(request), to=to)
        return Response(shapes.InvitationDetail(invitation).data, status=201)


class InvitationView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses={204: None}, operation_id="revoke_invitation")
    def delete(self, request: Request, pk: int, invitation_pk: int) -> Response:
        """Revoke an open invitation."""
        teams.revoke_invitation(
            team=find_team(request, pk), invitation_pk=invitation_pk, by=person(request)
        )
        return Response(status=204)


class Join(APIView):
    permission_classes = [SignedIn]
    personal = True

    @extend_schema(
        request=shapes.InvitationCode, responses=shapes.TeamDetail, operation_id="join_team"
    )
    def post(self, request: Request) -> Response:
        """Join the team of an invitation."""
        team = teams.accept(code=parsed(shapes.InvitationCode, request)["code"], by=person(request))
        return Response(shapes.TeamDetail(team).data)


class Leave(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses={204: None}, operation_id="leave_team")
    def post(self, request: Request, pk: int) -> Response:
        """Leave a team. What it submitted stays with the team."""
        teams.leave(team=find_team(request, pk), by=person(request))
        return Response(status=204)


class Selections(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.Selections, operation_id="selections")
    def get(self, request: Request, pk: int) -> Response:
        """The submissions that count for the private ranking."""
        return Response(shapes.Selections(find_team(request, pk)).data)

    @extend_schema(
        request=shapes.Selections, responses=shapes.Selections, operation_id="choose_selections"
    )
    def put(self, request: Request, pk: int) -> Response:
        """Replace the team's selection."""
        wanted = parsed(shapes.Selections, request)["submissions"]
        team = find_team(request, pk)
        selections.choose(team=team, submission_ids=wanted, by=person(request))
        return Response(shapes.Selections(team).data)


def find_team(request: Request, pk: int) -> Team:
    found = get_object_or_404(shown_whole().visible_to(person(request)), pk=pk)
    tokens.check_competition(token(request), found.competition.slug)
    return found


def shown_whole() -> TeamQuerySet:
    return Team.objects.select_related("competition").prefetch_related("memberships__user")


def parsed(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
