"""People whom organizers invite to a competition by mail addresses."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from leaderboard.admin import pages, rights
from leaderboard.models import Competition, Guest
from leaderboard.models.organizers import is_operator
from leaderboard.services import guests

STATE_LABELS = {"open": "info", "come": "success", "expired": "default"}
DAYS = 14


class InvitationForm(forms.Form):
    addresses = forms.CharField(
        label=gettext_lazy("Mail addresses"),
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy(
            "One on each line, or with commas between them. An address that was invited "
            "before gets a new link, and the earlier link ends."
        ),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days until the links end"),
        initial=DAYS,
        min_value=1,
        max_value=guests.MOST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, competitions: QuerySet[Competition], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["competition"] = forms.ModelChoiceField(
            label=gettext_lazy("Competition"),
            queryset=competitions,
            widget=UnfoldAdminSelectWidget,
        )
        self.order_fields(["competition", "addresses", "days"])


@admin.register(Guest)
class GuestAdmin(pages.Fixed):
    to_competition = "competition"
    list_display = ["address", "state_label", "competition", "accepted_by", "expires_at"]
    list_filter = [("competition", pages.OwnCompetition), "expires_at"]
    search_fields = ["address__icontains", "accepted_by__username"]
    fields = [
        *("address", "competition", "stands", "link", "invited_by", "invited_at"),
        *("expires_at", "accepted_by", "accepted_at", "mail"),
    ]
    readonly_fields = fields
    actions_detail = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def get_fields(self, request: HttpRequest, obj: Guest | None = None) -> Any:
        """Viewers do not see the link, because whoever has the link can take part."""
        fields = super().get_fields(request, obj)
        return fields if self.may_act(request, obj) else [one for one in fields if one != "link"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Guest]:
        rows = super().get_queryset(request)
        return rows.select_related("competition", "accepted_by", "invited_by")

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page that invites the people of a list."""

        def do(competition: Competition, addresses: str, days: int) -> str:
            made = guests.invite(
                competition=competition,
                addresses=addresses,
                days=days,
                by=pages.organizer(request),
            )
            told = gettext("Invitations ready: %(count)d.") % {"count": len(made)}
            messages.success(request, told)
            return pages.list_url(Guest)

        says = gettext("Each address gets a link of its own, by which one account can take part.")
        if settings.EMAIL_URL:
            how = gettext("The links are sent by mail, in the language of this page.")
        else:
            how = gettext(
                "Mail is not set up. Send each link yourself: the page of the invitation shows it."
            )
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Invite people to a competition"),
            says=f"{says} {how}",
            form_class=partial(InvitationForm, competitions=self.held(request)),
            button=gettext("Invite"),
            do=do,
            done="",
        )

    def held(self, request: HttpRequest) -> QuerySet[Competition]:
        """The competitions to which a person may invite."""
        rows = Competition.objects.exclude(state=Competition.State.PUBLISHED)
        if is_operator(request.user):
            return rows
        return rows.filter(
            pk__in=[key for key, kind in rights.roles(request).items() if kind in self.acting]
        )

    @display(description=gettext_lazy("State"), label=STATE_LABELS)
    def state_label(self, guest: Guest) -> tuple[str, str]:
        if guest.accepted_at:
            return "come", gettext("accepted")
        if guest.expires_at <= timezone.now():
            return "expired", gettext("expired")
        return "open", gettext("open")

    @display(description=gettext_lazy("State"))
    def stands(self, guest: Guest) -> str:
        return self.state_label(guest)[1]

    @display(description=gettext_lazy("Link"))
    def link(self, guest: Guest) -> SafeString | str:
        if not guest.is_usable:
            return "–"
        address = f"{settings.SITE_URL}{guest.get_absolute_url()}"
        return format_html('<span class="long-link">{}</span>', address)

    @display(description=gettext_lazy("Mail"))
    def mail(self, guest: Guest) -> str:
        if guest.mail_at:
            return gettext("Waiting to be sent.")
        if not guest.mail_attempts:
            return gettext("No mail was sent.")
        return gettext("Sent or given up after %(count)d attempts.") % {
            "count": guest.mail_attempts
        }

    @action(description=gettext_lazy("Revoke"), icon="block", variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        guest = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            guest,
            title=gettext("Revoke this invitation"),
            says=gettext("The link no longer works."),
            button=gettext("Revoke"),
            is_danger=True,
            is_gone=True,
            do=lambda: guests.revoke(guest=guest, by=pages.organizer(request)),
            done=gettext("The invitation of {} is revoked."),
        )
