"""Bans of teams and people. A ban is made on a team's page, and lifted here."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from leaderboard.admin import fields, pages
from leaderboard.models import Ban, Team
from leaderboard.services import bans


class BanForm(forms.Form):
    who = forms.ChoiceField(label=gettext_lazy("Who"), widget=UnfoldAdminSelectWidget)
    reason = fields.reason(gettext_lazy("The team reads this reason."))

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team
        who = self.fields["who"]
        assert isinstance(who, forms.ChoiceField)
        people = [(str(one.pk), one.username) for one in team.members.all()]
        who.choices = [("", gettext("The whole team")), *people]
        who.required = False


def ask(admin_: admin.ModelAdmin, request: HttpRequest, team: Team) -> HttpResponse:
    """The page that bans a team or one of its members."""

    def do(who: str, reason: str) -> object:
        person = team.members.get(pk=who) if who else None
        return bans.ban(team=team, person=person, reason=reason, by=pages.organizer(request))

    return pages.ask(
        admin_,
        request,
        team,
        title=gettext("Ban"),
        says=gettext(
            "A banned person or team cannot upload, join a team or create one in this "
            "competition, and reads your reason. Rows stay on the boards. To take them off, "
            "disqualify the submissions."
        ),
        form_class=partial(BanForm, team=team),
        button=gettext("Ban"),
        is_danger=True,
        do=do,
        done=gettext("The ban is in force. You can lift it under Bans."),
    )


@admin.register(Ban)
class BanAdmin(pages.Fixed):
    comes_from = gettext_lazy("Ban a team or one of its members on the page of the team.")
    to_competition = "competition"
    list_display = ["__str__", "competition", "reason", "banned_by", "banned_at"]
    list_filter = [("competition", pages.OwnCompetition)]
    search_fields = ["team__name", "user__username", "reason"]
    fields = ["competition", "team", "user", "mail_hash", "reason", "banned_by", "banned_at"]
    actions_detail = ["lift"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ban]:
        rows = super().get_queryset(request)
        return rows.select_related("competition", "team", "user", "banned_by")

    @action(description=gettext_lazy("Lift"), icon="undo", variant=ActionVariant.PRIMARY)
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ban = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            ban,
            title=gettext("Lift this ban"),
            says=gettext("The team or the person can take part again."),
            facts=[(gettext("Reason"), ban.reason)],
            button=gettext("Lift the ban"),
            is_gone=True,
            do=lambda: bans.lift(ban=ban, by=pages.organizer(request)),
            done=gettext("The ban of {} is lifted."),
        )
