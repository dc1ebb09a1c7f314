"""Announcements: written here, read on the overview, in notices and by mail."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action
from unfold.enums import ActionVariant

from leaderboard.admin import pages
from leaderboard.models import Announcement
from leaderboard.services import announcements


@admin.register(Announcement)
class AnnouncementAdmin(pages.Noun):
    to_competition = "competition"
    list_display = ["title", "competition", "is_pinned", "announced_at"]
    list_filter = [("competition", pages.OwnCompetition)]
    search_fields = ["title"]
    actions_detail = ["remove"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        return super().get_queryset(request).select_related("competition")

    def get_fieldsets(self, request: HttpRequest, obj: Announcement | None = None) -> Any:
        if settings.EMAIL_URL:
            says = gettext(
                "All teams of the competition get a notice and a mail, once. A later correction "
                "changes the pages and sends no second mail."
            )
        else:
            says = gettext(
                "All teams of the competition get a notice, once. A later correction changes the "
                "pages and sends no second notice."
            )
        fields = ["competition", "title", "text", "is_pinned"]
        return [(None, {"description": says, "fields": fields})]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Announcement | None = None
    ) -> list[str]:
        return ["competition"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Announcement, form: ModelForm, change: bool
    ) -> None:
        write = announcements.edit if change else announcements.announce
        write(announcement=obj, by=pages.organizer(request))

    @action(description=gettext_lazy("Remove"), icon="delete", variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        announcement = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            announcement,
            title=gettext("Remove"),
            says=gettext(
                "The announcement and its notices disappear from all pages. Mails that were sent "
                "cannot be taken back."
            ),
            button=gettext("Remove"),
            is_danger=True,
            is_gone=True,
            do=lambda: announcements.remove(announcement=announcement, by=pages.organizer(request)),
            done=gettext("“{}” is removed."),
        )
