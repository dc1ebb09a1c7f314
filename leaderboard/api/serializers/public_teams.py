"""What everybody may know of teams: their public page, and the race of the board."""

from __future__ import annotations

from rest_framework import serializers

from leaderboard.services import histories, races


class BestScore(serializers.Serializer[histories.Step]):
    """A submission that changed the team's row on the public board."""

    uploaded_at = serializers.DateTimeField()
    score = serializers.FloatField()
    half_width = serializers.FloatField(help_text="Half of its 95 % interval.")


class PublicTeam(serializers.Serializer[dict[str, object]]):
    """A team as its public page shows it. After the publication, the row is that of the private
    board.
    """

    id = serializers.IntegerField()
    name = serializers.CharField()
    rank = serializers.IntegerField(allow_null=True, help_text="null below the gate.")
    score = serializers.FloatField(allow_null=True, help_text="null: it is on no board.")
    score_half_width = serializers.FloatField(allow_null=True)
    quality = serializers.FloatField(allow_null=True)
    uploaded_at = serializers.DateTimeField(allow_null=True)
    history = BestScore(many=True, help_text="Its best public scores, the oldest first.")
    members = serializers.ListField(
        child=serializers.CharField(), help_text="The members who show their user names."
    )


class AsOf(serializers.Serializer[races.Race]):
    as_of = serializers.DateTimeField(
        required=False, help_text="A moment, for example 2026-12-01T12:00:00Z. Without it: now."
    )
    track = serializers.CharField(
        required=False, max_length=30, help_text="The slug of a track; without it the whole board."
    )


class RaceRow(serializers.Serializer[races.Placed]):
    rank = serializers.IntegerField()
    team = serializers.CharField()
    score = serializers.FloatField()
    half_width = serializers.FloatField()
    uploaded_at = serializers.DateTimeField()


class RaceStanding(serializers.Serializer[dict[str, object]]):
    """The public board as of a moment, with the formula and the figures of that time."""

    as_of = serializers.DateTimeField()
    is_whole = serializers.BooleanField(help_text="false: only the first teams are known.")
    results = RaceRow(many=True)
