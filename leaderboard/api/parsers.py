"""JSON as people and programs send it, and parts of files."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.parsers import JSONParser as RestJSONParser


class PartParser(BaseParser):
    """A part of a file, as tus sends it. It is not read here: the view first checks its place."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream: Any, *context: Any) -> Any:
        return stream


class JSONParser(RestJSONParser):
    def parse(self, *source: Any, **context: Any) -> Any:
        try:
            return super().parse(*source, **context)
        except RecursionError as error:
            raise ParseError(gettext("This JSON is nested too deeply.")) from error
