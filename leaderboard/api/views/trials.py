"""Models that are only tried on the sample: no score, no rank, no upload used."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import bodies
from leaderboard.api.authentication import person, token
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import trials as shapes
from leaderboard.api.serializers.waiting import Waiting
from leaderboard.api.views.competitions import find
from leaderboard.models import Scope, Trial
from leaderboard.services import submissions, tokens, trials


class Begin(APIView):
    permission_classes = [SignedIn]
    scopes = {"POST": Scope.SUBMIT}
    parser_classes = [MultiPartParser]
    upload = bodies.Upload(submissions.check_size)

    @extend_schema(
        request={"multipart/form-data": shapes.TrialFile},
        responses={201: shapes.TrialDetail},
        operation_id="try_model",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Try a model on the sample, on a worker. It has no score and no rank, and uses no upload.
        A team can try one model at a time and 20 in 24 hours."""
        competition = find(slug)
        team = submissions.expect(competition=competition, by=person(request))
        trials.check_room(team)
        if bodies.is_question(request):
            return Response(status=204)
        sent = shapes.TrialFile(data=request.data)
        sent.is_valid(raise_exception=True)
        trial = trials.begin(
            competition=competition,
            team=team,
            upload=sent.validated_data["file"],
            by=person(request),
        )
        answer = show(request, trial)
        answer.status_code = 201
        return answer


class TrialView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        parameters=[Waiting],
        responses=shapes.TrialDetail,
        operation_id="trial",
    )
    def get(self, request: Request, pk: int) -> Response:
        """A trial of my team. With `?wait=60`, the answer comes as soon as it has ended, or after a
        minute.
        """
        trial = find_trial(request, pk)
        if seconds := Waiting.asked(request):
            trials.await_end(trial, seconds=seconds)
        return show(request, find_trial(request, pk))


def find_trial(request: Request, pk: int) -> Trial:
    rows = Trial.objects.visible_to(person(request)).select_related("competition", "team")
    trial = get_object_or_404(rows, pk=pk)
    tokens.check_competition(token(request), trial.competition.slug)
    return trial


def show(request: Request, trial: Trial) -> Response:
    return Response(shapes.TrialDetail(trial, context={"request": request}).data)
