"""Reads the environment. A wrong value is reported in one line instead of a stack trace."""

from __future__ import annotations

import ipaddress
import logging
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@contextmanager
def told_in_a_line(*, exit_code: int) -> Iterator[None]:
    """If a setting in the body is wrong, end the process with one line that says so."""
    try:
        yield
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(exit_code)


class Environment(environ.FileAwareEnv):  # type: ignore[misc]
    """Variables by their names. An empty variable counts as not set, because compose files write it
    so."""

    def get_value(self, var: str, cast: Any = None, default: Any = None, *more: Any) -> Any:
        try:
            is_set = bool(self.ENVIRON.get(var, "").strip())
        except OSError as error:
            raise ImproperlyConfigured(f"{var}_FILE cannot be read: {error}.") from error
        return super().get_value(var, cast, default, *more) if is_set else default

    def text(self, name: str, *, default: str = "") -> str:
        if value := str(self.get_value(name, default=default)).strip():
            return value
        raise ImproperlyConfigured(f"{name} must be set; docs/configuration.md says to what.")

    def switch(self, name: str) -> bool:
        """A variable that switches something on. It is off unless it is set."""
        value = str(self.get_value(name, default="0")).strip()
        if value not in ("0", "1"):
            raise wrong(name, "0 or 1", value)
        return value == "1"

    def whole(self, name: str, *, default: int, least: int) -> int:
        value = self.get_value(name, default=str(default))
        try:
            if int(value) >= least:
                return int(value)
        except ValueError:
            pass
        raise wrong(name, f"a whole number of at least {least}", value)

    def number(self, name: str, *, default: float, least: float) -> float:
        value = self.get_value(name, default=str(default))
        try:
            if least <= float(value) < float("inf"):
                return float(value)
        except ValueError:
            pass
        raise wrong(name, f"a number of at least {least:g}", value)

    def networks(self, name: str) -> list[Network]:
        """Networks like 10.0.0.0/8, with commas between them; none unless they are given."""
        value = str(self.get_value(name, default="")).strip()
        try:
            return [ipaddress.ip_network(one.strip()) for one in value.split(",") if one.strip()]
        except ValueError as error:
            raise wrong(name, "networks like 10.0.0.0/8,fd00::/8", value) from error

    def choice(self, name: str, *, default: str, among: Collection[str]) -> str:
        value = str(self.get_value(name, default=default)).strip()
        if value in among:
            return value
        raise wrong(name, f"one of {', '.join(among)}", value)

    def level(self, name: str, *, default: str) -> str:
        value = str(self.get_value(name, default=default)).strip()
        if value.upper() in logging.getLevelNamesMapping():
            return value.upper()
        raise wrong(name, "DEBUG, INFO, WARNING, ERROR or CRITICAL", value)

    def address(self, name: str, *, default: str, schemes: Iterable[str], like: str) -> str:
        """A URL. Its errors do not show the wrong value, which may hold a password."""
        value = str(self.get_value(name, default=default)).strip()
        if not value or is_address(value, schemes):
            return value
        raise wrong(name, f"an address like {like}")


def is_address(value: str, schemes: Iterable[str]) -> bool:
    scheme, mark, rest = value.partition("://")
    if scheme == "sqlite":  # a path, or :memory:
        return bool(scheme in schemes and rest)
    try:
        return bool(scheme in schemes and mark and rest and urlsplit(value).port != 0)
    except ValueError:  # no port, no IPv6 address
        return False


def wrong(name: str, must_be: str, value: object = None) -> ImproperlyConfigured:
    found = "" if value is None else f", not {value!r}"
    return ImproperlyConfigured(f"{name} must be {must_be}{found}.")
