"""The page of a formula: what its numbers mean, and the way to another formula."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminTextInputWidget,
)

from leaderboard.admin import calibrations, fields, pages
from leaderboard.errors import Refused
from leaderboard.models import Competition, Rescore
from leaderboard.models.competition import MOST_TIME_WEIGHT
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.sentences import said
from leaderboard.services import audit, competitions, gates, rescoring
from leaderboard.sizes import rounded
from scoring import formula

SLIDERS = {"time_weight": (0, 2, 0.05), "k": (0, 60, 0.5), "quality_ref": (0, 1, 0.001)} | {
    "min_quality": (0, 1, 0.005)
}
"""Least, most and step of each slider. The field beside it takes any number."""
MILLISECOND = 0.001
QUALITY_STEP = 0.01


def number(label: Any, help_text: Any, **more: Any) -> forms.FloatField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return forms.FloatField(label=label, help_text=help_text, widget=widget, **more)


class FormulaForm(forms.Form):
    time_weight = number(
        gettext_lazy("Time weight"),
        gettext_lazy(
            "The weight of the time ratio. The reference has the ratio 1, so its time term "
            "is this number."
        ),
        min_value=0,
        max_value=MOST_TIME_WEIGHT,
    )
    k = number(
        gettext_lazy("Slope k"),
        gettext_lazy(
            "How steep the quality term is. With a larger k, a small difference of quality "
            "near the reference matters more."
        ),
        min_value=0,
    )
    quality_ref = number(
        gettext_lazy("Reference quality"),
        gettext_lazy(
            "The quality at which the quality term is 0.5. If empty, the quality of the "
            "reference model from the calibration is used."
        ),
        required=False,
        min_value=0,
        max_value=1,
    )
    min_quality = number(
        gettext_lazy("Gate"),
        gettext_lazy("A model below this quality has a score and no rank."),
        min_value=0,
        max_value=1,
    )
    only_real_gains = fields.tick(
        gettext_lazy("Only real gains change the public board"),
        gettext_lazy("A gain is judged by the formula that applied when its verdict came."),
    )


class ReasonForm(FormulaForm):
    why = fields.paragraph(
        gettext_lazy("Reason"),
        500,
        gettext_lazy("Everybody reads it once the new formula is applied."),
    )


@dataclass(frozen=True)
class Fact:
    """A line of the table: what a formula means, today and as it is proposed."""

    name: str
    today: str
    proposed: str

    @property
    def is_changed(self) -> bool:
        return self.today != self.proposed


def page(admin: ModelAdmin, request: HttpRequest, competition: Competition) -> HttpResponse:
    """Show the numbers of a form in the formula. A draft is changed, else a preview begins."""
    pages.check_permission(admin, request, competition)
    form_class = ReasonForm if competition.is_public else FormulaForm
    today = {name: getattr(competition, name) for name in FORMULA_FIELDS}
    form = form_class(request.POST) if request.method == "POST" else form_class(initial=today)
    is_look = "look" in request.POST
    status = 200
    if request.method == "POST" and form.is_valid() and not is_look:
        try:
            with audit.because(pages.why(request)):
                return redirect(save(request, competition, form.cleaned_data))
        except Refused as refusal:
            form.add_error(None, refusal.detail)
            status = refusal.status
    context = {
        "title": gettext("Formula"),
        "form": form,
        "sliders": [
            (form[name], bounds, start(competition, form[name].value(), name))
            for name, bounds in SLIDERS.items()
        ],
        "rest": [form[name] for name in form.fields if name not in SLIDERS],
        "facts": facts(competition, proposed(competition, form)),
        "power": calibrations.worth(proposed(competition, form)),
        "terms": formula.TERMS.values(),
        "waiting": rescoring.waiting(competition),
        "is_draft": not competition.is_public,
        "competition": competition,
        "is_look": is_look,
    }
    return TemplateResponse(
        request,
        "admin/formula.html",
        pages.frame(admin, request, competition) | context,
        status=status,
    )


def save(request: HttpRequest, competition: Competition, chosen: dict[str, Any]) -> str:
    """Change a draft, or begin the preview of a rescore. Returns the address of the next page."""
    by = pages.organizer(request)
    if competition.is_public:
        rescore = rescoring.propose(rescore=Rescore(competition=competition, **chosen), by=by)
        return pages.change_url(rescore)
    for name in FORMULA_FIELDS:
        setattr(competition, name, chosen[name])
    competitions.edit(competition=competition, by=by)
    messages.success(request, gettext("The formula is saved."))
    return pages.change_url(competition)


def start(competition: Competition, value: object, name: str) -> object:
    """The value at which a slider starts. For an empty reference quality it is the calibrated
    one."""
    if value in (None, "") and name == "quality_ref":
        return competition.calibrated_quality
    return value


def proposed(competition: Competition, form: forms.Form) -> Competition:
    """The competition with the values of a form. A wrong number is replaced by today's."""
    coming = copy.copy(competition)
    if form.is_bound:
        form.is_valid()
        for name in FORMULA_FIELDS:
            if name in form.cleaned_data:
                setattr(coming, name, form.cleaned_data[name])
    return coming


def facts(competition: Competition, coming: Competition) -> list[Fact]:
    both = [dict(meaning(one)) for one in (competition, coming)]
    return [Fact(name, both[0][name], both[1][name]) for name in both[0]]


def meaning(competition: Competition) -> list[tuple[str, str]]:
    """What a formula means, in figures that an organizer can judge."""
    nothing = gates.do_nothing(competition)
    measure = said(competition.quality_measure.short)
    rows = [
        (gettext("Score of the reference"), text(nothing.reference_score if nothing else None)),
        (gettext("Score of a model that does nothing"), idle(nothing)),
    ]
    quality_ref = competition.reference_quality
    if quality_ref is None:
        return rows
    slope = -formula.quality_slope(quality_ref, quality_ref=quality_ref, k=competition.k)
    step = QUALITY_STEP * slope
    pace = competition.seconds_per_image(1.0)
    # A time that matters beside this reference: 1 ms of 10 to 100 ms, 0.01 ms of 0.1 to 1 ms.
    saved = 10.0 ** (math.floor(math.log10(pace)) - 1) if pace else MILLISECOND
    worth = competition.time_weight * saved / pace if pace else None
    facts_ = {"step": pages.number(QUALITY_STEP, 2), "measure": measure}
    rows += [
        (gettext("%(step)s %(measure)s more, near the reference") % facts_, gained(step)),
        (
            gettext("%(step)s ms less per image") % {"step": f"{saved / MILLISECOND:g}"},
            gained(worth),
        ),
        (
            gettext("%(step)s %(measure)s is worth as much as") % facts_,
            f"{rounded(step * saved / worth / MILLISECOND, 3)} ms" if worth else "–",
        ),
        (gettext("Half of the reference's time"), gained(competition.time_weight / 2)),
    ]
    return rows


def idle(nothing: gates.DoNothing | None) -> str:
    if nothing is None or nothing.score is None:
        return "–"
    rank = gettext("ranked") if nothing.is_ranked else gettext("below the gate")
    return f"{pages.number(nothing.score)}, {rank}"


def text(score: float | None) -> str:
    return pages.number(score)


def gained(score: float | None) -> str:
    return "–" if score is None else f"−{pages.number(score)}"
