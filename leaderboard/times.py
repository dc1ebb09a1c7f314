"""Dates and times, as pages, notices and mails write them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import formats


def day(value: datetime, zone: str) -> str:
    """A day of a year that is known."""
    return formats.date_format(value.astimezone(ZoneInfo(zone)), "MONTH_DAY_FORMAT")


personal: ContextVar[str] = ContextVar("personal", default="")
"""The zone that the reader of a page has chosen; empty: none."""


@cache
def zones() -> tuple[str, ...]:
    """The names of zones that people choose from: a continent and a place, or UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return ("UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/"))))


def local(value: datetime, zone: str) -> str:
    """A date and time in a zone, in the reader's language. It does not name the zone."""
    return formats.date_format(value.astimezone(ZoneInfo(zone)), "DATETIME_FORMAT")
