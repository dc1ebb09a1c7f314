"""What a winner hands in, and what became of it. Organizers decide in the panel."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import bodies
from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import verifications as shapes
from leaderboard.api.views.teams import find_team, parsed
from leaderboard.models import Verification
from leaderboard.services import teams, verifications


class VerificationView(APIView):
    permission_classes = [SignedIn]
    parser_classes = [MultiPartParser]
    upload = bodies.Upload(verifications.check_size)

    @extend_schema(responses=shapes.VerificationDetail, operation_id="verification")
    def get(self, request: Request, pk: int) -> Response:
        """What the organizers ask of my team as a winner, what it handed in, and their decision."""
        return show(own(request, pk))

    @extend_schema(
        request={"multipart/form-data": shapes.HandIn},
        responses=shapes.VerificationDetail,
        operation_id="hand_in",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Hand in code or a report, until the date. The last one counts."""
        asked = own(request, pk)
        verifications.check_takes(asked)  # before `request.data`, which reads the body
        if bodies.is_question(request):
            return Response(status=204)
        sent = parsed(shapes.HandIn, request)
        verifications.hand_in(
            verification=asked,
            upload=sent["file"],
            link=sent["link"],
            note=sent["note"],
            by=person(request),
        )
        return show(own(request, pk))


class Withdraw(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        request=None, responses=shapes.VerificationDetail, operation_id="withdraw_verification"
    )
    def post(self, request: Request, pk: int) -> Response:
        """Hand in nothing. My team then has no rank on the private board."""
        verifications.withdraw(verification=own(request, pk), by=person(request))
        return show(own(request, pk))


def own(request: Request, pk: int) -> Verification:
    """What a team of mine was asked. Raises `NotFound`, and `NotAMember` for an organizer."""
    team = find_team(request, pk)
    teams.check_member(team, person(request))
    return verifications.own(team)


def show(asked: Verification) -> Response:
    return Response(shapes.VerificationDetail(asked).data)
