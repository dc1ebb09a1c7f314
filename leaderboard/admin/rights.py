"""What a person may do in the panel: operators everything, others what their roles allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.fields import UnfoldAdminReadonlyField

from leaderboard.models import Competition, Dataset, Role
from leaderboard.models.organizers import enters_panel, is_operator, roles_of


class Rights(ModelAdmin):
    """Rows of a competition are for those with a role there; what all share is for operators."""

    to_competition = ""
    """The path from a row to its competition; empty for what all competitions share."""
    acting: tuple[str, ...] = Role.ACTING
    """The roles that may change rows of this noun."""
    reading: tuple[str, ...] = ()
    """The buttons of a row that only show something: for viewers, too."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_role(request, obj, tuple(Role.Kind))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_act(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request.user)

    def may_act(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether a person may press the buttons of a row, or without one those of any row."""
        return self.has_role(request, obj, self.acting)

    def has_role(self, request: HttpRequest, obj: Model | None, kinds: tuple[str, ...]) -> bool:
        if is_operator(request.user):
            return True
        if not self.to_competition:
            return False
        held = {key for key, kind in roles(request).items() if kind in kinds}
        return bool(held) if obj is None else self.competition_of(obj) in held

    def competition_of(self, row: Model) -> Any:
        """The key of the row's competition."""
        found: Any = row
        for name in self.to_competition.split("__"):
            found = getattr(found, name)
        return found.pk if isinstance(found, Model) else found

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """The fields that a search reads. Only operators may search mail addresses."""
        found = list(super().get_search_fields(request))
        if is_operator(request.user):
            return found
        return [one for one in found if not one.endswith("email")]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        actions = list(super().get_actions_detail(request, object_id))
        if self.may_act(request, self.get_object(request, str(object_id))):
            return actions
        return [one for one in actions if self.button_name(one) in self.reading]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.reader = request
        return form

    def button_name(self, action: UnfoldAction) -> str:
        """The name of a button's method."""
        return action.action_name.removeprefix(f"{self.opts.app_label}_{self.opts.model_name}_")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Offers only what the person may use: another's draft or data is not even named."""
        if not is_operator(request.user):
            held = [key for key, kind in roles(request).items() if kind in self.acting]
            if db_field.related_model is Competition:
                kwargs["queryset"] = Competition.objects.filter(pk__in=held)
            elif db_field.related_model is Dataset:
                kwargs["queryset"] = Dataset.objects.filter(competition__in=held).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def readable(field: UnfoldAdminReadonlyField, relation: Any, row: Model) -> SafeString | str:
    """The link of a read-only field; the name alone if the reader may not see the row's page."""
    noun = admin.site._registry.get(type(row))
    if noun and noun.has_view_permission(field.form.reader, row):
        return linked(field, relation, row)
    return str(row)


linked: Callable[..., SafeString | str] = UnfoldAdminReadonlyField.get_admin_url


def roles(request: HttpRequest) -> dict[int, str]:
    """The person's roles, read once for a request."""
    if not hasattr(request, "_roles"):
        request._roles = roles_of(request.user)  # type: ignore[attr-defined]
    held: dict[int, str] = request._roles  # type: ignore[attr-defined]
    return held


def enters(request: HttpRequest) -> bool:
    """Whether a person may enter the panel."""
    return enters_panel(request.user)


def check(admin: ModelAdmin, request: HttpRequest, obj: Model | None) -> None:
    """Raises `PermissionDenied` for a person who may not act on `obj`, or add a row without one."""
    assert isinstance(admin, Rights)
    if not (admin.may_act(request, obj) if obj else admin.has_add_permission(request)):
        raise PermissionDenied


def sign_in(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """People sign in on the site's page, which has rate limits and the second factor."""
    if enters(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def change_password(request: HttpRequest) -> HttpResponse:
    """The site's page ends API tokens with the old password. Django's own would not."""
    return redirect("account_change_password")


def on_site(request: HttpRequest, content_type_id: int, object_id: int) -> HttpResponse:
    """The page of a row on the site.

    404 for a person who may not see the row in the panel: the redirect would tell the row's slug.
    """
    kind = ContentType.objects.filter(pk=content_type_id).first()
    noun = admin.site._registry.get(kind.model_class()) if kind else None  # type: ignore[arg-type]
    if noun is None or noun.get_object(request, str(object_id)) is None:
        raise Http404
    return shortcut(request, content_type_id, object_id)
