"""Files that come in parts, by tus 1.0.0. The end of an upload is a call of its own: its answer is
that of an upload in one piece, and it can be repeated."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import bodies
from leaderboard.api.authentication import person, token
from leaderboard.api.parsers import PartParser
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import partial_uploads as shapes
from leaderboard.api.serializers import submissions as submission_shapes
from leaderboard.api.serializers import trials as trial_shapes
from leaderboard.api.views import submissions, trials
from leaderboard.api.views.competitions import find
from leaderboard.errors import OtherProtocol
from leaderboard.models import PartialUpload, Scope, Submission
from leaderboard.services import direct_uploads, partial_uploads, teams, tokens
from leaderboard.throttling import PartThrottle

VERSION = "1.0.0"


def header(name: str, description: str, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(
        name, kind, OpenApiParameter.HEADER, required=True, description=description
    )


TUS = header("Tus-Resumable", "The version of tus, 1.0.0.")


class Tus(APIView):
    """Says in each answer which protocol this is, and refuses another one in a change."""

    permission_classes = [SignedIn]

    def initial(self, request: Request, *arguments: Any, **named: Any) -> None:
        super().initial(request, *arguments, **named)
        is_change = request.method not in SAFE_METHODS
        if is_change and request.headers.get("Tus-Resumable") != VERSION:
            sentence = gettext("Send the header Tus-Resumable: %(version)s.")
            raise OtherProtocol(sentence % {"version": VERSION})

    def options(self, request: Any, *arguments: Any, **named: Any) -> Response:
        """What of tus is spoken here, which each answer's headers say."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *more: Any, **named: Any) -> Any:
        response["Tus-Resumable"] = response["Tus-Version"] = VERSION
        response["Tus-Extension"] = "creation,termination,expiration"
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *more, **named)


