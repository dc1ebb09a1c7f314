"""States, reasons and findings in the reader's language.

Rows keep codes. A report keeps the engine's own English words, which are looked up here without
their numbers.
"""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from leaderboard import sentences
from scoring.quality import metrics
from scoring.sentences import Sentence

STATES: dict[str, Promise] = {
    "draft": pgettext_lazy("state of a competition", "draft"),
    "open": pgettext_lazy("state of a competition", "open"),
    "paused": pgettext_lazy("state of a competition", "paused"),
    "closed": pgettext_lazy("state of a competition", "closed"),
    "published": pgettext_lazy("state of a competition", "published"),
    "queued": pgettext_lazy("state of an evaluation", "queued"),
    "running": pgettext_lazy("state of an evaluation", "running"),
    "scored": pgettext_lazy("state of an evaluation", "scored"),
    "failed": pgettext_lazy("state of an evaluation", "failed"),
    "error": pgettext_lazy("state of an evaluation", "error"),
    "cancelled": pgettext_lazy("state of an evaluation", "cancelled"),
    "withdrawn": pgettext_lazy("state of a submission", "withdrawn"),
    "disqualified": pgettext_lazy("state of a submission", "disqualified"),
}
REASONS: dict[str, Promise] = {
    "first": _("This is the first measurement."),
    "requested": _("An organizer asked for a new measurement."),
    "top_overlap": _("The first ranks of the board overlap, so the site measures them again."),
    "shared": _("The same model was measured again."),
}
"""Why an evaluation was queued."""
SENTENCES: dict[str, Promise] = {
    "The submission waited for longer than the reference did beside it, as a model does that "
    "sleeps or reads files. Waiting counts as time.": _(
        "The model waited for longer than the reference, for example because it sleeps or reads "
        "files. Waiting counts as time."
    ),
    "The submission used several cores; its CPU time counts.": _(
        "The model used several cores. Its CPU time counts."
    ),
    "The submission used the CPU while it was stopped.": _(
        "The model used the CPU while it was stopped."
    ),
    "Some images take much longer than others; the ratio of sums says how much.": _(
        "Some images take much longer than others. The ratio of the sums of all times is used."
    ),
    "The submission was slower where no reference ran beside it; all of its time counts.": _(
        "The model was slower when it did not run in turns with the reference. All of its time "
        "counts."
    ),
    "Fewer than {0} quads were measured.": _("Fewer than {0} comparisons were measured."),
    "idle side stopped": _("While one model runs, the other one is stopped."),
    "fresh processes per segment": _("Each segment has new processes."),
    "{0} thread each": _("Each model has {0} thread."),
    "{0} threads each": _("Each model has {0} threads."),
    "models pinned to core {0}": _("The models run only on core {0}."),
    "models pinned to cores {0}": _("The models run only on the cores {0}."),
    "measurer kept off it": _("The measuring process runs on other cores."),
    "priority raised (nice {0})": _("The models have a higher priority (nice {0})."),
    "priority raised (autogroup nice {0})": _(
        "The models have a higher priority (autogroup nice {0})."
    ),
    "priority raised (nice {0}, autogroup nice {1})": _(
        "The models have a higher priority (nice {0}, autogroup nice {1})."
    ),
    "GPU seen idle and its cache overwritten before each turn": _(
        "Before each turn, the GPU is idle and its cache is overwritten."
    ),
    "one evaluation at a time": _("The machine runs one evaluation at a time."),
    "no memory limit: CUDA maps more than it uses": _(
        "There is no memory limit, because CUDA reserves more memory than it uses."
    ),
    "memory limit": _("Memory is limited."),
    "reference frozen and optimized": _("The reference is frozen and optimized."),
    "reference not frozen": _("The reference is not frozen."),
    "submission frozen and optimized": _("The model is frozen and optimized."),
    "submission not frozen": _("The model is not frozen."),
    "landlock: no file but the driver's and the libraries'": _(
        "Landlock (only files of the driver and the libraries)"
    ),
    "no system call that reaches other processes or hosts": _(
        "filter of system calls (no other processes or hosts)"
    ),
    "landlock: no file, no TCP, no signal to others": _(
        "Landlock (no files, no TCP, no signals to other processes)"
    ),
    "system calls of computing only": _("filter of system calls (only for computing)"),
    "namespaces of its own: no network, no other process": _(
        "separate namespaces (no network, no other processes)"
    ),
}
"""What the engine writes into reports, numbers left out: findings, what was in force, what isolated
the models. Beside each, the sentence for people."""
NUMBERS = re.compile(r"-?\d+(?:[.,]\d+)*(?:, \d+)*")


METRICS: dict[str, tuple[Promise, Promise]] = {
    "macro_f1": (
        _("F1"),
        _(
            "The mean of the F1 of all classes. A rare class counts as much as a frequent one. "
            "Higher is better."
        ),
    ),
    "accuracy": (_("Accuracy"), _("The share of correct answers. Higher is better.")),
    "balanced_accuracy": (
        _("Balanced accuracy"),
        _("The mean of the recall of all classes. Higher is better."),
    ),
}
"""Of each metric: its name in the heading of a column, and what it means."""
TERMS: dict[str, Promise] = {"time": _("Time"), "quality": _("Quality")}
"""Terms of a score."""


def metric_name(metric: str) -> str:
    return str(METRICS[metric][0]) if metric in METRICS else metrics.METRICS[metric].short


def metric_meaning(metric: str) -> str:
    return str(METRICS[metric][1]) if metric in METRICS else gettext("Higher is better.")


def sentence(text: str | Sentence) -> str:
    """What the engine wrote, as a sentence for people; as it is if no table has it."""
    if isinstance(text, Sentence):
        return sentences.said(text)
    numbers = NUMBERS.findall(text)
    places = iter(range(len(numbers)))
    known = SENTENCES.get(NUMBERS.sub(lambda _: f"{{{next(places)}}}", text))
    return str(known).format(*numbers) if known else text


def board_chart(metric: str) -> dict[str, str]:
    """What the chart of a board says; board.js fills in the names in braces."""
    return {
        "teams": gettext("Teams"),
        "reference": gettext("Reference"),
        "front": gettext("Pareto front"),
        "equal": gettext("Equal score"),
        "x": gettext("time ratio (below 1 is faster)"),
        "y": metric_name(metric),
        "point": gettext("{team}: score {score}, quality {quality}, time ratio {ratio}"),
    }


def measurement_chart(*, of_comparisons: bool) -> dict[str, str]:
    """What the chart of a measurement says; measurement.js fills in the names in braces."""
    said = {
        "band": gettext("Published, 95 % interval"),
        "y": gettext("time ratio (below 1 is faster)"),
    }
    if not of_comparisons:
        return said | {
            "mean": gettext("Mean of a segment"),
            "x": gettext("segment"),
            "point": gettext("segment {segment}: {ratio}"),
        }
    return said | {
        "corrected": gettext("Corrected, counts"),
        "counted": gettext("Wall clock, counts"),
        "wall": gettext("Wall clock, not corrected"),
        "disturbed": gettext("Disturbed"),
        "cpu": gettext("CPU clock"),
        "x": gettext("seconds of the evaluation"),
        "point": gettext("{label}: {ratio} after {seconds} s, segment {segment}"),
    }
