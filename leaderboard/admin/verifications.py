"""Winners show how their models were made; organizers verify or refuse."""

from __future__ import annotations

import functools
import zoneinfo
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from leaderboard.admin import fields, pages
from leaderboard.admin.way import Step
from leaderboard.models import Competition, Verification
from leaderboard.services import verifications
from leaderboard.sizes import megabytes

State = Verification.State
LABELS = {
    "asked": "info",
    "handed_in": "warning",
    "verified": "success",
    "refused": "danger",
    "missed": "danger",
    "withdrawn": "default",
}


LEADS_TO = {"verify": State.VERIFIED, "refuse": State.REFUSED, "ask_again": State.ASKED}
"""The state to which a button leads."""


class DueForm(forms.Form):
    due_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy("In the time zone of the competition."),
    )


class AskForm(DueForm):
    count = forms.IntegerField(
        label=gettext_lazy("First ranks"),
        min_value=1,
        max_value=verifications.MOST_TEAMS,
        initial=3,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("This many teams at the top of the private board are asked."),
    )
    wish = forms.CharField(
        label=gettext_lazy("What to hand in"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy("The teams read it. They send a zip, a PDF or a link."),
    )
    field_order = ["count", "due_at", "wish"]


class ReasonForm(forms.Form):
    reason = fields.reason(gettext_lazy("Everybody reads it next to the board."))


class AgainForm(DueForm, ReasonForm):
    field_order = ["due_at", "reason"]


class Winners(pages.Noun):
    """The button of a competition that asks its first teams."""

    @action(description=gettext_lazy("Verify the winners"), icon="how_to_reg")
    def verify_winners(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)

        def do(count: int, due_at: datetime, wish: str) -> int:
            by = pages.organizer(request)
            made = verifications.ask(
                competition=competition, count=count, due_at=due_at, wish=wish, by=by
            )
            return len(made)

        with timezone.override(zoneinfo.ZoneInfo(competition.time_zone)):
            return pages.ask(
                self,
                request,
                competition,
                title=gettext("Verify the winners"),
                says=gettext(
                    "The first teams of the private board are asked for their code or a report. "
                    "Each team gets a notice. A team that is refused, misses the date or "
                    "withdraws keeps its row and loses its rank, with a dated note. Teams that "
                    "were asked before are not asked again. Before the publication the asked "
                    "teams learn that they are among the first: the competition cannot be "
                    "reopened after that, and no selection changes."
                ),
                facts=[(gettext("Time zone"), competition.time_zone), *states(competition)],
                form_class=AskForm,
                button=gettext("Ask the teams"),
                do=do,
                done=lambda count: told(competition, count),
            )


def told(competition: Competition, count: int) -> str:
    if not count and not competition.verifications.exists():
        return gettext("Nobody is asked: no team has a rank on the private board.")
    if not count:
        return gettext("All of these teams were asked before.")
    return ngettext("%(count)d team is asked.", "%(count)d teams are asked.", count) % {
        "count": count
    }


def states(competition: Competition) -> list[tuple[str, str]]:
    """Each asked team with its state."""
    asked = verifications.of(competition).values()
    return [(f"{one.rank}. {one.team}", one.get_state_display()) for one in asked]


def step(competition: Competition) -> Step:
    """Whether the first teams showed how their models were made. A publication does not need it."""
    rows = list(competition.verifications.values_list("state", flat=True))
    waiting = rows.count(State.HANDED_IN)
    page = f"{pages.list_url(Verification)}?competition__id__exact={competition.pk}"
    said = gettext("Asked: %(asked)d teams. Waiting for your decision: %(waiting)d.")
    none = gettext("Optional: the first teams show their code before they get certificates.")
    return Step(
        gettext("Verification"),
        said % {"asked": len(rows), "waiting": waiting} if rows else none,
        is_done=bool(rows) and State.ASKED not in rows and not waiting,
        is_needed=False,
        is_trouble=bool(waiting),
        url=""
        if rows
        else reverse("admin:leaderboard_competition_verify_winners", args=[competition.pk]),
        page=page if rows else "",
        button=gettext("Verify the winners"),
    )


@admin.register(Verification)
class VerificationAdmin(pages.Fixed):
    comes_from = gettext_lazy(
        "Ask winners on the page of their competition: “More”, then “Verify the winners”."
    )
    to_competition = "competition"
    list_display = ["team", "competition", "rank", "state_label", "due_at", "handed_in_at"]
    list_filter = [("competition", pages.OwnCompetition), "state"]
    search_fields = ["team__name"]
    fields = [
        *("competition", "team", "rank", "stands", "reason", "decided_at", "wish"),
        *("asked_at", "due_at", "handed_in_at", "handed_in_by", "sent", "link", "note"),
    ]
    readonly_fields = ["stands", "sent"]
    actions_detail = ["verify", "refuse", "ask_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Verification]:
        rows = super().get_queryset(request)
        return rows.select_related("competition", "team", "handed_in_by")

    def get_urls(self) -> list[URLPattern]:
        sent = path(
            "<path:object_id>/sent/",
            self.admin_site.admin_view(self.file),
            name="leaderboard_verification_sent",
        )
        return [sent, *super().get_urls()]

    def file(self, request: HttpRequest, object_id: str) -> FileResponse:
        """What the team sent, as a download that no browser opens."""
        row = self.find(request, object_id)
        pages.check_permission(self, request, row)
        if not row.file:
            raise Http404
        answer = FileResponse(
            row.file.open("rb"),
            as_attachment=True,
            filename=row.file_name,
            content_type="application/octet-stream",
        )
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        row = self.get_object(request, str(object_id))
        allowed = Verification.TRANSITIONS[State(row.state)] if row else ()
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if LEADS_TO[self.button_name(one)] in allowed
        ]

    @display(description=gettext_lazy("State"), ordering="state", label=LABELS)
    def state_label(self, row: Verification) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=gettext_lazy("State"))
    def stands(self, row: Verification) -> str:
        return row.get_state_display()

    @display(description=gettext_lazy("File"))
    def sent(self, row: Verification) -> SafeString | str:
        if not row.file:
            return "–"
        page = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a> ({}) {}'
        url = reverse("admin:leaderboard_verification_sent", args=[row.pk])
        return format_html(page, url, row.file_name, megabytes(row.size_bytes), row.sha256)

    @action(description=gettext_lazy("Verify"), icon="verified", variant=ActionVariant.PRIMARY)
    def verify(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id)
        with_reason: Any = pages.Confirm if row.is_ranked else ReasonForm
        return pages.ask(
            self,
            request,
            row,
            title=gettext("Verify the team"),
            says=gettext(
                "The result page says that the team is verified, and its members get their "
                "certificates."
            ),
            form_class=with_reason,
            button=gettext("Verify"),
            do=lambda reason="": verifications.verify(
                verification=row, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("Decided: {}."),
        )

    @action(description=gettext_lazy("Refuse"), icon="block", variant=ActionVariant.DANGER)
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            row,
            title=gettext("Refuse the verification"),
            says=gettext(
                "The team's row stays on the private board without a rank, and the rows below "
                "move up. The board and the result page show a dated note with your reason. You "
                "can take it back."
            ),
            form_class=ReasonForm,
            button=gettext("Refuse"),
            is_danger=True,
            do=lambda reason: verifications.refuse(
                verification=row, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("Decided: {}."),
        )

    @action(description=gettext_lazy("Ask again"), icon="undo")
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id)
        zone = zoneinfo.ZoneInfo(row.competition.time_zone)
        local = row.due_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
        with timezone.override(zone):
            return pages.ask(
                self,
                request,
                row,
                title=gettext("Ask again"),
                says=gettext(
                    "The team can hand in until another date. If it had lost its rank, it "
                    "gets the rank back, with a dated note."
                ),
                form_class=functools.partial(AgainForm, initial={"due_at": local}),
                facts=[(gettext("Time zone"), row.competition.time_zone)],
                button=gettext("Ask again"),
                do=lambda due_at, reason: verifications.ask_again(
                    verification=row, due_at=due_at, reason=reason, by=pages.organizer(request)
                ),
                done=gettext("{} can hand in again."),
            )
