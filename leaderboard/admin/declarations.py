"""What teams declare about tracks. Organizers revoke it and take that back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant

from leaderboard.admin import fields, pages
from leaderboard.models import Declaration
from leaderboard.services import declarations


class RevokeForm(forms.Form):
    reason = fields.reason(gettext_lazy("The team reads this reason."))


@admin.register(Declaration)
class DeclarationAdmin(pages.Fixed):
    comes_from = gettext_lazy("Teams declare themselves on their page if a track asks for it.")
    to_competition = "team__competition"
    list_display = ["team", "track", "declared_by", "declared_at", "revoked_at"]
    list_filter = [("team__competition", pages.OwnCompetition), "track"]
    search_fields = ["team__name"]
    fields = ["team", "track", "declared_by", "declared_at", "revoked_at", "reason"]
    actions_detail = ["revoke", "restore"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Declaration]:
        return super().get_queryset(request).select_related("team__competition", "declared_by")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        row = self.get_object(request, str(object_id))
        hidden = "restore" if row and row.revoked_at is None else "revoke"
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if self.button_name(one) != hidden
        ]

    @action(description=gettext_lazy("Revoke"), icon="block", variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            row,
            title=gettext("Revoke the declaration"),
            says=gettext("The team leaves the boards of this track. You can take it back."),
            form_class=RevokeForm,
            button=gettext("Revoke"),
            is_danger=True,
            do=lambda reason: declarations.revoke(
                declaration=row, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("Revoked: {}."),
        )

    @action(description=gettext_lazy("Restore"), icon="undo")
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            row,
            title=gettext("Restore the declaration"),
            says=gettext("The team is in this track again."),
            facts=[(gettext("Reason"), row.reason)],
            button=gettext("Restore"),
            do=lambda: declarations.restore(declaration=row, by=pages.organizer(request)),
            done=gettext("Restored: {}."),
        )
