"""Signing in by the account of another site."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.http import Http404, HttpRequest


class OtherSites(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def get_app(self, request: HttpRequest, *what: Any, **more: Any) -> SocialApp:
        """The settings of another site. Raises `Http404` if it is not configured, as if its pages
        did not exist."""
        try:
            return super().get_app(request, *what, **more)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
