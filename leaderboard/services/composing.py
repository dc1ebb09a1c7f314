"""A mail as text and HTML, in the active language."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation


def compose(
    template: str,
    said: Mapping[str, str],
    *,
    to: str,
    name: str,
    headers: Mapping[str, str] | None = None,
) -> EmailMultiAlternatives:
    """A mail of a template in `mail/`. `said` has title, text and url.

    `name` is the first part of its Message-ID, which is the same if it is sent again.
    """
    said = {**said, "language": translation.get_language() or settings.LANGUAGE_CODE}
    made = EmailMultiAlternatives(
        subject=" ".join(said["title"].split()),
        body=render_to_string(f"mail/{template}.txt", said),
        to=[to],
        headers={
            "Message-ID": f"<{name}@{urlsplit(settings.SITE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
            **(headers or {}),
        },
    )
    made.attach_alternative(render_to_string(f"mail/{template}.html", said), "text/html")
    return made