class Uploads(Tus):
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(responses=shapes.PartialUploadDetail(many=True), operation_id="uploads")
    def get(self, request: Request, slug: str) -> Response:
        """The files that my team is sending in parts."""
        team = teams.own(person(request), find(slug))
        rows = PartialUpload.objects.of(team).under_way().select_related("competition")
        there = [one for one in rows if partial_uploads.is_there(one)]
        return Response(shapes.PartialUploadDetail(there, many=True).data)

    @extend_schema(
        parameters=[
            TUS,
            header("Upload-Length", "Bytes of the whole file.", int),
            OpenApiParameter(
                "Upload-Metadata",
                location=OpenApiParameter.HEADER,
                description="`filename`, and optionally `purpose` (`submission` or `trial`). "
                "Write each name, a space and its value in base 64, and put "
                "commas between them. Add the word `direct` if the parts may go "
                "to the object storage of the site.",
            ),
        ],
        request=None,
        responses={201: shapes.PartialUploadDetail},
        operation_id="begin_upload",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Start to send a file in parts. The header Location gives its address. This uses no upload
        of the day.
        """
        told = shapes.metadata(request.headers.get("Upload-Metadata", "filename bW9kZWw="))
        upload = partial_uploads.begin(
            competition=find(slug),
            by=person(request),
            size_bytes=shapes.number("Upload-Length", request.headers.get("Upload-Length")),
            file_name=told.get("filename", ""),
            purpose=told["purpose"],
            is_direct="direct" in told,
        )
        address = reverse("api-upload", args=[upload.key])
        return show(upload, status=201, headers={"Location": address})


class UploadView(Tus):
    scopes = {"PATCH": Scope.SUBMIT, "DELETE": Scope.SUBMIT}
    parser_classes = [PartParser]
    upload = bodies.Upload(partial_uploads.check_size)

    def get_throttles(self) -> list[Any]:
        return [PartThrottle()] if self.request.method == "PATCH" else super().get_throttles()

    @extend_schema(responses=shapes.PartialUploadDetail, operation_id="upload")
    def get(self, request: Request, key: str) -> Response:
        """How much of a file has arrived. HEAD answers with headers only, as in tus."""
        return show(find_upload(request, key))

    @extend_schema(
        parameters=[TUS, header("Upload-Offset", "Where this part begins.", int)],
        request={PartParser.media_type: OpenApiTypes.BINARY},
        responses={204: None},
        operation_id="send_part",
    )
    def patch(self, request: Request, key: str) -> Response:
        """Send a part of a file. If the connection is lost, ask for the offset and continue from
        there.
        """
        upload = find_upload(request, key)
        start = shapes.number("Upload-Offset", request.headers.get("Upload-Offset"))
        size = bodies.announced(request._request)
        if bodies.is_question(request):
            come = partial_uploads.offset(upload)
            partial_uploads.check_part(upload, start=start, size=size, come=come)
            return Response(status=204)
        come = partial_uploads.add(upload, start=start, size=size, source=part(request))
        return Response(status=204, headers=progress(upload, come))

    @extend_schema(
        parameters=[TUS], request=None, responses={204: None}, operation_id="cancel_upload"
    )
    def delete(self, request: Request, key: str) -> Response:
        """Cancel an upload and delete what has arrived."""
        partial_uploads.cancel(find_upload(request, key))
        return Response(status=204)


class Parts(APIView):
    permission_classes = [SignedIn]
    throttle_classes = [PartThrottle]
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        request=shapes.WantedParts,
        responses=shapes.PartAddress(many=True),
        operation_id="sign_parts",
    )
    def post(self, request: Request, key: str) -> Response:
        """Addresses of the object storage for the parts of a direct upload. Send each part with
        PUT. Each address accepts only the named bytes, for a few minutes.
        """
        upload = find_upload(request, key)
        sent = shapes.WantedParts(data=request.data)
        sent.is_valid(raise_exception=True)
        wanted = [direct_uploads.Wanted(**one) for one in sent.validated_data["parts"]]
        found = direct_uploads.addresses(upload, wanted)
        return Response(shapes.PartAddress(found, many=True).data)


class Submit(APIView):
    permission_classes = [SignedIn]
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        request=shapes.UploadSubmission,
        responses={201: submission_shapes.Receipt, 200: submission_shapes.Receipt},
        operation_id="submit_upload",
    )
    def post(self, request: Request, key: str) -> Response:
        """Submit a file that has arrived completely. The answer is the same as for a model that is
        sent in one piece. A repeated call returns the same submission.
        """
        upload = find_for_end(request, key)
        sent = shapes.UploadSubmission(data=request.data)
        sent.is_valid(raise_exception=True)
        door = Submission.Door.API if token(request) else Submission.Door.WEB
        receipt = partial_uploads.submit(
            upload, by=person(request), door=door, **sent.validated_data
        )
        return submissions.show_receipt(request, receipt)


class Try(APIView):
    permission_classes = [SignedIn]
    scopes = {"POST": Scope.SUBMIT}

    @extend_schema(
        request=shapes.UploadEnd,
        responses={201: trial_shapes.TrialDetail},
        operation_id="try_upload",
    )
    def post(self, request: Request, key: str) -> Response:
        """Try a file that has arrived completely on the sample. A repeated call returns the same
        trial.
        """
        upload = find_for_end(request, key)
        sent = shapes.UploadEnd(data=request.data)
        sent.is_valid(raise_exception=True)
        trial = partial_uploads.begin_trial(upload, by=person(request), **sent.validated_data)
        answer = trials.show(request, trial)
        answer.status_code = 201
        return answer


def find_upload(request: Request, key: str) -> PartialUpload:
    upload = partial_uploads.find(key, by=person(request))
    tokens.check_competition(token(request), upload.competition.slug)
    return upload


def find_for_end(request: Request, key: str) -> PartialUpload:
    upload = partial_uploads.find_for_end(key, by=person(request))
    tokens.check_competition(token(request), upload.competition.slug)
    return upload


def part(request: Request) -> Any:
    """The body of a request, unread. Raises `UnsupportedMediaType` for one that is no part."""
    return request.data or request._request


def progress(upload: PartialUpload, come: int) -> dict[str, str]:
    """How far an upload is, in the headers of tus."""
    return {
        "Upload-Offset": str(come),
        "Upload-Length": str(upload.size_bytes),
        "Upload-Expires": http_date(upload.expires_at.timestamp()),
    }


def show(upload: PartialUpload, *, status: int = 200, headers: Any = None) -> Response:
    told = shapes.PartialUploadDetail(upload).data
    return Response(told, status=status, headers=progress(upload, told["offset"]) | (headers or {}))
