"""Checks the announced size of a body before the body is read and before authentication.

Django's CSRF check and REST framework read a form before the view runs, and so store its files.
So a form's files are stored only if the view takes an upload and the person may send one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse, JsonResponse

from leaderboard import bodies
from leaderboard.errors import LengthRequired, Refused
from leaderboard.web import refusals


class Bodies:
    """Middleware before the CSRF check. It checks in `process_view`, when the user is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        upload = getattr(getattr(view, "view_class", view), "upload", None)
        try:
            bodies.check_length(request)
            if not takes_files(request, upload, **kwargs):
                bodies.check_form(bodies.announced(request))
                request.upload_handlers = [NoFiles(request)]
            is_asked_later = upload and upload.expect is None
            if bodies.is_question(request) and not is_asked_later:
                return HttpResponse(status=204)
        except Refused as refusal:
            return answer(request, refusal)
        return None


def takes_files(request: HttpRequest, upload: bodies.Upload | None, **arguments: Any) -> bool:
    """Whether files of this person are stored here. Raises `Refused`."""
    if upload is None or request.method in ("GET", "HEAD"):
        return False
    upload.check_size(bodies.announced(request), **arguments)
    return upload.expect is None or upload.expect(request, **arguments)


def answer(request: HttpRequest, refusal: Refused) -> HttpResponse:
    if request.path.startswith("/api/") or refusal.status == LengthRequired.status:
        said = {"code": refusal.code, "detail": refusal.detail}
        return JsonResponse(said, status=refusal.status)
    return refusals.answer(request, refusal)


class NoFiles(FileUploadHandler):
    """Skips the files of a form."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        return None
