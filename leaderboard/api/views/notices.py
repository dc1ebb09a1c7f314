"""A person's notices."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person, token
from leaderboard.api.conditional import kept
from leaderboard.api.pagination import Newest
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import notices as shapes
from leaderboard.api.views.teams import parsed
from leaderboard.models import Notice
from leaderboard.services import notices, tokens

UNREAD = OpenApiParameter("unread", bool, description="Only those that are not read yet.")


@kept
class Notices(ListAPIView[Notice]):
    """My notices, the newest first."""

    permission_classes = [SignedIn]
    serializer_class = shapes.NoticeDetail
    pagination_class = Newest
    queryset = Notice.objects.none()

    @extend_schema(parameters=[UNREAD])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Notice]:
        mine = tokens.within(token(self.request), notices.of(person(self.request)))
        wanted = self.request.query_params.get("unread", "").lower() in ("1", "true")
        return mine.filter(read_at=None) if wanted else mine


class Read(APIView):
    permission_classes = [SignedIn]
    personal = True

    @extend_schema(request=None, responses={204: None}, operation_id="read_notices")
    def post(self, request: Request) -> Response:
        """Mark all my notices as read."""
        notices.read(person(request))
        return Response(status=204)


class ReadOne(APIView):
    permission_classes = [SignedIn]
    personal = True

    @extend_schema(request=None, responses={204: None}, operation_id="read_notice")
    def post(self, request: Request, pk: int) -> Response:
        """Mark one of my notices as read."""
        notices.find(person(request), pk)
        notices.read(person(request), pk=pk)
        return Response(status=204)


class Choices(APIView):
    permission_classes = [SignedIn]
    personal = True

    @extend_schema(responses=shapes.Choices, operation_id="notice_choices")
    def get(self, request: Request) -> Response:
        """Which kinds of notices I want on the pages, and which by mail."""
        return Response(shapes.Choices(person(request)).data)

    @extend_schema(request=shapes.Choices, responses=shapes.Choices, operation_id="choose_notices")
    def put(self, request: Request) -> Response:
        """Choose which kinds of notices I want. Kinds that are left out are switched off."""
        notices.choose(person=person(request), **parsed(shapes.Choices, request))
        return Response(shapes.Choices(person(request)).data)
