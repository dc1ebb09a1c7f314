"""The person behind a token."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.api.serializers.teams import TeamSummary
from leaderboard.models import ApiToken, User


class Person(serializers.ModelSerializer[User]):
    is_organizer = serializers.BooleanField(source="is_staff")
    teams = TeamSummary(many=True)

    class Meta:
        model = User
        fields = ("username", "email", "is_organizer", "teams")


class Token(serializers.ModelSerializer[ApiToken]):
    token_key = serializers.CharField(help_text="How it begins; the rest was shown once.")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)
    is_current = serializers.SerializerMethodField(help_text="Whether this request used it.")

    class Meta:
        model = ApiToken
        fields = ("name", "token_key", "created_at", "expires_at", "is_current")

    def get_is_current(self, token: ApiToken) -> bool:
        used: Any = self.context["request"].auth
        return bool(used == token)
