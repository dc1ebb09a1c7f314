"""People who apply to a competition: their answers, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leaderboard import digits
from leaderboard.admin import fields, pages
from leaderboard.errors import Refused
from leaderboard.models import Application
from leaderboard.services import applications

State = Application.State
STATE_LABELS = {"waiting": "warning", "accepted": "success", "refused": "danger"}
REFUSE = "leaderboard_application_refuse_several"
SHOWN = 60
"""Most letters of the answers in the list. The page of the application shows all."""
SAYS_REFUSAL = gettext_lazy(
    "The person cannot create a team or join one, and reads your reason. You can accept the "
    "person later."
)


class RefusalForm(forms.Form):
    reason = fields.reason(gettext_lazy("The applicant reads this reason."))


@admin.register(Application)
class ApplicationAdmin(pages.Fixed):
    comes_from = gettext_lazy(
        "People apply if a competition asks for it. Choose this in its tab “Teams and limits”."
    )
    to_competition = "competition"
    list_display = ["user", "state_label", "in_short", "competition", "applied_at", "decided_by"]
    list_filter = [("competition", pages.OwnCompetition), "state"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "competition", "state", "applied_at", "answered", "reason", "decision"]
    readonly_fields = fields
    actions = ["accept_several", "refuse_several"]
    actions_detail = ["accept", "refuse"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        return super().get_queryset(request).select_related("competition", "user", "decided_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.ask_refusal)
        return [path("refuse/", view, name=REFUSE), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def get_actions_detail(self, request: HttpRequest, object_id: object) -> list[UnfoldAction]:
        found = self.get_object(request, str(object_id))
        hidden = {State.ACCEPTED: "accept", State.REFUSED: "refuse"}
        off = hidden.get(State(found.state), "") if found else ""
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if self.button_name(one) != off]

    @display(description=gettext_lazy("State"), ordering="state", label=STATE_LABELS)
    def state_label(self, application: Application) -> tuple[str, str]:
        return application.state, application.get_state_display()

    @display(description=gettext_lazy("Answers"))
    def in_short(self, application: Application) -> str:
        text = " · ".join(one["answer"] for one in application.answers)
        return (text if len(text) <= SHOWN else f"{text[:SHOWN]}…") or "–"

    @display(description=gettext_lazy("Answers"))
    def answered(self, application: Application) -> SafeString | str:
        rows = [(one["question"], one["answer"]) for one in application.answers]
        return pages.figures(rows) or gettext("The competition asked nothing.")

    @display(description=gettext_lazy("Decided by"))
    def decision(self, application: Application) -> str:
        return str(application.decided_by or "–")

    # Decisions

    @action(description=gettext_lazy("Accept"), icon="check", variant=ActionVariant.PRIMARY)
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            found,
            title=gettext("Accept"),
            says=gettext("The person can create a team or join one, and gets a notice."),
            button=gettext("Accept"),
            do=lambda: applications.accept(application=found, by=pages.organizer(request)),
            done=gettext("{} can take part."),
        )

    @action(description=gettext_lazy("Refuse"), icon="block", variant=ActionVariant.DANGER)
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            found,
            title=gettext("Refuse"),
            says=str(SAYS_REFUSAL),
            form_class=RefusalForm,
            button=gettext("Refuse"),
            is_danger=True,
            do=lambda reason: applications.refuse(
                application=found, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("{} is refused."),
        )

    @action(description=gettext_lazy("Accept"), permissions=["decide"])
    def accept_several(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        by = pages.organizer(request)
        rows = queryset.exclude(state=State.ACCEPTED)
        count = each(request, rows, lambda one: applications.accept(application=one, by=by))
        messages.success(request, gettext("Applications accepted: %(count)d.") % {"count": count})

    @action(description=gettext_lazy("Refuse…"), permissions=["decide"])
    def refuse_several(self, request: HttpRequest, queryset: QuerySet[Application]) -> HttpResponse:
        chosen = queryset.exclude(state=State.REFUSED).values_list("pk", flat=True)
        keys = list(chosen[: self.list_per_page])
        return redirect(f"{reverse(f'admin:{REFUSE}')}?{urlencode({'pk': keys}, doseq=True)}")

    def ask_refusal(self, request: HttpRequest) -> HttpResponse:
        """The page that asks for one reason for several applications."""
        if not self.may_act(request):
            raise PermissionDenied
        keys = [key for key in map(digits.whole, request.GET.getlist("pk")) if key]
        found = self.get_queryset(request).filter(pk__in=keys).order_by("pk")
        rows = list(found[: self.list_per_page])
        if not rows:
            raise Http404

        def do(reason: str) -> str:
            by = pages.organizer(request)
            count = each(
                request,
                rows,
                lambda one: applications.refuse(application=one, reason=reason, by=by),
            )
            told = gettext("Applications refused: %(count)d.") % {"count": count}
            messages.success(request, told)
            return pages.list_url(Application)

        return pages.ask(
            self,
            request,
            rows[0],
            title=gettext("Refuse several applications"),
            says=str(SAYS_REFUSAL),
            facts=[(gettext("Applicants"), ", ".join(str(one.user) for one in rows))],
            form_class=RefusalForm,
            button=gettext("Refuse"),
            is_danger=True,
            do=do,
            done="",
        )


def each(
    request: HttpRequest, rows: Iterable[Application], act: Callable[[Application], None]
) -> int:
    """Decide about each application; returns how many. A refusal of a rule is told, and the others
    go on."""
    count = 0
    for one in rows:
        try:
            act(one)
            count += 1
        except Refused as refusal:
            messages.error(request, f"{one}: {refusal.detail}")
    return count
