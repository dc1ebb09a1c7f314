"""The steps of an evaluation in words, and one line for the title of a browser's tab."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models import Evaluation
from leaderboard.services import queueing
from leaderboard.sizes import rounded

State = Evaluation.State
STEPS: dict[str, Promise] = {
    "waiting": _("Waiting"),
    "checking": _("Checking"),
    "trying": _("Trying on sample images"),
    "measuring": _("Measuring"),
    "scored": _("Score"),
}
STEP_OF_STAGE = {
    "wait": "waiting",
    "dry run": "trying",
    "reference": "measuring",
    "measure": "measuring",
    "score": "scored",
}
"""Stages of the engine that are no part of the checking."""


@dataclass(frozen=True)
class Step:
    label: str
    is_done: bool
    is_now: bool


def steps(evaluation: Evaluation) -> list[Step]:
    """The steps of an evaluation under way."""
    name = "waiting"
    if evaluation.state == State.RUNNING:
        name = STEP_OF_STAGE.get(evaluation.stage, "checking")
    at = list(STEPS).index(name)
    return [
        Step(str(label), is_done=number < at, is_now=number == at)
        for number, label in enumerate(STEPS.values())
    ]


def headline(evaluation: Evaluation, line: queueing.Place | None) -> str:
    """The state in a few words, for the title of the page."""
    if line and line.position:
        facts = {"position": line.position, "length": line.length}
        return gettext("Waiting: #%(position)d of %(length)d") % facts
    if evaluation.state == State.RUNNING:
        step = next(one.label for one in steps(evaluation) if one.is_now)
        return gettext("%(step)s, %(percent)d %%") % {
            "step": step,
            "percent": evaluation.percent_by_now,
        }
    if evaluation.state == State.SCORED and evaluation.score_public is None:
        return gettext("Measured")
    if evaluation.state == State.SCORED:
        score = rounded(evaluation.score_public or 0.0, 4)
        return gettext("Score %(score)s") % {"score": score}
    return str(State(evaluation.state).label)
