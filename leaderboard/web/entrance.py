"""The forms by which a person signs up and in: few fields, each with what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    Base = forms.Form
else:
    Base = object


class Labelled(Base):
    """Mixin of a form whose labels stand above its fields, so that no field repeats its label."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignupForm(Labelled, allauth.SignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["username"].help_text = _("Letters, digits and @ . + - _, without spaces.")
        self.fields["password1"].help_text = _(
            "At least 8 characters. Not only digits, not a common password, and not like your name."
        )


class LoginForm(Labelled, allauth.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["login"].label = _("User name or mail address")
        self.fields["remember"].label = _("Stay signed in")
