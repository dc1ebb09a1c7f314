"""Questions to the organizers, and what is asked often."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from leaderboard.api.authentication import person, token
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import questions as shapes
from leaderboard.api.views.competitions import find
from leaderboard.models import FaqEntry, Question
from leaderboard.services import faq, questions, tokens


class Questions(ListAPIView[Question]):
    """Public answers, and what I and my team asked, the newest first."""

    serializer_class = shapes.QuestionDetail
    queryset = Question.objects.none()

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method in SAFE_METHODS else SignedIn()]

    def get_queryset(self) -> QuerySet[Question]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        competition = find(self.kwargs["slug"])
        tokens.check_competition(token(self.request), competition.slug)
        return questions.readable(competition, self.request.user)

    @extend_schema(
        request=shapes.NewQuestion,
        responses={201: shapes.QuestionDetail},
        operation_id="ask_organizers",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Ask the organizers a question. My team reads the answer, or everybody."""
        sent = shapes.NewQuestion(data=request.data)
        sent.is_valid(raise_exception=True)
        made = questions.ask(competition=find(slug), by=person(request), **sent.validated_data)
        shown = questions.readable(made.competition, person(request)).get(pk=made.pk)
        return Response(shapes.QuestionDetail(shown).data, status=201)


class Faq(ListAPIView[FaqEntry]):
    """Frequently asked questions with the organizers' answers, in their order."""

    serializer_class = shapes.FaqDetail
    queryset = FaqEntry.objects.none()

    def get_queryset(self) -> QuerySet[FaqEntry]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return faq.of(find(self.kwargs["slug"]))
