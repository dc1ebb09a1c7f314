"""Signing in by the account of another site."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.http import Http404, HttpRequest


class OtherSites(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def get_app(self, request: HttpRequest, *what: Any, **more: Any) -> SocialApp:
        """Raises `Http404` for a site that is not configured: its pages are not there."""
        try:
            return super().get_app(request, *what, **more)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
