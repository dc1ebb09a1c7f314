"""The reference and the baselines of a board: figures without a rank."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard.services import baselines, rankings


class Baseline(serializers.Serializer[baselines.Line]):
    """The reference model's own figures on a board."""

    name = serializers.CharField()
    score = serializers.FloatField()
    score_half_width = serializers.FloatField(help_text="Half of its 95 % interval.")
    quality = serializers.FloatField()
    time_ratio = serializers.FloatField(
        help_text="Of the reference against itself, of a baseline against the reference."
    )
    half_width = serializers.FloatField(help_text="Of the time ratio's 95 % interval.")
    seconds = serializers.FloatField(help_text="Per image.")
    macs = serializers.IntegerField(
        source="evaluation.macs", allow_null=True, help_text="As in a row of the board."
    )
    memory_bytes = serializers.IntegerField(
        source="evaluation.memory_bytes", allow_null=True, help_text="As in a row of the board."
    )


class NamedBaseline(Baseline):
    """A model of the organizers on a board, beside the ranking."""

    id = serializers.IntegerField(source="model.pk")
    is_ranked = serializers.BooleanField(
        help_text="Whether a team with this quality would have a rank."
    )
    format = serializers.CharField(source="model.format")
    number_type = serializers.CharField(source="model.number_type")
    parameters = serializers.IntegerField(source="model.parameters")
    size_bytes = serializers.IntegerField(source="model.size_bytes")
    is_released = serializers.BooleanField(
        source="model.is_released", help_text="Whether its file can be downloaded."
    )


class BaselineDetail(NamedBaseline):
    f1_by_class = serializers.SerializerMethodField(help_text="On the public split.")
    sha256 = serializers.CharField(source="model.sha256")

    @extend_schema_field(serializers.DictField(child=serializers.FloatField()))
    def get_f1_by_class(self, line: baselines.Line) -> dict[str, float]:
        found = line.evaluation.f1_by_class or {}
        return {name: rankings.told(f1) for name, f1 in found.items()}
