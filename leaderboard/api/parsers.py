"""JSON as people and programs send it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser as RestJSONParser


class JSONParser(RestJSONParser):
    def parse(self, *source: Any, **context: Any) -> Any:
        try:
            return super().parse(*source, **context)
        except RecursionError as error:
            raise ParseError(gettext("This JSON is nested too deeply.")) from error
