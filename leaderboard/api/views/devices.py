"""A command is signed in by a browser: RFC 8628 in shape, with this API's errors."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import throttling
from leaderboard.api.serializers import devices as shapes
from leaderboard.api.views.teams import parsed
from leaderboard.services import devices


class Begin(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = [throttling.BeginThrottle]

    @extend_schema(
        request=shapes.NewDevice, responses={201: shapes.BegunDevice}, operation_id="begin_login"
    )
    def post(self, request: Request) -> Response:
        """Start to sign in a command with a browser. Show the person `user_code` and
        `verification_uri`, then ask `/device/token` every `interval` seconds.
        """
        begun = devices.begin(**parsed(shapes.NewDevice, request))
        page = request.build_absolute_uri(reverse("device"))
        shown = {
            "device_code": begun.secret,
            "user_code": begun.device.spelled,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={begun.device.spelled}",
            "expires_in": int(devices.LIFETIME.total_seconds()),
            "interval": int(devices.INTERVAL.total_seconds()),
        }
        return Response(shapes.BegunDevice(shown).data, status=201)


class Collect(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = [throttling.CollectThrottle]

    @extend_schema(
        request=shapes.DeviceCode, responses=shapes.NewToken, operation_id="collect_token"
    )
    def post(self, request: Request) -> Response:
        """Get the token of a command that the person has confirmed. If the code is
        `authorization_pending` or `slow_down`, ask again.
        """
        token, secret = devices.collect(parsed(shapes.DeviceCode, request)["device_code"])
        shown = {"token": secret, "scope": token.scope, "expires_at": token.expiry}
        return Response(shapes.NewToken(shown).data)
