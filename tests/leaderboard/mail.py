"""A real mail server on this machine, for tests that read what was sent."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Inbox:
    """What the server took; `answer` is what it says to the next mails, `sender` to who sends."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.sender = "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            made = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(made, EmailMessage)
            self.mails.append(made)
        return self.answer


class Bound(Controller):
    """A server on a free port, which is taken before anybody else can take it. It knows no
    password."""

    def __init__(self, inbox: Inbox) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(
            inbox,
            hostname="127.0.0.1",
            port=self.socket.getsockname()[1],
            authenticator=lambda *_: AuthResult(success=False, handled=False),
            auth_require_tls=False,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.socket)


@contextmanager
def server(settings: Any) -> Iterator[Inbox]:
    """A mail server, and a site that is configured for it."""
    inbox = Inbox()
    bound = Bound(inbox)
    bound.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = bound.hostname, bound.port
    settings.EMAIL_URL = f"smtp://{bound.hostname}:{bound.port}"
    settings.EMAIL_USE_TLS = False
    try:
        yield inbox
    finally:
        bound.stop()


def parts(mail: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a mail."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text
    assert html
    return text.get_content(), html.get_content()
