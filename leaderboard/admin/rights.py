"""What a person may do in the panel: operators everything, others what their roles allow."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model
from django.forms import ModelChoiceField
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from leaderboard.models import Competition, Dataset, Role
from leaderboard.models.organizers import enters_panel, is_operator, roles_of


class Rights(ModelAdmin):
    """Rows of a competition are for those with a role there; what all share is for operators."""

    to_competition = ""
    """The path from a row to its competition; empty for what all competitions share."""
    acting: tuple[str, ...] = Role.ACTING
    """The roles that may change rows of this noun."""

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
        """Without addresses for those who do not see them."""
        found = list(super().get_search_fields(request))
        if is_operator(request.user):
            return found
        return [one for one in found if not one.endswith("email")]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        if not self.may_act(request, self.get_object(request, str(object_id))):
            return []
        return list(super().get_actions_detail(request, object_id))

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
