"""A trial as its team sees it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard.api.serializers.submissions import DryRun
from leaderboard.models import Trial
from leaderboard.sentences import message
from leaderboard.services import rankings


class TrialFile(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class TrialFailure(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="The same as for an evaluation.")
    message = serializers.CharField()


class TrialDetail(serializers.ModelSerializer[Trial]):
    page = serializers.SerializerMethodField(help_text="The page for people.")
    competition = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    team = serializers.CharField(source="team.name")
    state = serializers.ChoiceField(Trial.State.choices)
    failure = serializers.SerializerMethodField(help_text="Present with `failed`.")
    dry_run = serializers.SerializerMethodField(help_text="What it printed on the first images.")
    quality = serializers.SerializerMethodField(
        help_text="On the sample, which it may have been trained on."
    )
    images = serializers.SerializerMethodField(
        help_text="The number of images of the sample. Each was answered twice."
    )
    seconds_per_image = serializers.SerializerMethodField(
        help_text="An approximate value, measured without the reference. It counts on no board."
    )

    class Meta:
        model = Trial
        fields = (
            "id",
            "page",
            "competition",
            "team",
            "file_name",
            "format",
            "size_bytes",
            "uploaded_at",
            "state",
            "failure",
            "dry_run",
            "quality",
            "images",
            "seconds_per_image",
        )

    def get_page(self, trial: Trial) -> str:
        return str(self.context["request"].build_absolute_uri(trial.get_absolute_url()))

    @extend_schema_field(TrialFailure(allow_null=True))
    def get_failure(self, trial: Trial) -> Any:
        failure = trial.told.failure if trial.told else None
        if failure is None:
            return None
        return {"code": failure.code, "message": message(failure.said)}

    @extend_schema_field(DryRun(allow_null=True))
    def get_dry_run(self, trial: Trial) -> Any:
        tried = trial.told.dry_run if trial.told else None
        return DryRun(tried).data if tried else None

    def get_quality(self, trial: Trial) -> float | None:
        quality = trial.told.quality if trial.told else None
        return rankings.told(quality.quality) if quality else None

    def get_images(self, trial: Trial) -> int | None:
        quality = trial.told.quality if trial.told else None
        return quality.images if quality else None

    def get_seconds_per_image(self, trial: Trial) -> float | None:
        return trial.told.seconds_per_image if trial.told else None
