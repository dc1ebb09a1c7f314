"""The people who organize one competition. Its owners give roles and end them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leaderboard.admin import fields, pages
from leaderboard.models import Role
from leaderboard.services import appointments

KIND_LABELS = {"owner": "primary", "organizer": "success", "viewer": "default"}


class NewRoleForm(forms.ModelForm):
    person = fields.line(
        gettext_lazy("Person"),
        254,
        gettext_lazy("User name, or a mail address that the person has confirmed."),
    )

    class Meta:
        model = Role
        fields = ["competition", "kind"]


@admin.register(Role)
class RoleAdmin(pages.Noun):
    to_competition = "competition"
    acting = (Role.Kind.OWNER,)
    list_display = ["user", "kind_label", "competition", "given_at", "given_by"]
    list_filter = [("competition", pages.OwnCompetition), "kind"]
    search_fields = ["user__username", "user__email"]
    actions_detail = ["end"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return super().get_queryset(request).select_related("competition", "user", "given_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def get_form(
        self, request: HttpRequest, obj: Role | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not change:
            kwargs["form"] = NewRoleForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> list[str]:
        if obj is None:
            return ["competition", "person", "kind"]
        return ["competition", "user", "kind", "given_by", "given_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> list[str]:
        return ["competition", "user", "given_by", "given_at"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Role, form: forms.ModelForm, change: bool
    ) -> None:
        by = pages.organizer(request)
        if change:
            appointments.change(role=obj, kind=obj.kind, by=by)
            return
        person = form.cleaned_data["person"]
        made = appointments.give(competition=obj.competition, to=person, kind=obj.kind, by=by)
        obj.pk, obj.user = made.pk, made.user

    @display(description=gettext_lazy("Role"), ordering="kind", label=KIND_LABELS)
    def kind_label(self, role: Role) -> tuple[str, str]:
        return role.kind, role.get_kind_display()

    @action(description=gettext_lazy("End"), icon="person_remove", variant=ActionVariant.DANGER)
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        role = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            role,
            title=gettext("End this role"),
            says=gettext("The person sees only what participants see from then on."),
            button=gettext("End the role"),
            is_danger=True,
            is_gone=True,
            do=lambda: appointments.end(role=role, by=pages.organizer(request)),
            done=gettext("The role of {} has ended."),
        )
