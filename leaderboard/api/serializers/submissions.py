"""A submission as its team sees it, without the private split before publication."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request

from leaderboard.api.serializers import prospects
from leaderboard.api.serializers.teams import TeamSummary
from leaderboard.api.serializers.tracks import InTrack
from leaderboard.models import Competition, Entry, Evaluation, Submission
from leaderboard.sentences import said
from leaderboard.services import commands, conditions, confusions, queueing, rankings, rescoring
from scoring import job
from scoring.sentences import spoken

OUR_FAULT = gettext_lazy(
    "The evaluation failed because of the service. You get the upload back, and the organizers "
    "were told. Upload the model again, or wait until the organizers evaluate it again."
)


class Place(serializers.Serializer[queueing.Place]):
    position = serializers.IntegerField(help_text="1 is next.")
    length = serializers.IntegerField()
    wait_seconds = serializers.FloatField(
        allow_null=True, help_text="null: there is nothing yet to estimate it from."
    )
    is_held = serializers.BooleanField(
        help_text="No worker can measure at the moment. Workers check themselves again."
    )


class Failure(serializers.Serializer[Evaluation]):
    code = serializers.CharField(
        help_text="A stable code. docs/codes.md of Featherweight says what each code means.",
    )
    message = serializers.CharField()
    command = serializers.CharField(
        help_text="The command that fails with the same file on your own machine. Empty if "
        "there is none."
    )


class DryRun(serializers.Serializer[job.DryRun]):
    """A run on images of the sample. Only this run's output is shown: it sees no hidden image."""

    images = serializers.IntegerField(
        help_text="The number of images of the sample that were tried."
    )
    output = serializers.CharField(
        help_text="What the model printed, and the text of the error that it raised."
    )
    is_cut = serializers.BooleanField(
        help_text="The output was longer. Only its beginning is kept."
    )


class Isolation(serializers.Serializer[dict[str, Any]]):
    """The layers of the sandbox in which the models ran, in words."""

    layers = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="The layers that the machine does not provide."
    )
    is_weak = serializers.BooleanField(
        help_text="The isolation is weaker than is required outside of development."
    )


ISOLATION = ("layers", "missing", "is_weak")


class Score(serializers.Serializer[rankings.Parts]):
    """The score is the sum of its terms. Lower is better."""

    score = serializers.FloatField()
    half_width = serializers.FloatField(help_text="Half of its 95 % interval.")
    terms = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The terms that add up to the score, by name: `time`, `quality`.",
    )


class PrivateResult(Score):
    quality = serializers.FloatField()


