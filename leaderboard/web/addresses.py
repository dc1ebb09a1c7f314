"""Mail addresses of an account, and the mails about it. A site without a mail server offers no
confirmation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import EmailView
from django.conf import settings
from django.utils.translation import gettext

from leaderboard.models import Letter
from leaderboard.services import letters

Kind = Letter.Kind
LETTERS = {
    "account/email/email_confirmation": (Kind.CONFIRM, "activate_url"),
    "account/email/email_confirmation_signup": (Kind.CONFIRM, "activate_url"),
    "account/email/password_reset_key": (Kind.RESET, "password_reset_url"),
    "account/email/account_already_exists": (Kind.EXISTS, "password_reset_url"),
    "account/email/unknown_account": (Kind.UNKNOWN, "signup_url"),
}
"""The kind of each mail of allauth, and which of its facts is the link."""
CONFIRMATION_SENT = "account/messages/email_confirmation_sent.txt"
SIGNED_IN = "account/messages/logged_in.txt"
WELCOME = "account/messages/welcome.txt"


class Addresses(EmailView):  # type: ignore[misc]
    def get_context_data(self, **said: Any) -> dict[str, Any]:
        return {**super().get_context_data(**said), "sends_mail": bool(settings.EMAIL_URL)}


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a mail in our words, so that no request waits for the mail server."""
        kind, link = LETTERS[template_prefix]
        account = str(context.get("user", ""))
        letters.write(kind=kind, address=email, url=context[link], account=account)

    def add_message(
        self,
        request: Any,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **fields: Any,
    ) -> None:
        """Never say that a confirmation was sent if this site sends no mail. Welcome who is new."""
        if message_template == SIGNED_IN and request.resolver_match.url_name == "account_signup":
            message_template = WELCOME
        if message_template == CONFIRMATION_SENT and not settings.EMAIL_URL:
            said = gettext("This site sends no mail, so addresses are not confirmed.")
            super().add_message(request, level, message=said)
        else:
            super().add_message(request, level, message_template, *args, **fields)
