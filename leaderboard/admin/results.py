"""The result of a competition, for organizers: the private board before it is published, how ranks
landed in their ranges, signed files, and exports."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action

from leaderboard import downloads
from leaderboard.admin import pages, verifications
from leaderboard.errors import Refused
from leaderboard.models import Competition, Snapshot
from leaderboard.services import exports, keeping, previews, snapshots

ROWS = 100
"""Rows of the preview. The export has all of them."""
PRIZES = 3
MOST_PRIZES = 100
LISTED = 10
"""Most signed files in the list."""
WIDTHS = ((1, 1), (2, 3), (4, 7), (8, 15), (16, None))
"""Ranges of ranks by the number of ranks that they hold: from, to."""


@dataclass(frozen=True)
class Bin:
    """Ranges of about the same width: how many hold the private rank."""

    label: str
    inside: int
    teams: int

    @property
    def percent(self) -> float:
        return 100 * self.inside / self.teams


class Results(verifications.Winners):
    """The page of a competition's result."""

    @action(description=gettext_lazy("Result"), icon="verified")
    def result(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        by = pages.organizer(request)
        if request.method == "POST":
            self.sign(request, competition)
            return redirect(request.path)
        preview = previews.of(competition, by=by, prizes=prizes(request))
        said = pages.frame(self, request, competition) | {
            "title": gettext("Result of %(competition)s") % {"competition": competition},
            "competition": competition,
            "preview": preview,
            "rows": preview.rows[:ROWS],
            "bins": bins(preview),
            "may_act": self.may_act(request, competition),
            "files": files(competition),
            "terms": terms(competition),
            "exports": [
                (gettext("Submissions"), "submissions"),
                (gettext("Teams"), "teams"),
                (gettext("Rows of the boards"), "boards"),
                (gettext("Evaluations and their figures"), "measurements"),
            ],
        }
        return TemplateResponse(request, "admin/result.html", said)

    def sign(self, request: HttpRequest, competition: Competition) -> None:
        """Ask for a draft or a provisional result. A refusal is shown on the page."""
        by = pages.organizer(request)
        is_public = request.POST.get("kind") == "provisional"
        try:
            (snapshots.sign_public if is_public else snapshots.ask)(competition=competition, by=by)
        except Refused as refusal:
            messages.error(request, refusal.detail)

    def get_urls(self) -> list[URLPattern]:
        file = path(
            "<int:object_id>/result/<int:pk>.json",
            self.admin_site.admin_view(self.result_file),
            name="leaderboard_competition_result_file",
        )
        export = path(
            "<int:object_id>/result/<slug:kind>.<slug:form>",
            self.admin_site.admin_view(self.export),
            name="leaderboard_competition_export",
        )
        return [file, export, *super().get_urls()]

    def export(
        self, request: HttpRequest, object_id: int, kind: str, form: str
    ) -> HttpResponseBase:
        """Rows of the competition as a file. A refusal is shown on the page of the result."""
        competition = self.find(request, str(object_id))
        pages.check_permission(self, request, competition)
        by = pages.organizer(request)
        try:
            made = exports.export(competition=competition, kind=kind, form=form, by=by)
        except Refused as refusal:
            messages.error(request, refusal.detail)
            return redirect("admin:leaderboard_competition_result", object_id)
        return downloads.export(made)

    def result_file(self, request: HttpRequest, object_id: int, pk: int) -> FileResponse:
        """A signed file, also a draft."""
        competition = self.find(request, str(object_id))
        pages.check_permission(self, request, competition)
        made = competition.snapshots.exclude(made_at=None).filter(pk=pk).first()
        if made is None:
            raise Http404
        return downloads.snapshot(made)


def prizes(request: HttpRequest) -> int:
    """How many first ranks the address asks for. A wrong number counts as the usual one."""
    given = request.GET.get("prizes", "")[:9]
    return min(int(given), MOST_PRIZES) if given.isdecimal() and int(given) else PRIZES


def bins(preview: previews.Preview) -> list[Bin]:
    """How often ranks landed in their ranges, by width. A well calibrated range holds 95 %."""
    found = []
    for first, last in WIDTHS:
        some = [
            one
            for one in preview.told
            if one.likely
            and (width := one.likely[1] - one.likely[0] + 1) >= first
            and (last is None or width <= last)
        ]
        if some:
            label = f"{first}" if first == last else f"{first}–{last}" if last else f"{first}+"
            found.append(Bin(label, sum(bool(one.is_inside) for one in some), len(some)))
    return found


@dataclass(frozen=True)
class Goes:
    """Files and reports that will be deleted at a term.

    `left`: what is left of them; None before the publication.
    """

    term: keeping.Term
    left: keeping.Holdings | None

    @property
    def is_all(self) -> bool:
        return self.term.scope == keeping.Scope.ALL


def terms(competition: Competition) -> list[Goes]:
    return [
        Goes(one, keeping.holdings(one) if competition.is_published else None)
        for one in keeping.terms(competition)
    ]


def files(competition: Competition) -> list[tuple[Snapshot, str]]:
    """The newest signed files, with the address of each that is made."""
    return [
        (
            one,
            reverse("admin:leaderboard_competition_result_file", args=[competition.pk, one.pk])
            if one.made_at
            else "",
        )
        for one in competition.snapshots.select_related("key").order_by("-pk")[:LISTED]
    ]
