"""People and their API tokens. An organizer can deactivate a person, but not delete one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from leaderboard.admin import pages, scripts
from leaderboard.models import ApiToken, Membership, User
from leaderboard.services import people


class EmailInline(scripts.LightInline):
    model = EmailAddress
    extra = 0
    fields = ["email", "verified", "primary"]


class MembershipInline(pages.FixedInline):
    model = Membership
    verbose_name_plural = gettext_lazy("teams")
    fields = ["team", "competition", "joined_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("team", "competition", "user")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, pages.Noun):  # type: ignore[misc]  # the paginator's type
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_superuser", "is_active", "date_joined", "last_login"]
    list_filter = ["is_superuser", "is_active"]
    fieldsets = [
        (None, {"fields": ["username", "password", ("first_name", "last_name"), "email"]}),
        (
            gettext_lazy("Rights"),
            {
                "description": gettext_lazy(
                    "A superuser is an operator of the site and may do everything. To let a "
                    "person organize one competition, give a role there instead: see Roles."
                ),
                "fields": ["is_active", "is_superuser"],
            },
        ),
        (gettext_lazy("Dates"), {"fields": [("last_login", "date_joined")]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ()
    inlines = [EmailInline, MembershipInline]

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return self.inlines if obj else []  # a new person has neither addresses nor teams

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        people.save(person=obj, by=pages.organizer(request))

    @transaction.atomic
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        if answer.status_code == HTTPStatus.FOUND and (person := self.get_object(request, id)):
            people.note_password(person=person, by=pages.organizer(request))
        return answer


@admin.register(ApiToken)
class ApiTokenAdmin(pages.Fixed):
    comes_from = gettext_lazy("People create API tokens on their profile.")
    list_display = ["name", "user", "token_key", "scope", "created", "used_at", "expires"]
    search_fields = ["name", "user__username"]
    fields = [
        ("name", "user"),
        "token_key",
        ("scope", "competition"),
        ("created", "used_at", "expiry"),
    ]
    actions_detail = ["revoke"]

    @display(description=gettext_lazy("Expires"), ordering="expiry")
    def expires(self, token: ApiToken) -> str:
        if token.expiry is None:
            return gettext("never")
        day = formats.date_format(token.expiry, "DATE_FORMAT")
        return (
            gettext("expired on %(day)s") % {"day": day} if token.expiry <= timezone.now() else day
        )

    @action(description=gettext_lazy("Revoke"), icon="block", variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            token,
            title=gettext("Revoke this token"),
            says=gettext(
                "Programs that use this token are refused from now on. Its owner can make "
                "another token."
            ),
            button=gettext("Revoke"),
            is_danger=True,
            is_gone=True,
            do=lambda: people.revoke_token(token=token, by=pages.organizer(request)),
            done=gettext("The token is revoked."),
        )
