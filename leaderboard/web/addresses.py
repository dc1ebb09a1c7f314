"""Mail addresses of an account. A site without a mail server offers no confirmation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import EmailView
from django.conf import settings
from django.utils.translation import gettext

CONFIRMATION_SENT = "account/messages/email_confirmation_sent.txt"


class Addresses(EmailView):  # type: ignore[misc]
    def get_context_data(self, **said: Any) -> dict[str, Any]:
        return {**super().get_context_data(**said), "sends_mail": bool(settings.EMAIL_URL)}


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def add_message(
        self,
        request: Any,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **fields: Any,
    ) -> None:
        """Never say that a confirmation was sent if this site sends no mail."""
        if message_template == CONFIRMATION_SENT and not settings.EMAIL_URL:
            said = gettext("This site sends no mail, so addresses are not confirmed.")
            super().add_message(request, level, message=said)
        else:
            super().add_message(request, level, message_template, *args, **fields)
