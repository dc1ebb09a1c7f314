"""A submission as its team sees it: nothing of the private split before publication."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard.api.serializers.teams import TeamSummary
from leaderboard.models import Entry, Evaluation, Submission
from leaderboard.services import commands, evaluations, rankings

OUR_FAULT = (
    "The evaluation failed by our fault. It does not count against your quota and the organizers "
    "were told; upload the model again, or wait until they evaluate it again."
)


class Place(serializers.Serializer[evaluations.Line]):
    position = serializers.IntegerField(help_text="1 is next.")
    length = serializers.IntegerField()
    wait_seconds = serializers.SerializerMethodField(help_text="None: nothing to judge by yet.")
    is_held = serializers.BooleanField(
        help_text="No worker is fit to measure just now; they check themselves again."
    )

    def get_wait_seconds(self, line: evaluations.Line) -> float | None:
        return line.wait.total_seconds() if line.wait is not None else None


class Failure(serializers.Serializer[Evaluation]):
    code = serializers.CharField(
        source="failure_code",
        help_text="Stable; the README of Featherweight says what each means and what to do.",
    )
    message = serializers.CharField(source="failure_message")
    command = serializers.SerializerMethodField(
        help_text="What fails for the same file at home; empty where nothing does."
    )

    def get_command(self, evaluation: Evaluation) -> str:
        return commands.for_failure(evaluation)


class DryRun(serializers.Serializer[dict[str, Any]]):
    """A try on images of the sample, before anything hidden: here alone a model may be heard."""

    images = serializers.IntegerField(help_text="Of the sample, which were tried.")
    output = serializers.CharField(
        help_text="What the model printed, and the text of the error it raised."
    )
    is_cut = serializers.BooleanField(help_text="It said more; only the beginning is kept.")


class Isolation(serializers.Serializer[dict[str, Any]]):
    """What shut the models in, in words."""

    layers = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="What the machine does not allow."
    )
    is_weak = serializers.BooleanField(
        help_text="It is less than is insisted on outside of development."
    )


class Score(serializers.Serializer[rankings.Parts]):
    """score = time_term + f1_term; lower is better."""

    score = serializers.FloatField()
    half_width = serializers.FloatField(help_text="Half of its 95 % interval.")
    time_term = serializers.FloatField()
    f1_term = serializers.FloatField()


class PrivateResult(Score):
    f1 = serializers.FloatField()


class SubmissionSummary(serializers.ModelSerializer[Submission]):
    """What a list says of a submission: all but what its model said in the dry run."""

    url = serializers.HyperlinkedIdentityField(view_name="api-submission")
    page = serializers.SerializerMethodField(help_text="For people.")
    competition = serializers.SlugRelatedField[Submission](slug_field="slug", read_only=True)
    team = TeamSummary()
    state = serializers.ChoiceField(Evaluation.State.choices, source="evaluation.state")
    stage = serializers.CharField(source="evaluation.stage")
    doing = serializers.CharField(source="evaluation.doing", help_text="The stage in plain words.")
    percent = serializers.FloatField(source="evaluation.percent_by_now")
    remaining_seconds = serializers.FloatField(
        source="evaluation.remaining_by_now", allow_null=True
    )
    queue = serializers.SerializerMethodField(help_text="While queued.")
    failure = serializers.SerializerMethodField(help_text="Why the model has no score.")
    error = serializers.SerializerMethodField(help_text="When the evaluation failed by our fault.")
    score = serializers.SerializerMethodField(help_text="On the public split.")
    f1 = serializers.FloatField(
        source="evaluation.f1_public", allow_null=True, help_text="Macro-F1 on the public split."
    )
    f1_by_class = serializers.SerializerMethodField(help_text="On the public split.")
    time_ratio = serializers.FloatField(
        source="evaluation.time_ratio",
        allow_null=True,
        help_text="Below 1 is faster than the reference.",
    )
    half_width = serializers.FloatField(
        source="evaluation.half_width",
        allow_null=True,
        help_text="Half of the time ratio's 95 % interval.",
    )
    seconds_per_image = serializers.FloatField(
        source="evaluation.seconds_per_image",
        allow_null=True,
        help_text="time_ratio x reference_seconds_per_image.",
    )
    seconds_half_width = serializers.FloatField(
        source="evaluation.seconds_half_width",
        allow_null=True,
        help_text="Half of the 95 % interval of seconds_per_image.",
    )
    reference_seconds_per_image = serializers.SerializerMethodField(
        help_text="Of the reference when it was calibrated: the pace of all times."
    )
    measurements = serializers.IntegerField(
        source="evaluation.measurements", help_text="How many are pooled in the time ratio."
    )
    measurement_reason = serializers.ChoiceField(
        Evaluation.Why.choices, source="evaluation.why", help_text="Why it was measured."
    )
    measurement_page = serializers.SerializerMethodField(
        help_text="How it was measured, for people."
    )
    isolation = Isolation(
        source="evaluation.isolation", allow_null=True, help_text="Once the evaluation has ended."
    )
    private = serializers.SerializerMethodField(help_text="Once the private board is published.")
    static = serializers.DictField(help_text="What the file says of itself, without running it.")

    class Meta:
        model = Submission
        fields = (
            "id",
            "url",
            "page",
            "competition",
            "team",
            "note",
            "file_name",
            "sha256",
            "size_bytes",
            "uploaded_at",
            "selected_at",
            "withdrawn_at",
            "disqualified_at",
            "disqualified_reason",
            "state",
            "stage",
            "doing",
            "percent",
            "remaining_seconds",
            "queue",
            "failure",
            "error",
            "score",
            "f1",
            "f1_by_class",
            "time_ratio",
            "half_width",
            "seconds_per_image",
            "seconds_half_width",
            "reference_seconds_per_image",
            "measurements",
            "measurement_reason",
            "measurement_page",
            "isolation",
            "private",
            "static",
        )

    @extend_schema_field(serializers.URLField())
    def get_page(self, submission: Submission) -> str:
        return str(self.context["request"].build_absolute_uri(submission.get_absolute_url()))

    @extend_schema_field(serializers.URLField())
    def get_measurement_page(self, submission: Submission) -> str:
        address = reverse("measurement", args=[submission.evaluation.pk])
        return str(self.context["request"].build_absolute_uri(address))

    @extend_schema_field(Place(allow_null=True))
    def get_queue(self, submission: Submission) -> Mapping[str, Any] | None:
        evaluation = submission.evaluation
        if evaluation.state != Evaluation.State.QUEUED:
            return None
        return Place(evaluations.line(evaluation)).data

    @extend_schema_field(Failure(allow_null=True))
    def get_failure(self, submission: Submission) -> Mapping[str, Any] | None:
        evaluation = submission.evaluation
        return Failure(evaluation).data if evaluation.state == Evaluation.State.FAILED else None

    def get_reference_seconds_per_image(self, submission: Submission) -> float | None:
        is_scored = submission.evaluation.time_ratio is not None
        return submission.competition.seconds_per_image(1.0) if is_scored else None

    def get_error(self, submission: Submission) -> str | None:
        return OUR_FAULT if submission.evaluation.state == Evaluation.State.ERROR else None

    @extend_schema_field(Score(allow_null=True))
    def get_score(self, submission: Submission) -> Mapping[str, Any] | None:
        parts = rankings.parts(submission.evaluation, Entry.Board.PUBLIC)
        return Score(parts).data if parts else None

    @extend_schema_field(serializers.DictField(child=serializers.FloatField(), allow_null=True))
    def get_f1_by_class(self, submission: Submission) -> dict[str, float] | None:
        found: dict[str, float] | None = submission.evaluation.f1_by_class
        return found

    @extend_schema_field(PrivateResult(allow_null=True))
    def get_private(self, submission: Submission) -> Mapping[str, Any] | None:
        if not submission.competition.is_published:
            return None
        evaluation = submission.evaluation
        parts = rankings.parts(evaluation, Entry.Board.PRIVATE)
        return {**Score(parts).data, "f1": evaluation.f1_private} if parts else None


class SubmissionDetail(SubmissionSummary):
    dry_run = DryRun(
        source="evaluation.dry_run", allow_null=True, help_text="Once the evaluation has ended."
    )

    class Meta(SubmissionSummary.Meta):
        fields = (*SubmissionSummary.Meta.fields, "dry_run")  # type: ignore[assignment]


class Upload(serializers.Serializer[Submission]):
    """A TorchScript archive, as multipart/form-data."""

    file = serializers.FileField(allow_empty_file=True, help_text="The model: a .pt file.")
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class IdempotencyKey(serializers.Serializer[Submission]):
    idempotency_key = serializers.CharField(max_length=200, allow_null=True)


class Receipt(SubmissionDetail):
    is_new = serializers.BooleanField(help_text="False: the team sent this model before.")

    class Meta(SubmissionDetail.Meta):
        fields = (*SubmissionDetail.Meta.fields, "is_new")  # type: ignore[assignment]


class Waiting(serializers.Serializer[Submission]):
    wait = serializers.FloatField(
        min_value=0,
        max_value=60,
        default=0,
        help_text="Answer when the evaluation is finished, at the latest after so many seconds.",
    )

    def validate_wait(self, seconds: float) -> float:
        if math.isnan(seconds):
            raise serializers.ValidationError("A valid number is required.")
        return seconds


class Filter(serializers.Serializer[Submission]):
    competition = serializers.SlugField(required=False, help_text="Only of this competition.")
