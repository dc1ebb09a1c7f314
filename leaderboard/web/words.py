"""States, reasons and findings in the reader's language.

Rows keep codes. A report keeps the engine's English sentences, which are looked up here with their
numbers left out.
"""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

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
FAILURES: dict[str, Promise] = {
    "load_failed": _("torch refused to load the model."),
    "load_timeout": _("Loading took longer than the competition allows."),
    "wrong_input": _("The model raised an error on its first input."),
    "wrong_output": _("The model did not return one float tensor with one number for each class."),
    "not_finite": _("The model answered with NaN or infinity."),
    "output_too_large": _("One answer has more bytes than the competition allows."),
    "first_call_timeout": _("The first answer of a process took too long."),
    "call_timeout": _("An answer or a block of answers took too long."),
    "total_timeout": _("All processes of the model together took too long."),
    "out_of_memory": _("The model asked for more memory than the competition allows."),
    "crashed": _("The model raised an error, or its process ended."),
    "answers_change": _(
        "The model gave different answers to the same images. Call model.eval() before you export "
        "it. Randomness and stored state also cause this."
    ),
    "time_unstable": _(
        "The time of the model varies too much to be published. The time of the reference was "
        "steady."
    ),
    "too_slow": _("The model is too slow to be measured in the time of this hardware profile."),
    "gpu_busy": _("The GPU still worked for the model after the model had answered."),
}
"""What happened, by the code of a failure; the engine's own sentence has the details."""
SENTENCES = [
    gettext_noop(
        "The submission waited for longer than the reference did beside it, as a model does that "
        "sleeps or reads files. Waiting counts as time."
    ),
    gettext_noop("The submission used several cores; its CPU time counts."),
    gettext_noop("The submission used the CPU while it was stopped."),
    gettext_noop("Some images take much longer than others; the ratio of sums says how much."),
    gettext_noop(
        "The submission was slower where no reference ran beside it; all of its time counts."
    ),
    gettext_noop("Fewer than {0} quads were measured."),
    gettext_noop("idle side stopped"),
    gettext_noop("fresh processes per segment"),
    gettext_noop("{0} thread each"),
    gettext_noop("{0} threads each"),
    gettext_noop("models pinned to core {0}"),
    gettext_noop("models pinned to cores {0}"),
    gettext_noop("measurer kept off it"),
    gettext_noop("priority raised (nice {0})"),
    gettext_noop("priority raised (nice {0}, autogroup nice {1})"),
    gettext_noop("GPU seen idle and its cache overwritten before each turn"),
    gettext_noop("one evaluation at a time"),
    gettext_noop("no memory limit: CUDA maps more than it uses"),
    gettext_noop("memory limit"),
    gettext_noop("reference frozen and optimized"),
    gettext_noop("reference not frozen"),
    gettext_noop("submission frozen and optimized"),
    gettext_noop("submission not frozen"),
    gettext_noop("landlock: no file but the driver's and the libraries'"),
    gettext_noop("no system call that reaches other processes or hosts"),
    gettext_noop("landlock: no file, no TCP, no signal to others"),
    gettext_noop("system calls of computing only"),
    gettext_noop("namespaces of its own: no network, no other process"),
]
"""What the engine writes into reports: findings, what was in force, what shut the models in."""
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
    return str(METRICS[metric][0]) if metric in METRICS else metric


def sentence(text: str) -> str:
    """A sentence of the engine in the reader's language; in English if it is not known here."""
    numbers = NUMBERS.findall(text)
    places = iter(range(len(numbers)))
    message = NUMBERS.sub(lambda _: f"{{{next(places)}}}", text)
    translated = gettext(message) if message else message
    return text if translated == message else translated.format(*numbers)


def failure(code: str, message: str) -> str:
    """What a failed model did wrong; in other languages than English, before the engine's words."""
    is_english = (get_language() or "en").startswith("en")
    if is_english or code not in FAILURES:
        return message
    details = gettext("Details in English:")
    return f"{FAILURES[code]} {details} {message}"


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
