"""Evaluations: what was measured, by whom, and what went wrong."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from leaderboard.admin import pages
from leaderboard.models import Evaluation
from leaderboard.services import queueing
from scoring.job import Report, Timing

ISOLATION_LABELS = {"whole": "success", "weak": "danger", "–": "default"}


@admin.register(Evaluation)
class EvaluationAdmin(pages.Fixed):
    list_display = [
        "number",
        "state_label",
        "of",
        "profile",
        "ratio",
        "score",
        "code",
        "isolated",
        "queued_at",
    ]
    list_filter = ["state", "profile", "kind", "why", "competition"]
    search_fields = ["team__name", "failure_code__startswith", "error_code__startswith"]
    search_help_text = "In a team's name, or the beginning of a code."
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("state_label", "kind"),
                    ("competition", "of"),
                    ("profile", "worker"),
                    "queued_at",
                    ("claimed_at", "finished_at"),
                    "trouble",
                ]
            },
        ),
        (None, {"fields": ["result", "report_json"]}),
    ]
    readonly_fields = ["state_label", "of", "trouble", "result", "report_json"]
    actions_detail = ["cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evaluation]:
        return (
            super()
            .get_queryset(request)
            .select_related("competition", "submission__team", "profile", "worker")
            .annotate(weak=F("isolation__is_weak"))
        )

    @display(description="Number", ordering="pk")
    def number(self, evaluation: Evaluation) -> int:
        return evaluation.pk

    @display(description="State", ordering="state", label=pages.STATE_LABELS)
    def state_label(self, evaluation: Evaluation) -> str:
        return evaluation.state

    @display(description="Of")
    def of(self, evaluation: Evaluation) -> SafeString | str:
        return pages.link(evaluation.submission or evaluation.competition)

    @display(description="Time ratio", ordering="time_ratio")
    def ratio(self, evaluation: Evaluation) -> str:
        return pages.ratio(evaluation.time_ratio, evaluation.half_width)

    @display(description="Score public / private", ordering="score_public")
    def score(self, evaluation: Evaluation) -> str:
        return pages.scores(evaluation)

    @display(description="Isolation", label=ISOLATION_LABELS)
    def isolated(self, evaluation: Evaluation) -> str:
        return {None: "–", False: "whole", True: "weak"}[evaluation.weak]  # type: ignore[attr-defined]

    @display(description="Failure or error")
    def code(self, evaluation: Evaluation) -> str:
        return evaluation.failure_code or evaluation.error_code or "–"

    @display(description="Failure or error")
    def trouble(self, evaluation: Evaluation) -> str:
        if evaluation.failure_code:
            return f"{evaluation.failure_code}: {evaluation.failure_message}"
        if evaluation.error_code:
            return f"our fault, {evaluation.error_code}: {evaluation.error_message}"
        return "–"

    @display(description="Figures")
    def result(self, evaluation: Evaluation) -> SafeString:
        return pages.figures(key_figures(evaluation))

    @display(description="Report")
    def report_json(self, evaluation: Evaluation) -> SafeString | str:
        report = evaluation.report()
        if report is None:
            return "–"
        text = json.dumps(report.to_json(), indent=2, ensure_ascii=False)
        return format_html(
            '<details><summary class="cursor-pointer">JSON, {} lines, for organizers only</summary>'
            '<pre class="overflow-auto" style="max-height: 40rem">{}</pre></details>',
            text.count("\n") + 1,
            text,
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        evaluation = self.get_object(request, str(object_id))
        is_queued = evaluation and evaluation.state == Evaluation.State.QUEUED
        return super().get_actions_detail(request, object_id) if is_queued else []

    @action(description="Cancel", icon="close")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        evaluation = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            evaluation,
            title="Cancel this evaluation",
            says="It leaves the queue. A submission's first evaluation is refunded to its team.",
            button="Cancel the evaluation",
            is_danger=True,
            do=lambda: queueing.cancel(evaluation=evaluation, by=pages.organizer(request)),
            done="The evaluation is cancelled.",
        )


def measurement_link(evaluation: Evaluation) -> SafeString:
    page = '<a href="{}" class="text-primary-600 dark:text-primary-500">how it was measured</a>'
    return format_html(page, reverse("measurement", args=[evaluation.pk]))


def key_figures(evaluation: Evaluation) -> pages.Figures:
    report = evaluation.report()
    return [
        *of_evaluation(evaluation),
        *(of_splits(evaluation, report) if report else ()),
        *(of_timing(report.timing) if report and report.timing else ()),
        *of_isolation(evaluation),
        *(of_machine(report) if report else ()),
        *of_sharing(evaluation),
    ]


def of_evaluation(evaluation: Evaluation) -> pages.Figures:
    return [
        ("Attempt", evaluation.attempt),
        ("Why", evaluation.get_why_display()),
        ("Measurements pooled", evaluation.measurements),
        ("Attempts too noisy to count", evaluation.reports.filter(is_noisy=True).count()),
        ("Quads", measurement_link(evaluation)),
        ("Time ratio", pages.ratio(evaluation.time_ratio, evaluation.half_width)),
        (
            "Seconds per image",
            f"{pages.milliseconds(evaluation.seconds_per_image)} "
            f"± {pages.milliseconds(evaluation.seconds_half_width)}, reference "
            f"{pages.milliseconds(evaluation.competition.seconds_per_image(1.0))} "
            "when it was calibrated",
        ),
        ("Reference quality", pages.number(evaluation.quality_ref, 3)),
    ]


def of_splits(evaluation: Evaluation, report: Report) -> pages.Figures:
    measure = evaluation.competition.quality_measure
    scores = {"public": evaluation.score_public, "private": evaluation.score_private}
    return [
        (
            name.capitalize(),
            f"score {pages.number(score)} ± {pages.number(evaluation.score_half_width)}, "
            f"{measure.short} {pages.number(report.splits[name].quality)}, "
            f"accuracy {pages.number(report.splits[name].accuracy)}, "
            f"{report.splits[name].images} images",
        )
        for name, score in scores.items()
        if name in report.splits
    ]


def of_timing(timing: Timing) -> pages.Figures:
    return [
        (
            "Measured",
            f"{len(timing.quads)} quads in {timing.segments} segments, "
            f"{timing.measured_seconds:.1f} s, {timing.disturbed_share:.0%} disturbed",
        ),
        ("In force", ", ".join(timing.in_force) or "–"),
        ("Findings", "; ".join(timing.flags) or "–"),
    ]


def of_isolation(evaluation: Evaluation) -> pages.Figures:
    isolation = evaluation.isolation
    if not isolation:
        return []
    mark = "Isolation, WEAK" if evaluation.is_weakly_isolated else "Isolation"
    lacks = [f"missing: {one}" for one in isolation["missing"]]
    return [(mark, "; ".join([*isolation["layers"], *lacks]))]


def of_machine(report: Report) -> pages.Figures:
    facts = {"Hardware": report.hardware, "Versions": report.versions}
    return [
        (name, ", ".join(f"{key} {value}" for key, value in values.items()))
        for name, values in facts.items()
        if values
    ]


def of_sharing(evaluation: Evaluation) -> pages.Figures:
    if not evaluation.measured_by_id:
        return []
    return [("Shares the measurement of", pages.link(evaluation.measured_by))]