class SubmissionSummary(serializers.ModelSerializer[Submission]):
    """A submission in a list: everything except the output of the dry run."""

    # The fields are for the schema; `summary` gives their values.
    url = serializers.URLField(read_only=True)
    page = serializers.URLField(read_only=True, help_text="The page for people.")
    competition = serializers.SlugRelatedField[Submission](slug_field="slug", read_only=True)
    team = TeamSummary()
    state = serializers.ChoiceField(Evaluation.State.choices)
    stage = serializers.CharField()
    doing = serializers.CharField(help_text="The stage in plain words.")
    percent = serializers.FloatField()
    remaining_seconds = serializers.FloatField(allow_null=True)
    queue = Place(allow_null=True, read_only=True, help_text="While queued.")
    failure = Failure(allow_null=True, read_only=True, help_text="Why the model has no score.")
    error = serializers.CharField(
        allow_null=True,
        read_only=True,
        help_text="If the evaluation failed because of the service.",
    )
    score = Score(allow_null=True, read_only=True, help_text="On the public split.")
    quality = serializers.FloatField(
        allow_null=True,
        help_text="The quality by the competition's metric on the public split, with four "
        "decimals.",
    )
    f1_by_class = serializers.DictField(
        child=serializers.FloatField(),
        allow_null=True,
        read_only=True,
        help_text="On the public split, with four decimals.",
    )
    time_ratio = serializers.FloatField(
        allow_null=True, help_text="Below 1 is faster than the reference."
    )
    half_width = serializers.FloatField(
        allow_null=True, help_text="Half of the time ratio's 95 % interval."
    )
    seconds_per_image = serializers.FloatField(
        allow_null=True, help_text="time_ratio x reference_seconds_per_image."
    )
    seconds_half_width = serializers.FloatField(
        allow_null=True, help_text="Half of the 95 % interval of seconds_per_image."
    )
    reference_seconds_per_image = serializers.FloatField(
        allow_null=True,
        read_only=True,
        help_text="The time of the reference at its calibration. All times refer to it.",
    )
    measurements = serializers.IntegerField(help_text="The number of combined measurements.")
    measurement_reason = serializers.ChoiceField(
        Evaluation.Why.choices, help_text="Why it was measured."
    )
    macs = serializers.IntegerField(
        allow_null=True,
        help_text="Multiplications with additions for one image. null if they are not counted.",
    )
    memory_bytes = serializers.IntegerField(
        allow_null=True, help_text="The most memory that the model added to its process."
    )
    measurement_page = serializers.URLField(
        read_only=True, help_text="The page that shows how it was measured."
    )
    isolation = Isolation(allow_null=True, help_text="Once the evaluation has ended.")
    private = PrivateResult(
        allow_null=True, read_only=True, help_text="Once the private board is published."
    )
    static = serializers.DictField(help_text="What the file says about itself, without running it.")

    class Meta:
        model = Submission
        fields = (
            "id",
            "url",
            "page",
            "competition",
            "team",
            "note",
            "branch",
            "file_name",
            "sha256",
            "size_bytes",
            "format",
            "number_type",
            "uploaded_at",
            "is_late",
            "selected_at",
            "withdrawn_at",
            "disqualified_at",
            "disqualified_reason",
            "reinstated_reason",
            "state",
            "stage",
            "doing",
            "percent",
            "remaining_seconds",
            "queue",
            "failure",
            "error",
            "score",
            "quality",
            "f1_by_class",
            "time_ratio",
            "half_width",
            "seconds_per_image",
            "seconds_half_width",
            "reference_seconds_per_image",
            "measurements",
            "measurement_reason",
            "macs",
            "memory_bytes",
            "measurement_page",
            "isolation",
            "private",
            "static",
        )

    def to_representation(self, submission: Submission) -> dict[str, object]:
        return summary(submission, self.context["request"])


class FormerScore(serializers.Serializer[rescoring.Former]):
    """A rescore after the verdict, and the score before it."""

    version = serializers.IntegerField(
        source="rescore.version", help_text="The version of the formula after the rescore."
    )
    decided_at = serializers.DateTimeField(source="rescore.decided_at")
    score_before = serializers.FloatField(source="score", help_text="On the public split.")


class SubmissionDetail(SubmissionSummary):
    prospect = prospects.Prospect(
        allow_null=True,
        help_text="Its place on the board, and what would help. Present once it is scored.",
    )
    confusion = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        allow_null=True,
        help_text="For each class: which answers its images of the public split got, in "
        "whole per cent.",
    )
    dry_run = DryRun(allow_null=True, help_text="Once the evaluation has ended.")
    tracks = InTrack(many=True, help_text="Each track of the competition.")
    rescored = FormerScore(many=True, help_text="Rescores since the verdict, the newest first.")

    class Meta(SubmissionSummary.Meta):
        fields = (  # type: ignore[assignment]
            *SubmissionSummary.Meta.fields,
            "prospect",
            "confusion",
            "dry_run",
            "tracks",
            "rescored",
        )

    def to_representation(self, submission: Submission) -> dict[str, object]:
        dry_run = submission.evaluation.dry_run
        return {
            **super().to_representation(submission),
            "prospect": prospects.told(submission),
            "confusion": confusion(submission.evaluation),
            "dry_run": DryRun(dry_run).data if dry_run else None,
            "tracks": [InTrack(one).data for one in conditions.of(submission)],
            "rescored": [FormerScore(one).data for one in rescoring.since(submission.evaluation)],
        }


def summary(submission: Submission, request: Request) -> dict[str, object]:
    """The fields of `SubmissionSummary` as a plain dict.

    Field by field, a serializer takes longer than the database.
    """
    address = request.build_absolute_uri
    evaluation = submission.evaluation
    if submission.competition.hides_scores:  # also from organizers
        evaluation.conceal()
    return {
        **of_upload(submission),
        **of_progress(evaluation),
        **of_result(evaluation, submission.competition),
        "url": address(reverse("api-submission", args=[submission.pk])),
        "page": address(submission.get_absolute_url()),
        "measurement_page": address(reverse("measurement", args=[evaluation.pk])),
    }


