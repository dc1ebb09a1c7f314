"""Dates and times, as pages, notices and mails write them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import formats
from django.utils.translation import gettext


def day(value: datetime, zone: str) -> str:
    """A day of a year that is known."""
    # Translators: a day and a month, in the letters of Django's `date` filter.
    return formats.date_format(value.astimezone(ZoneInfo(zone)), gettext("j M"))


personal: ContextVar[str] = ContextVar("personal", default="")
"""The zone that the reader of a page has chosen; empty: none."""


@cache
def zones() -> tuple[str, ...]:
    """The names of zones that people choose from: a continent and a place, or UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return ("UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/"))))


def local(value: datetime, zone: str) -> str:
    """A date and time in a zone, in the reader's language. It does not name the zone."""
    # Translators: a date and time, in the letters of Django's `date` filter.
    return formats.date_format(value.astimezone(ZoneInfo(zone)), gettext("j M Y, H:i"))
