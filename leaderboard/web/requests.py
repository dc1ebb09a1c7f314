"""What a view is asked with, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from leaderboard.models import Team, User


class Request(HttpRequest):
    """A request after the middleware, for the type checker. If anybody may look, `user` may be an
    AnonymousUser."""

    user: User
    htmx: HtmxDetails
    team: Team
    """Where a file is taken: the team that it is for, once the body is welcome."""
