"""What organizers do with one team: another name, further uploads, merge, split. Each asks why."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from leaderboard.admin import bans, fields, pages
from leaderboard.models import Ban, Team
from leaderboard.services import captains, extras, merging, quotas, teams


class ReasonForm(forms.Form):
    reason = fields.reason(gettext_lazy("The team reads this reason."))


class NameForm(ReasonForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=teams.LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ["name", "reason"]


class ExtraForm(ReasonForm):
    uploads = forms.IntegerField(
        label=gettext_lazy("Further uploads"),
        min_value=1,
        max_value=extras.MOST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Used when the limits of the competition are used up."),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Valid until"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy("In the time zone of the competition."),
    )
    field_order = ["uploads", "until", "reason"]


class MergeForm(ReasonForm):
    other = forms.CharField(
        label=gettext_lazy("Team that joins"),
        max_length=teams.LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "The name of the team that ends. Everything that it has comes to this team."
        ),
    )
    is_late = forms.BooleanField(
        label=gettext_lazy("Also after the deadline of merges"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    field_order = ["other", "reason", "is_late"]


class MemberForm(ReasonForm):
    username = forms.ChoiceField(label=gettext_lazy("Member"), widget=UnfoldAdminSelectWidget)
    field_order = ["username", "reason"]

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who = self.fields["username"]
        assert isinstance(who, forms.ChoiceField)
        people = [(one, one) for one in team.members.values_list("username", flat=True)]
        who.choices = [("", gettext("Choose a member")), *people]  # nobody is removed by a slip


class SplitForm(MemberForm):
    name = forms.CharField(
        label=gettext_lazy("Name of the new team"),
        max_length=teams.LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ["username", "name", "reason"]


class TeamActs(pages.Noun):
    """Buttons on a team's page."""

    actions_detail = [
        *("more_uploads", "take_back", "ban"),
        # More buttons would hide the heading.
        {
            "title": gettext_lazy("More"),
            "icon": "more_horiz",
            "items": ["rename", "merge", "split", "pass_on", "remove_member"],
        },
    ]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        team = self.get_object(request, str(object_id))
        hidden = set()
        if team and Ban.objects.filter(team=team).exists():
            hidden.add("ban")  # the page links to the ban
        if team and not any(one.left for one in quotas.extras(team)):
            hidden.add("take_back")
        if team and team.memberships.count() < 2:
            hidden |= {"split", "pass_on", "remove_member"}
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if self.button_name(one) not in hidden]

    @action(description=gettext_lazy("Rename"), icon="edit")
    def rename(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            team,
            title=gettext("Rename"),
            says=gettext("The team's public page keeps the former name with its end."),
            form_class=partial(NameForm, initial={"name": team.name}),
            button=gettext("Rename"),
            do=lambda name, reason: teams.rename(
                team=team, name=name, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("The team is renamed."),
        )

    @action(description=gettext_lazy("Further uploads"), icon="add")
    def more_uploads(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)

        def do(uploads: int, until: datetime, reason: str) -> object:
            by = pages.organizer(request)
            return extras.give(team=team, uploads=uploads, until=until, reason=reason, by=by)

        with timezone.override(zoneinfo.ZoneInfo(team.competition.time_zone)):
            return pages.ask(
                self,
                request,
                team,
                title=gettext("Give further uploads"),
                says=gettext(
                    "The team sees them where its uploads are counted. They do not change what "
                    "other teams may upload."
                ),
                form_class=ExtraForm,
                facts=[(gettext("Time zone"), team.competition.time_zone)],
                button=gettext("Give"),
                do=do,
                done=gettext("{} can use its further uploads."),
            )

    @action(description=gettext_lazy("Take back uploads"), icon="remove")
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            team,
            title=gettext("Take back further uploads"),
            says=gettext("The further uploads that the team has not used end now."),
            button=gettext("Take back"),
            do=lambda: extras.take_back(team=team, by=pages.organizer(request)),
            done=gettext("The further uploads of {} have ended."),
        )

    @action(description=gettext_lazy("Merge"), icon="merge")
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)

        def do(other: str, reason: str, is_late: bool) -> object:
            return merging.merge(
                into=team,
                other=merging.named(team.competition, other),
                reason=reason,
                is_late=is_late,
                by=pages.organizer(request),
            )

        return pages.ask(
            self,
            request,
            team,
            title=gettext("Merge another team into this one"),
            says=gettext(
                "Members, submissions and further uploads of the other team come to this "
                "one, and so do the uploads that it has used. Its name, its open invitations "
                "and its webhooks end. You cannot undo this step."
            ),
            form_class=MergeForm,
            button=gettext("Merge"),
            is_danger=True,
            do=do,
            done=gettext("The other team has joined {}."),
        )

    @action(description=gettext_lazy("Split"), icon="call_split")
    def split(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            team,
            title=gettext("Give a member a separate team"),
            says=gettext(
                "The person leaves this team and gets a new one. Submissions stay with this team. "
                "The new team has all uploads of a new team."
            ),
            form_class=partial(SplitForm, team=team),
            button=gettext("Split"),
            do=lambda username, name, reason: merging.split(
                team=team,
                username=username,
                name=name,
                reason=reason,
                by=pages.organizer(request),
            ),
            done=gettext("The member of {} has a new team."),
        )

    @action(description=gettext_lazy("Change the captain"), icon="swap_horiz")
    def pass_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            team,
            title=gettext("Change the captain"),
            says=gettext(
                "This member decides about the team's name, members and merges from now on. The "
                "team gets a notice."
            ),
            form_class=partial(MemberForm, team=team),
            button=gettext("Change the captain"),
            do=lambda username, reason: captains.appoint(
                team=team, username=username, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("{} has another captain."),
        )

    @action(description=gettext_lazy("Remove a member"), icon="person_remove")
    def remove_member(self, request: HttpRequest, object_id: str) -> HttpResponse:
        team = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            team,
            title=gettext("Remove a member"),
            says=gettext(
                "The person leaves this team and may join another one. Submissions stay with this "
                "team. Its open invitations end, and so do the person's webhooks. The team and the "
                "person get a notice."
            ),
            form_class=partial(MemberForm, team=team),
            button=gettext("Remove the member"),
            is_danger=True,
            do=lambda username, reason: captains.expel(
                team=team, username=username, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("The member of {} is removed."),
        )

    @action(description=gettext_lazy("Ban"), icon="block", variant=ActionVariant.DANGER)
    def ban(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return bans.ask(self, request, self.find(request, object_id))
