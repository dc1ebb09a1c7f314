"""Fields of the panel's forms, with the widgets of its theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def line(
    label: StrPromise, most: int, help_text: StrPromise | str = "", **more: Any
) -> forms.CharField:
    """A field for one line of text with `most` letters at most."""
    widget = UnfoldAdminTextInputWidget
    return forms.CharField(label=label, max_length=most, help_text=help_text, widget=widget, **more)


def paragraph(label: StrPromise, most: int, help_text: StrPromise, **more: Any) -> forms.CharField:
    """A field for a few lines of text with `most` letters at most."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(label=label, max_length=most, help_text=help_text, widget=widget, **more)


def reason(help_text: StrPromise) -> forms.CharField:
    """A field for the reason of a decision. The help text says who reads it."""
    return paragraph(gettext_lazy("Reason"), 300, help_text)


def tick(label: StrPromise, help_text: StrPromise) -> forms.BooleanField:
    widget = UnfoldBooleanSwitchWidget
    return forms.BooleanField(label=label, required=False, widget=widget, help_text=help_text)


def share(label: StrPromise, help_text: StrPromise) -> forms.FloatField:
    """A field for a share from 0 to 1, which may stay empty."""
    return forms.FloatField(
        label=label,
        required=False,
        min_value=0,
        max_value=1,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
    )


def refused(form: type[forms.ModelForm], detail: str) -> type[forms.ModelForm]:
    """A form that keeps what is typed, and shows why a service refused it; the same form if it did
    not."""
    if not detail:
        return form

    def clean(self: forms.ModelForm) -> None:
        form.clean(self)
        raise ValidationError(detail)

    return type(form.__name__, (form,), {"clean": clean})
