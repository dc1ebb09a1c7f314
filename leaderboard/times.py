"""Dates and times, as pages, notices and mails write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext


def day(value: datetime, zone: str) -> str:
    """A day of a year that is known."""
    # Translators: a day and a month, in the letters of Django's `date` filter.
    return formats.date_format(value.astimezone(ZoneInfo(zone)), gettext("j M"))


def local(value: datetime, zone: str) -> str:
    """A date and time in a zone, in the reader's language. It does not name the zone."""
    # Translators: a date and time, in the letters of Django's `date` filter.
    return formats.date_format(value.astimezone(ZoneInfo(zone)), gettext("j M Y, H:i"))
