"""A new password ends the API tokens, unless their owner wants to keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth
from allauth.account import views
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from leaderboard.services import tokens

if TYPE_CHECKING:
    Base = forms.Form
else:
    Base = object


def reset(request: HttpRequest) -> HttpResponseBase:
    """Ask for the link to a new password. Without a mail server nobody would get it."""
    if settings.EMAIL_URL:
        answer: HttpResponseBase = views.password_reset(request)
        return answer
    return render(request, "account/no_mail.html")


class EndsTokens(Base):
    """Mixin of a form that sets a password."""

    user: Any

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["keep_tokens"] = forms.BooleanField(
            label=_("Keep my API tokens. Otherwise they stop working with the old password."),
            required=False,
        )

    def save(self, *args: Any, **more: Any) -> Any:
        saved = super().save(*args, **more)  # type: ignore[misc]
        if not self.cleaned_data["keep_tokens"]:
            tokens.revoke_all(self.user, by=self.user)
        return saved


class ChangePasswordForm(EndsTokens, allauth.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(EndsTokens, allauth.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(EndsTokens, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    pass
