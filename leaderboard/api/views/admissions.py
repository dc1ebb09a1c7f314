"""Competitions that do not let everybody in: apply, and take up an invitation."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import admissions as shapes
from leaderboard.api.views.competitions import find
from leaderboard.api.views.teams import parsed
from leaderboard.models import Competition
from leaderboard.services import admissions, applications, guests


class Admission(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.Standing, operation_id="admission")
    def get(self, request: Request, slug: str) -> Response:
        """Whether I may take part, else why not, and my application."""
        return standing(request, find(slug))


class Apply(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=shapes.NewApplication, responses=shapes.Standing, operation_id="apply")
    def put(self, request: Request, slug: str) -> Response:
        """Ask the organizers to let me take part. While the application waits, another one replaces
        its answers."""
        competition = find(slug)
        answers = parsed(shapes.NewApplication, request)["answers"]
        applications.apply(competition=competition, answers=answers, by=person(request))
        return standing(request, competition)


class TakeUp(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        request=shapes.GuestCode, responses=shapes.Standing, operation_id="take_up_invitation"
    )
    def post(self, request: Request, slug: str) -> Response:
        """Accept an invitation of the organizers."""
        competition = find(slug)
        code = parsed(shapes.GuestCode, request)["code"]
        guests.accept(slug=slug, code=code, by=person(request))
        return standing(request, competition)


def standing(request: Request, competition: Competition) -> Response:
    who = person(request)
    hurdle = admissions.hurdle_of(competition, who)
    found = {
        "is_admitted": hurdle is None,
        "code": hurdle.code if hurdle else "",
        "detail": hurdle.detail if hurdle else "",
        "questions": competition.question_list,
        "application": admissions.application_of(competition, who),
    }
    return Response(shapes.Standing(found).data)
