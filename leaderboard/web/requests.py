"""What a view is asked with, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from leaderboard.models import User


class Request(HttpRequest):
    """A request after the middleware. Where anybody may look, `user` may be an AnonymousUser."""

    user: User
    htmx: HtmxDetails
