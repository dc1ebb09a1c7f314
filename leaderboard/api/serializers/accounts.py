"""The person behind a token."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard.api.authentication import token
from leaderboard.api.serializers.teams import TeamSummary
from leaderboard.models import ApiToken, Team, User
from leaderboard.models.organizers import enters_panel
from leaderboard.services import tokens


class Person(serializers.ModelSerializer[User]):
    is_organizer = serializers.SerializerMethodField()
    teams = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("username", "email", "is_organizer", "teams")

    def get_is_organizer(self, person: User) -> bool:
        return enters_panel(person)

    @extend_schema_field(TeamSummary(many=True))
    def get_teams(self, person: User) -> Any:
        """Those that the token is for."""
        mine = Team.objects.filter(members=person).select_related("competition")
        return TeamSummary(tokens.within(token(self.context["request"]), mine), many=True).data


class Token(serializers.ModelSerializer[ApiToken]):
    token_key = serializers.CharField(
        help_text="The beginning of the token. The rest was shown only once."
    )
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)
    competition = serializers.SlugRelatedField[Any](
        slug_field="slug",
        read_only=True,
        allow_null=True,
        help_text="The only competition that the token is for. null: all.",
    )
    used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    is_current = serializers.SerializerMethodField(help_text="Whether this request used it.")

    class Meta:
        model = ApiToken
        fields = (
            "name",
            "token_key",
            "scope",
            "competition",
            "created_at",
            "expires_at",
            "used_at",
            "is_current",
        )

    def get_is_current(self, token: ApiToken) -> bool:
        used: Any = self.context["request"].auth
        return bool(used == token)
