"""Answers that a reader keeps and asks for again: with If-None-Match, 304 if nothing changed."""

from __future__ import annotations

from typing import TypeVar

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from django.views.decorators.vary import vary_on_headers
from rest_framework.views import APIView

View = TypeVar("View", bound=type[APIView])
RULES = [
    vary_on_headers("Authorization", "Cookie", "Accept-Language"),
    cache_control(private=True, no_cache=True),
    conditional_page,
]
"""The answer is the reader's alone. The ETag is of the answer, one page or one thing: what it tells
comes from many tables, and from the clock."""


def kept(view: View) -> View:
    """Let readers keep what GET of a view answers. The description tells it."""
    view.is_kept = True  # type: ignore[attr-defined]
    decorated: View = method_decorator(RULES, name="dispatch")(view)
    return decorated
