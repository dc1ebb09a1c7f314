"""The types of what the test clients answer, which only the stubs name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from rest_framework.response import Response

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
    from rest_framework.response import _MonkeyPatchedResponse as ApiAnswer
else:
    Answer, ApiAnswer = HttpResponse, Response

__all__ = ["Answer", "ApiAnswer"]
