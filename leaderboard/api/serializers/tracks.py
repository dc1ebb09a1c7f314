"""A team's declarations that it belongs to tracks."""

from __future__ import annotations

from rest_framework import serializers

from leaderboard.models import Declaration
from leaderboard.services import conditions


class DeclarationDetail(serializers.ModelSerializer[Declaration]):
    reason = serializers.CharField(help_text="The reason of the organizers who revoked it.")

    class Meta:
        model = Declaration
        fields = ("track", "revoked_at", "reason")


class InTrack(serializers.Serializer[conditions.Unmet]):
    """Whether a submission counts in a track, and if not why."""

    track = serializers.CharField(source="track.slug")
    code = serializers.CharField(
        help_text="Empty if it counts there, else the code of the first condition that it does "
        "not meet, such as track_network."
    )
    reason = serializers.CharField(help_text="In the language of the request; empty if it counts.")
