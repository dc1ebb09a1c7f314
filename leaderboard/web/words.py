"""States, reasons and the words of charts in the reader's language. Rows keep codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from leaderboard import sizes
from leaderboard.models import Competition, Entry, Evaluation, Webhook
from leaderboard.sentences import said
from leaderboard.services import recipes
from leaderboard.web import plots
from scoring import formats, formula

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
    "top_overlap": _("The first ranks of the board are tied, so the site measures them again."),
    "shared": _("The same model was measured again."),
}
"""Why an evaluation was queued."""


@dataclass(frozen=True)
class Term:
    """A term of a competition's score in the reader's language."""

    name: str
    label: str
    heading: str
    expression: str
    meaning: str


def terms(competition: Competition, evaluation: Evaluation | None = None) -> list[Term]:
    """The terms of a competition's score with its constants, in the order of the formula.

    With the public figures of an evaluation, if there is one.
    """
    measure = competition.quality_measure
    metric = said(measure.short)
    quality_ref = evaluation.quality_ref if evaluation else competition.reference_quality
    figures = (
        (floatformat(evaluation.time_ratio, 4), floatformat(evaluation.quality_public, 4))
        if evaluation
        else (gettext("time ratio"), metric)
    )
    facts = {
        "time_weight": plain(competition.time_weight),
        "k": plain(competition.k),
        "time_ratio": figures[0],
        "quality": figures[1],
        "metric_meaning": said(measure.meaning),
        "quality_ref": gettext("%(metric)s of the reference") % {"metric": metric}
        if quality_ref is None
        else floatformat(quality_ref, 3),
    }
    return [
        Term(
            name,
            said(one.label),
            said(one.heading),
            said(one.expression.about(**facts)),
            said(one.meaning.about(**facts)),
        )
        for name, one in formula.TERMS.items()
    ]


def of_point(point: plots.Point, competition: Competition) -> str:
    """A team of a plot in lines: name, rank, score, quality, time, with their 95 % intervals."""
    entry = point.entry
    metric = said(competition.quality_measure.short)
    doubt = f" ± {point.ellipse.half_width:#.2g}" if point.ellipse else ""
    ratio = sizes.interval(entry.time_ratio, entry.evaluation.half_width, 3)
    told = [
        entry.team.name,
        rank(point),
        gettext("Score %(score)s") % {"score": scored(entry)},
        f"{metric} {floatformat(entry.quality, 4)}{doubt}",
        gettext("Time ratio %(ratio)s") % {"ratio": ratio},
    ]
    if (seconds := competition.seconds_per_image(entry.time_ratio)) is not None:
        time = sizes.milliseconds_figures(
            seconds, competition.seconds_per_image(entry.evaluation.half_width)
        )
        told.append(gettext("%(time)s ms per image") % {"time": " ± ".join(time)})
    return "\n".join(told)


def scored(entry: Entry) -> str:
    return sizes.interval(entry.score, entry.score_half_width, 4)


def rank(point: plots.Point) -> str:
    """The rank of a team of a plot, with its range where that is known."""
    if point.rank is None:
        return gettext("No rank")
    if point.likely is None:
        return gettext("Rank %(rank)d") % {"rank": point.rank}
    facts = {"rank": point.rank, "first": point.likely.first, "last": point.likely.last}
    if point.likely.first == point.likely.last:
        return gettext("Rank %(rank)d, likely %(first)d") % facts
    return gettext("Rank %(rank)d, likely %(first)d to %(last)d") % facts


def plain(value: float) -> str:
    """A constant without needless zeros."""
    return f"{value!r}".removesuffix(".0")


SMALLER: dict[str, Promise] = {
    "narrowed": _("Structured pruning: fewer channels"),
    "taught": _("Distillation: a small network learns from a large one"),
}


def recipe(name: str) -> str:
    """The title of a recipe of the starter kit."""
    if not (form := recipes.format_of(name)):
        return str(SMALLER[name])
    return gettext("%(format)s in %(number)s") % {
        "format": formats.named(form).title,
        "number": name.removeprefix(form).removeprefix("_") or "float32",
    }


def upload(competition: Competition) -> dict[str, Any]:
    """What the form of an upload says of a file; upload.js fills in the names in braces."""
    free = gettext("The site would refuse it. That uses no upload.")
    return {
        **{kind: f"{sentence} {free}" for kind, sentence in refused(competition).items()},
        "formats": {one.name: one.title for one in formats.some()},
        "looks_good": gettext("{name}: {kind}, {size}"),
        "too_large": gettext("The size of this file is {size} MB. The limit is {limit} MB."),
        "sending": gettext("Uploading: {sent} of {size} MB ({percent} %), about {seconds} s left"),
        "checking": gettext("Uploaded. The site is checking the file."),
        "begins": gettext("Uploading"),
        "waiting": gettext("The connection was lost. The upload continues in {seconds} s."),
        "broken": gettext(
            "The connection was lost for a long time. Press the button again: the upload "
            "continues from where it stopped."
        ),
        "signed_out": gettext(
            "You are no longer signed in. Sign in, and choose the file again. What was sent is "
            "kept."
        ),
        "sign_in": gettext("Sign in"),
        "cancelled": gettext("The upload is cancelled. It does not count as an upload."),
    }


def refused(competition: Competition) -> dict[str, str]:
    """What the form says of files that are no model of the competition."""
    return {
        "empty": gettext("This file is empty."),
        "weights": gettext(
            "This file was written by torch.save: it holds weights or a pickled module. Send the "
            "file that torch.jit.save writes."
        ),
        "pickle": gettext(
            "This is a pickle. Send the file that torch.jit.save or torch.onnx.export writes."
        ),
        "zip": gettext(
            "This zip holds no TorchScript model. Send the file that torch.jit.save writes."
        ),
        "packed": gettext(
            "This zip holds a model file. Unpack the zip, and send the model file itself."
        ),
        "elsewhere": gettext(
            "The weights of this ONNX file seem to be in a second file. Export the model "
            "with external_data=False."
        ),
        "unknown": gettext("This is neither a TorchScript archive nor an ONNX file."),
        "not_taken": gettext("This is a model in the format {kind}. Accepted formats: %(formats)s.")
        % {"formats": competition.format_titles()},
    }


def saved_selection(count: int) -> str:
    if not count:
        return gettext("Saved. Nothing is selected, so your best public submissions count.")
    return ngettext(
        "Saved. {count} submission is selected for the private ranking.",
        "Saved. {count} submissions are selected for the private ranking.",
        count,
    ).format(count=count)


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


CALLED = {**dict(Webhook.Event.choices), "ping": _("Test call")}
"""What a webhook is called for."""
CALL_ERRORS = {
    "bad_status": _("refused the call"),
    "no_public_address": _("has no public address"),
    "no_answer": _("did not answer"),
    "too_slow": _("answered too late"),
}
"""Why a call of a webhook failed."""
