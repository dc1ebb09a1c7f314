"""Uploads and what became of them."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import bodies
from leaderboard.api.authentication import person, token
from leaderboard.api.conditional import kept
from leaderboard.api.pagination import Newest
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import sending
from leaderboard.api.serializers import submissions as shapes
from leaderboard.api.serializers.measurements import Measurement
from leaderboard.api.serializers.waiting import Waiting
from leaderboard.api.views.competitions import find
from leaderboard.errors import NotFound
from leaderboard.models import Scope, Submission
from leaderboard.services import following, keeping, submissions, teams, tokens, visibility


class Submit(APIView):
    permission_classes = [SignedIn]
    scopes = {"POST": Scope.SUBMIT}
    parser_classes = [MultiPartParser]
    upload = bodies.Upload(submissions.check_size)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                location=OpenApiParameter.HEADER,
                description="At most 200 characters. An upload repeated with the same key returns "
                "the first submission: safe to retry.",
            )
        ],
        request={"multipart/form-data": sending.Upload},
        responses={201: shapes.Receipt, 200: shapes.Receipt},
        operation_id="submit",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Submit a model. 201: accepted and queued; 200: your team sent the same model before."""
        competition = find(slug)
        key = sending.IdempotencyKey(
            data={"idempotency_key": request.headers.get("Idempotency-Key")}
        )
        key.is_valid(raise_exception=True)
        # Before `request.data`, which reads the body.
        team = submissions.expect(
            competition=competition,
            by=person(request),
            **key.validated_data,
        )
        if bodies.is_question(request):
            return Response(status=204)
        sent = sending.Upload(data=request.data)
        sent.is_valid(raise_exception=True)
        receipt = submissions.submit(
            competition=competition,
            team=team,
            upload=sent.validated_data["file"],
            note=sent.validated_data["note"],
            branch=sent.validated_data["branch"],
            by=person(request),
            door=Submission.Door.API,
            **key.validated_data,
        )
        return show_receipt(request, receipt)


@kept
class Submissions(ListAPIView[Submission]):
    """My teams' submissions, the latest first."""

    permission_classes = [SignedIn]
    serializer_class = shapes.SubmissionSummary
    pagination_class = Newest
    queryset = Submission.objects.none()

    @extend_schema(parameters=[sending.Filter])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[Submission]:
        wanted = sending.Filter(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        of_my_teams = Submission.objects.filter(team__members=person(self.request))
        mine = shown_whole(tokens.within(token(self.request), of_my_teams))
        if slug := wanted.validated_data.get("competition"):
            mine = mine.filter(competition__slug=slug)
        if branch := wanted.validated_data.get("branch"):
            mine = mine.filter(branch=branch)
        return mine


@kept
class SubmissionView(APIView):
    permission_classes = [SignedIn]
    scopes = {"PATCH": Scope.SUBMIT}

    @extend_schema(
        parameters=[Waiting],
        responses=shapes.SubmissionDetail,
        operation_id="submission",
    )
    def get(self, request: Request, pk: int) -> Response:
        """A submission. With `?wait=60`, the answer comes as soon as it is scored or failed, or
        after a minute.
        """
        if seconds := Waiting.asked(request):
            submissions.await_verdict(find_submission(request, pk), seconds=seconds)
        return show(request, pk)

    @extend_schema(request=sending.Note, responses=shapes.SubmissionDetail, operation_id="annotate")
    def patch(self, request: Request, pk: int) -> Response:
        """Change the note."""
        sent = sending.Note(data=request.data)
        sent.is_valid(raise_exception=True)
        submissions.annotate(
            submission=find_submission(request, pk), by=person(request), **sent.validated_data
        )
        return show(request, pk)


class MeasurementView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=Measurement, operation_id="measurement")
    def get(self, request: Request, pk: int) -> Response:
        """How the time of a submission was measured: its segments, the machine, the conditions."""
        submission = find_submission(request, pk)
        if submission.competition.hides_scores:
            raise visibility.hidden()
        return Response(Measurement(submission.evaluation).data)


class SubmissionFile(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="submission_file",
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The uploaded file, for members of its team."""
        submission = find_submission(request, pk)
        teams.check_member(submission.team, person(request))
        return FileResponse(
            keeping.model_file(submission).open("rb"),
            as_attachment=True,
            filename=submission.file_name,
            content_type="application/octet-stream",
        )


class Withdraw(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses=shapes.SubmissionDetail, operation_id="withdraw")
    def post(self, request: Request, pk: int) -> Response:
        """Take a submission off the boards permanently. The quota that it used stays used."""
        submissions.withdraw(submission=find_submission(request, pk), by=person(request))
        return show(request, pk)


def find_submission(request: Request, pk: int) -> Submission:
    submission = following.find(pk, by=person(request))
    if submission is None:
        raise NotFound(gettext("There is no such submission, or it belongs to another team."))
    tokens.check_competition(token(request), submission.competition.slug)
    return submission


def show(request: Request, pk: int) -> Response:
    submission = find_submission(request, pk)
    return Response(shapes.SubmissionDetail(submission, context={"request": request}).data)


def show_receipt(request: Request, receipt: submissions.Receipt) -> Response:
    answer = show(request, receipt.submission.pk)
    answer.status_code = 201 if receipt.is_new else 200
    answer.data["is_new"] = receipt.is_new
    answer["Location"] = str(answer.data["url"])
    return answer


def shown_whole(submissions: QuerySet[Submission]) -> QuerySet[Submission]:
    """Prefetch relations. Submissions share the rows of their competition and calibration."""
    return submissions.prefetch_related(
        "team",
        "competition__profile",
        "competition__calibration",
        "evaluations__profile",
        "evaluations__competition__calibration",
    )
