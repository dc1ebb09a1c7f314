"""API tokens in the `Authorization: Token …` header, and the sessions of browsers."""

import copy

from django.http import QueryDict
from django.utils import formats, timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from drf_spectacular.authentication import SessionScheme as SpectacularSessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from leaderboard.errors import NotAllowed
from leaderboard.models import ApiToken, User
from leaderboard.services import tokens


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """Knox's hashed tokens. An expired token is kept, so that its owner learns that it expired."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        digest = hash_token(token.decode("utf-8", "replace"))
        found = ApiToken.objects.select_related("user").filter(digest=digest).first()
        if found is None:
            sentence = gettext("This token is unknown. Make a new one on your profile page.")
            raise AuthenticationFailed(f"{sentence} {renew()}", "unknown_token")
        if found.expiry is not None and found.expiry <= timezone.now():
            day = formats.date_format(found.expiry, "DATE_FORMAT")
            facts = {"name": found.name, "day": day}
            sentence = (
                gettext(
                    "The token “%(name)s” expired on %(day)s. Make a new one on your profile page."
                )
                % facts
            )
            raise AuthenticationFailed(f"{sentence} {renew()}", "expired_token")
        if not found.user.is_active:
            raise AuthenticationFailed(
                gettext("This account is switched off. Ask the organizers."), "inactive_account"
            )
        tokens.note_use(found)
        return found.user, found


class SessionAuthentication(authentication.SessionAuthentication):
    """A session whose CSRF token stands in the header X-CSRFToken.

    A token in a form is not looked for. Reading the form would spool its file before a view can
    refuse it.
    """

    def enforce_csrf(self, request: Request) -> None:
        bare = copy.copy(request._request)
        bare._post, bare._files = QueryDict(), MultiValueDict()  # type: ignore[attr-defined]
        try:
            super().enforce_csrf(bare)  # type: ignore[arg-type]
        except PermissionDenied as error:  # its own words are for programmers
            raise NotAllowed(
                gettext(
                    "You signed in after this page was loaded. Load the page again, and send the "
                    "form once more. (A program sends the CSRF token in the header X-CSRFToken.)"
                )
            ) from error


def person(request: Request) -> User:
    """Who asks, in a view that only people who are signed in may reach."""
    assert isinstance(request.user, User)
    return request.user


def token(request: Request) -> ApiToken | None:
    """The token of a request; None for a person who is signed in by the browser."""
    return request.auth if isinstance(request.auth, ApiToken) else None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "leaderboard.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token fw_…`, made on your profile page.",
        }


class SessionScheme(SpectacularSessionScheme):  # type: ignore[no-untyped-call]
    target_class = "leaderboard.api.authentication.SessionAuthentication"


def renew() -> str:
    return gettext("Make a token on your profile page, and send it as `Authorization: Token fw_…`.")
