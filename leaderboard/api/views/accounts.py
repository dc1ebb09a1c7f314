"""Who am I, and which tokens are mine. Tokens are made on the profile page."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.serializers import accounts as shapes
from leaderboard.models import ApiToken
from leaderboard.services import tokens


class Me(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(responses=shapes.Person, operation_id="me")
    def get(self, request: Request) -> Response:
        """The person this token or session belongs to."""
        return Response(shapes.Person(person(request)).data)


class Tokens(ListAPIView[ApiToken]):
    """My API tokens. New ones are made on the profile page."""

    permission_classes = [IsAuthenticated]
    serializer_class = shapes.Token
    queryset = ApiToken.objects.all()

    def get_queryset(self) -> QuerySet[ApiToken]:
        mine: QuerySet[ApiToken] = ApiToken.objects.filter(user=person(self.request))
        return mine


class Token(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(responses={204: None}, operation_id="revoke_token")
    def delete(self, request: Request, token_key: str) -> Response:
        """Revoke one of my tokens."""
        tokens.revoke(user=person(request), token_key=token_key)
        return Response(status=204)
