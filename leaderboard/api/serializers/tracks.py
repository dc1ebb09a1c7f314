"""A team's declarations that it belongs to tracks."""

from __future__ import annotations

from rest_framework import serializers

from leaderboard.models import Declaration


class DeclarationDetail(serializers.ModelSerializer[Declaration]):
    reason = serializers.CharField(help_text="The reason of the organizers who revoked it.")

    class Meta:
        model = Declaration
        fields = ("track", "revoked_at", "reason")
