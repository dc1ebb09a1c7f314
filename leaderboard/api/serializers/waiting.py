"""How long a request waits for an end."""

from __future__ import annotations

import math

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request

from leaderboard.models import Submission


class Waiting(serializers.Serializer[Submission]):
    wait = serializers.FloatField(
        min_value=0,
        max_value=60,
        default=0,
        help_text="Answer when the evaluation has finished, or after this many seconds.",
    )

    @classmethod
    def asked(cls, request: Request) -> float:
        """The seconds that a request wants to wait."""
        waiting = cls(data=request.query_params)
        waiting.is_valid(raise_exception=True)
        seconds: float = waiting.validated_data["wait"]
        return seconds

    def validate_wait(self, seconds: float) -> float:
        if math.isnan(seconds):
            raise serializers.ValidationError(gettext("A valid number is required."))
        return seconds
