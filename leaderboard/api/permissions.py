"""Who may call: somebody who is signed in, with a token that is enough for the call."""

from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from leaderboard.api.authentication import token
from leaderboard.models import Scope
from leaderboard.services import tokens


class SignedIn(IsAuthenticated):
    """Reading needs the scope "read", a change "manage", unless the view names another scope in
    `scopes`.

    A token for one competition is refused at addresses of other competitions, and by views that
    are `personal`: their changes concern the whole account. Views of one team or submission check
    it when they have found the team.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        used = token(request)
        tokens.check_scope(used, scope_of(view, str(request.method)))
        if "slug" in view.kwargs:
            tokens.check_competition(used, view.kwargs["slug"])
        elif getattr(view, "personal", False):
            tokens.check_competition(used, None)
        return True


class SignedInOrItself(SignedIn):
    """Any token may end itself. Of the others only one for the whole account may end."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        used = token(request)
        if used is not None and used.token_key == view.kwargs["token_key"]:
            return True
        is_allowed = super().has_permission(request, view)
        tokens.check_competition(used, None)
        return is_allowed


def scope_of(view: object, method: str) -> Scope:
    """The least scope that a method of a view needs."""
    usual = Scope.READ if method.upper() in SAFE_METHODS else Scope.MANAGE
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    return scopes.get(method.upper(), usual)
