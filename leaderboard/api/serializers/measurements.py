"""How a time was measured, as its team sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from leaderboard.models import Evaluation
from leaderboard.sentences import said
from leaderboard.services import segments
from leaderboard.services.segments import Segment

MACHINE = (
    *("cpu", "cores", "cpu_features", "gpu", "threads"),
    *("memory_bytes", "kernel", "architecture", "image"),
)
"""What teams are told of a machine, as far as it is known."""


class SegmentDetail(serializers.Serializer[Segment]):
    number = serializers.IntegerField(help_text="From 1.")
    measurement = serializers.CharField(
        source="part.title", help_text="The measurement that it belongs to, in words."
    )
    is_noisy = serializers.BooleanField(
        source="part.is_noisy", help_text="That measurement alone was too noisy."
    )
    ratio = serializers.FloatField(help_text="The time ratio of the segment, in two digits.")
    reference_seconds_per_image = serializers.FloatField(
        source="reference_seconds", help_text="Of the reference in this segment, in two digits."
    )


class Measurement(serializers.Serializer[Evaluation]):
    state = serializers.ChoiceField(Evaluation.State.choices)
    is_corrected = serializers.BooleanField(
        help_text="The ratios are read at the pace of the calibration."
    )
    segments = SegmentDetail(
        many=True,
        help_text="At most 12: of more, neighbours stand together. Empty without a score.",
    )
    findings = serializers.ListField(
        child=serializers.CharField(), help_text="What the engine noticed, in words."
    )
    conditions = serializers.ListField(
        child=serializers.CharField(), help_text="What held while it was measured, in words."
    )
    machine = serializers.DictField(help_text="What is known of the worker's machine.")
    versions = serializers.DictField(
        child=serializers.CharField(), help_text="Of the libraries on the worker."
    )

    def to_representation(self, evaluation: Evaluation) -> dict[str, Any]:
        found = segments.of(evaluation)
        report, timing = evaluation.report(), evaluation.timing
        if not found or report is None or timing is None:
            report = timing = None
        return {
            "state": evaluation.state,
            "is_corrected": timing is not None and timing.published == "corrected",
            "segments": [SegmentDetail(one).data for one in found],
            "findings": [said(one) for one in timing.flags] if timing else [],
            "conditions": [said(one) for one in timing.in_force] if timing else [],
            "machine": machine(report.hardware) if report else {},
            "versions": report.versions if report else {},
        }


def machine(hardware: Mapping[str, Any]) -> dict[str, Any]:
    return {name: hardware[name] for name in MACHINE if hardware.get(name)}
