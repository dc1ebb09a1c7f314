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
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from leaderboard.admin import hosts, pages
from leaderboard.models import Evaluation
from leaderboard.sentences import said
from leaderboard.services import queueing
from leaderboard.sizes import megabytes
from scoring.job import HostNumbers, Report, Timing
from scoring.sentences import spoken

ISOLATION_LABELS = {"complete": "success", "weak": "danger", "none": "default"}


class Isolation(admin.SimpleListFilter):
    title = gettext_lazy("isolation")
    parameter_name = "isolation"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("weak", gettext("weak")), ("complete", gettext("complete"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Evaluation]
    ) -> QuerySet[Evaluation]:
        if self.value() not in ("weak", "complete"):
            return queryset
        return queryset.filter(isolation__is_weak=self.value() == "weak")


@admin.register(Evaluation)
class EvaluationAdmin(pages.Fixed):
    comes_from = gettext_lazy(
        "An upload is evaluated as soon as a worker is free. Its evaluation stands here."
    )
    to_competition = "competition"
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
    list_filter = [
        *("state", "profile", "kind", "why"),
        ("competition", pages.OwnCompetition),
        Isolation,
    ]
    search_fields = ["team__name", "failure_code__startswith", "error_code__startswith"]
    search_help_text = gettext_lazy("Searches in team names, and at the beginning of codes.")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("state_said", "kind"),
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
    readonly_fields = ["state_said", "of", "trouble", "result", "report_json"]
    actions_detail = ["cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evaluation]:
        return (
            super()
            .get_queryset(request)
            .select_related("competition", "submission__team", "baseline", "profile", "worker")
            .annotate(weak=F("isolation__is_weak"))
        )

    @display(description=gettext_lazy("Number"), ordering="pk")
    def number(self, evaluation: Evaluation) -> int:
        return evaluation.pk

    @display(description=gettext_lazy("State"), ordering="state", label=pages.STATE_LABELS)
    def state_label(self, evaluation: Evaluation) -> tuple[str, str]:
        return evaluation.state, evaluation.get_state_display()

    @display(description=gettext_lazy("State"))
    def state_said(self, evaluation: Evaluation) -> str:
        return evaluation.get_state_display()

    @display(description=gettext_lazy("Of"))
    def of(self, evaluation: Evaluation) -> SafeString | str:
        return pages.link(evaluation.model or evaluation.competition)

    @display(description=gettext_lazy("Time ratio"), ordering="time_ratio")
    def ratio(self, evaluation: Evaluation) -> str:
        return pages.ratio(evaluation.time_ratio, evaluation.half_width)

    @display(description=gettext_lazy("Score public / private"), ordering="score_public")
    def score(self, evaluation: Evaluation) -> str:
        return pages.scores(evaluation)

    @display(description=gettext_lazy("Isolation"), label=ISOLATION_LABELS)
    def isolated(self, evaluation: Evaluation) -> tuple[str, str]:
        is_weak = evaluation.weak  # type: ignore[attr-defined]
        if is_weak is None:
            return "none", "–"
        return ("weak", gettext("weak")) if is_weak else ("complete", gettext("complete"))

    @display(description=gettext_lazy("Failure or error"))
    def code(self, evaluation: Evaluation) -> SafeString | str:
        return pages.trouble(evaluation)

    @display(description=gettext_lazy("Failure or error"))
    def trouble(self, evaluation: Evaluation) -> SafeString | str:
        return pages.trouble(evaluation)

    @display(description=gettext_lazy("Figures"))
    def result(self, evaluation: Evaluation) -> SafeString:
        return pages.figures(key_figures(evaluation))

    @display(description=gettext_lazy("Report"))
    def report_json(self, evaluation: Evaluation) -> SafeString | str:
        report = evaluation.report()
        if report is None:
            return "–"
        told = spoken(report.to_json(), said)
        text = json.dumps(told, indent=2, ensure_ascii=False)
        return format_html(
            '<details><summary class="cursor-pointer">{}</summary>'
            '<pre class="overflow-auto" style="max-height: 40rem">{}</pre></details>',
            gettext("JSON, %(lines)d lines, for organizers only") % {"lines": text.count("\n") + 1},
            text,
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        evaluation = self.get_object(request, str(object_id))
        is_queued = evaluation and evaluation.state == Evaluation.State.QUEUED
        return super().get_actions_detail(request, object_id) if is_queued else []

    @action(description=gettext_lazy("Cancel"), icon="close")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        evaluation = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            evaluation,
            title=gettext("Cancel this evaluation"),
            says=gettext(
                "The evaluation leaves the queue. If it is the first evaluation of a "
                "submission, the team gets the upload back."
            ),
            button=gettext("Cancel the evaluation"),
            is_danger=True,
            do=lambda: queueing.cancel(evaluation=evaluation, by=pages.organizer(request)),
            done=gettext("The evaluation is cancelled."),
        )


def measurement_link(evaluation: Evaluation) -> SafeString:
    page = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>'
    address = reverse("measurement", args=[evaluation.pk])
    return format_html(page, address, gettext("how it was measured"))


def key_figures(evaluation: Evaluation) -> pages.Figures:
    """What an organizer looks for first, before the whole report."""
    report = evaluation.report()
    return [
        *of_attempts(evaluation),
        *of_time(evaluation),
        *(of_splits(evaluation, report) if report else ()),
        *(of_timing(report.timing) if report and report.timing else ()),
        *of_isolation(evaluation),
        *(of_host(report.host) if report and report.host else ()),
        *(of_machine(report) if report else ()),
        *of_sharing(evaluation),
    ]


def of_attempts(evaluation: Evaluation) -> pages.Figures:
    noisy = evaluation.reports.filter(is_noisy=True).count()
    return [
        (gettext("Attempt"), evaluation.attempt),
        (gettext("Reason of the evaluation"), evaluation.get_why_display()),
        (gettext("Combined measurements"), evaluation.measurements),
        (gettext("Attempts that were too noisy to count"), noisy),
        (gettext("Comparisons"), measurement_link(evaluation)),
    ]


def of_time(evaluation: Evaluation) -> pages.Figures:
    seconds = gettext("%(seconds)s; reference %(reference)s at the calibration")
    facts = {
        "seconds": pages.milliseconds(evaluation.seconds_per_image, evaluation.seconds_half_width),
        "reference": pages.milliseconds(evaluation.competition.seconds_per_image(1.0)),
    }
    is_measured = evaluation.time_ratio is not None
    return [
        (gettext("Time ratio"), pages.ratio(evaluation.time_ratio, evaluation.half_width)),
        (gettext("Time per image"), seconds % facts if is_measured else "–"),
        (gettext("Reference quality"), pages.number(evaluation.quality_ref, 3)),
    ]


def of_splits(evaluation: Evaluation, report: Report) -> pages.Figures:
    """Score and quality on each hidden split."""
    scores = {
        "public": (gettext("Public"), evaluation.score_public),
        "private": (gettext("Private"), evaluation.score_private),
    }
    sentence = gettext(
        "score %(score)s, %(measure)s %(quality)s, accuracy %(accuracy)s, %(images)d images"
    )
    measure = said(evaluation.competition.quality_measure.short)
    rows = []
    for name, (heading, score) in scores.items():
        if split := report.splits.get(name):
            facts = {
                "score": pages.interval(score, evaluation.score_half_width, 4),
                "measure": measure,
                "quality": pages.number(split.quality),
                "accuracy": pages.number(split.accuracy),
                "images": split.images,
            }
            rows.append((heading, sentence % facts))
    return rows


def of_timing(timing: Timing) -> pages.Figures:
    sentence = gettext(
        "Comparisons: %(quads)d. Segments: %(segments)d. Time: %(seconds)s s. Disturbed: %(share)s."
    )
    facts = {
        "quads": len(timing.quads),
        "segments": timing.segments,
        "seconds": pages.number(timing.measured_seconds, 1),
        "share": f"{timing.disturbed_share:.0%}",
    }
    return [
        (gettext("Measurement"), sentence % facts),
        (gettext("In force"), " ".join(map(said, timing.in_force)) or "–"),
        (gettext("Findings"), " ".join(map(said, timing.flags)) or "–"),
    ]


def of_isolation(evaluation: Evaluation) -> pages.Figures:
    isolation = evaluation.isolation
    if not isolation:
        return []
    weak = gettext("Isolation, WEAK")
    heading = weak if evaluation.is_weakly_isolated else gettext("Isolation")
    lacks = [gettext("missing: %(layer)s") % {"layer": said(one)} for one in isolation["missing"]]
    return [(heading, "; ".join([*map(said, isolation["layers"]), *lacks]))]


def of_host(host: HostNumbers) -> pages.Figures:
    """The numbers of the host by which time was measured."""
    starts = gettext("A process of the reference starts in %(seconds)s s.")
    return [
        (gettext("Cost of a turn"), hosts.turns(host)),
        (gettext("Start of a process"), starts % {"seconds": pages.number(host.start_seconds, 2)}),
        (gettext("Standard deviation between runs"), hosts.between_runs(host)),
    ]


def of_machine(report: Report) -> pages.Figures:
    facts = {gettext("Hardware"): report.hardware, gettext("Versions"): report.versions}
    return [
        (heading, ", ".join(map(fact, known.items())))
        for heading, values in facts.items()
        if (known := {name: value for name, value in values.items() if value is not None})
    ]


def fact(named: tuple[str, object]) -> str:
    """A fact of the machine, with its name and, where the name says bytes, a readable unit."""
    name, value = named
    if name.endswith("_bytes") and isinstance(value, int):
        return f"{name.removesuffix('_bytes')} {megabytes(value)}"
    return f"{name} {value}"


def of_sharing(evaluation: Evaluation) -> pages.Figures:
    if not evaluation.measured_by_id:
        return []
    return [(gettext("Shares the measurement of"), pages.link(evaluation.measured_by))]
