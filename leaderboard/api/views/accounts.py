"""Who am I, and which tokens are mine. Tokens are made on the profile page."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn, SignedInOrItself
from leaderboard.api.serializers import accounts as shapes
from leaderboard.models import ApiToken
from leaderboard.services import tokens


class Me(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.Person, operation_id="me")
    def get(self, request: Request) -> Response:
        """The person this token or session belongs to."""
        return Response(shapes.Person(person(request), context={"request": request}).data)


class Tokens(ListAPIView[ApiToken]):
    """My API tokens. New ones are made on the profile page."""

    permission_classes = [SignedIn]
    personal = True
    serializer_class = shapes.Token
    queryset = ApiToken.objects.all()

    def get_queryset(self) -> QuerySet[ApiToken]:
        return tokens.of(person(self.request))


class Token(APIView):
    permission_classes = [SignedInOrItself]

    @extend_schema(responses={204: None}, operation_id="revoke_token")
    def delete(self, request: Request, token_key: str) -> Response:
        """Revoke one of my tokens. A token with the scope "manage" can revoke any of them, another
        token only itself.
        """
        tokens.revoke(user=person(request), token_key=token_key, by=person(request))
        return Response(status=204)