def of_upload(submission: Submission) -> dict[str, object]:
    """What is known of a submission before its evaluation, and the decisions about it."""
    competition, team = submission.competition, submission.team
    return {
        "id": submission.pk,
        "competition": competition.slug,
        "team": {"id": team.pk, "name": team.name, "competition": competition.slug},
        "note": submission.note,
        "branch": submission.branch,
        "file_name": submission.file_name,
        "sha256": submission.sha256,
        "size_bytes": submission.size_bytes,
        "format": submission.format,
        "number_type": submission.number_type,
        "uploaded_at": submission.uploaded_at,
        "is_late": submission.is_late,
        "selected_at": submission.selected_at,
        "withdrawn_at": submission.withdrawn_at,
        "disqualified_at": submission.disqualified_at,
        "disqualified_reason": submission.disqualified_reason,
        "reinstated_reason": submission.reinstated_reason,
        "static": submission.static,
    }


def of_progress(evaluation: Evaluation) -> dict[str, object]:
    """Where an evaluation stands, and why it has no score."""
    state = evaluation.state
    return {
        "state": state,
        "stage": evaluation.stage,
        "doing": evaluation.doing,
        "percent": evaluation.percent_by_now,
        "remaining_seconds": evaluation.remaining_by_now,
        "queue": place(evaluation) if state == Evaluation.State.QUEUED else None,
        "failure": failure(evaluation) if state == Evaluation.State.FAILED else None,
        "error": str(OUR_FAULT) if state == Evaluation.State.ERROR else None,
    }


def of_result(evaluation: Evaluation, competition: Competition) -> dict[str, object]:
    """What was measured. Nothing of the private split before publication."""
    isolation = evaluation.isolation
    is_scored = evaluation.time_ratio is not None
    private = score(evaluation, Entry.Board.PRIVATE) if competition.is_published else None
    return {
        "score": score(evaluation, Entry.Board.PUBLIC),
        "quality": told(evaluation.quality_public),
        "f1_by_class": f1_by_class(evaluation),
        "time_ratio": evaluation.time_ratio,
        "half_width": evaluation.half_width,
        "seconds_per_image": evaluation.seconds_per_image,
        "seconds_half_width": evaluation.seconds_half_width,
        "reference_seconds_per_image": competition.seconds_per_image(1.0) if is_scored else None,
        "measurements": evaluation.measurements,
        "measurement_reason": evaluation.why,
        "macs": evaluation.macs,
        "memory_bytes": evaluation.memory_bytes,
        "isolation": isolation_said(isolation) if isolation else None,
        "private": {**private, "quality": told(evaluation.quality_private)} if private else None,
    }


def score(evaluation: Evaluation, board: str) -> dict[str, object] | None:
    return dataclasses.asdict(made) if (made := rankings.parts(evaluation, board)) else None


def told(quality: float | None) -> float | None:
    return None if quality is None else rankings.told(quality)


def f1_by_class(evaluation: Evaluation) -> dict[str, float] | None:
    found = evaluation.f1_by_class
    return {name: rankings.told(value) for name, value in found.items()} if found else None


def confusion(evaluation: Evaluation) -> dict[str, dict[str, int]] | None:
    found = None if evaluation.competition.hides_scores else confusions.of(evaluation)
    if found is None:
        return None
    return {
        label: dict(zip(found.classes, row, strict=True))
        for label, row in zip(found.classes, found.rows, strict=True)
    }


def isolation_said(isolation: dict[str, Any]) -> dict[str, object]:
    """The layers in the reader's language."""
    return {name: spoken(isolation[name], said) for name in ISOLATION}


def place(evaluation: Evaluation) -> dict[str, object]:
    line = queueing.place(evaluation)
    return {
        "position": line.position,
        "length": line.length,
        "wait_seconds": line.wait.total_seconds() if line.wait is not None else None,
        "is_held": line.is_held,
    }


def failure(evaluation: Evaluation) -> dict[str, object]:
    return {
        "code": evaluation.failure_code,
        "message": evaluation.failure_message,
        "command": commands.for_failure(evaluation),
    }


class Receipt(SubmissionDetail):
    is_new = serializers.BooleanField(help_text="false: the team sent this model before.")

    class Meta(SubmissionDetail.Meta):
        fields = (*SubmissionDetail.Meta.fields, "is_new")  # type: ignore[assignment]
