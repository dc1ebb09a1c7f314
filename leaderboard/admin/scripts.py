"""Which of Django's scripts a page of the panel loads: those that its widgets use."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, TabularInline


def scripts(*names: str) -> forms.Media:
    return forms.Media(js=[f"admin/js/{name}" for name in names])


JQUERY = ("vendor/jquery/jquery.min.js", "jquery.init.js")
RELATED = scripts(*JQUERY, "admin/RelatedObjectLookups.js")
"""Open a window for another row from the menu beside a choice."""
SLUGS = scripts(*JQUERY, "urlify.js", "prepopulate.js")
"""They make a slug of a title. XRegExp, 45 kB more, is for slugs of other letters than ASCII."""


class Light(ModelAdmin):
    """Loads no script for a widget that the page does not have.

    Django's own scripts for every page of a model are 80 kB as they travel.
    """

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        ticked = scripts("actions.js")
        return super().changelist_view(request, {"media": ticked, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        shown = context["adminform"]
        if any(has_menu(field) for field in shown.form.fields.values()):
            context["media"] += RELATED
        if shown.prepopulated_fields:
            context["media"] += SLUGS
        return super().render_change_form(request, context, *args, **kwargs)


def has_menu(field: forms.Field) -> bool:
    """Whether a menu beside a choice leads to the row or to a new one."""
    menu = field.widget
    return isinstance(menu, RelatedFieldWidgetWrapper) and any(
        (menu.can_add_related, menu.can_change_related, menu.can_view_related)
    )


class LightInline(TabularInline):
    """Rows within a form. Unfold's own script adds them, so that Django's is not needed."""

    @property
    def media(self) -> forms.Media:
        return forms.Media()
