"""Checks of the settings, of what stands before the site, and of the sandbox."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import stat
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.mail import get_connection
from django.http.request import validate_host
from django.utils.translation import gettext

from leaderboard.models import User
from leaderboard.services import containment
from leaderboard.services.health.findings import Findings, error, warning
from scoring.job import Plan

LEAST_KEY = 40
LEAST_DAYS = 14
"""A certificate is renewed before this: the usual ones are, 30 days before their end."""
PATIENCE = 5.0
SECRETS = (
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "WORKER_PASSWORD",
    "METRICS_TOKEN",
    "S3_SECRET_KEY",
)
HERE = {"localhost", "127.0.0.1", "::1"}
HEADERS = ("X-Content-Type-Options", "Content-Security-Policy", "X-Frame-Options")


def secret_key() -> Findings:
    """SECRET_KEY cannot be guessed, and DEBUG is off on a site that others reach."""
    key = settings.SECRET_KEY
    if settings.DEBUG:
        if settings.SITE_HOST not in HERE:
            yield error(
                gettext("DEBUG is on, and SITE_URL is an address that other people can reach."),
                gettext("Unset DEBUG: its error pages show settings and data."),
            )
    elif len(key) < LEAST_KEY or len(set(key)) < 10:
        yield error(
            gettext("SECRET_KEY is short: %(number)d characters.") % {"number": len(key)},
            gettext(
                "Use 50 random characters before anybody signs in. The key also divides images."
            ),
        )


def hosts() -> Findings:
    """The site answers by its own name, and not by each name that somebody invents."""
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            gettext("ALLOWED_HOSTS accepts every name."),
            gettext(
                "Name the hosts, or leave it empty. Links in mails use the name that a "
                "request gives."
            ),
        )
    if not validate_host(settings.SITE_HOST, settings.ALLOWED_HOSTS):
        yield error(
            gettext("ALLOWED_HOSTS lacks %(host)s, the host of SITE_URL.")
            % {"host": settings.SITE_HOST},
            gettext("Add it, or leave ALLOWED_HOSTS empty."),
        )


def key_files() -> Findings:
    """Files that hold secrets can be read by their owner alone."""
    for name in (f"{secret}_FILE" for secret in SECRETS):
        path = Path(os.environ.get(name, ""))
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield warning(
                gettext("The file of %(name)s can be read by everybody, or written by a group.")
                % {"name": name},
                gettext("Set its mode to 0400, or 0440."),
                about=name,
            )


def people() -> Findings:
    """Somebody can enter the panel."""
    if not User.objects.filter(is_superuser=True, is_active=True).exists():
        yield warning(
            gettext("Nobody can open the panel: there is no superuser."),
            gettext("Set FIRST_SUPERUSER and run manage.py first_superuser, or createsuperuser."),
        )


def mail() -> Findings:
    """There is a mail server, and it lets this site in."""
    if not settings.EMAIL_URL:
        yield warning(
            gettext("Mail is not set up."),
            gettext("Set EMAIL_URL. Without it nobody can reset a password."),
        )
        return
    try:
        with get_connection():
            pass
    except (OSError, smtplib.SMTPException) as problem:
        yield error(
            gettext("The mail server refuses this site: %(error)s.")
            % {"error": type(problem).__name__},
            gettext("Check the address, port, user and password in EMAIL_URL."),
        )


def front() -> Findings:
    """The address of the site leads here, with its headers, and its certificate holds."""
    parts = urlsplit(settings.SITE_URL)
    if settings.SITE_HOST in HERE:
        return
    if parts.scheme != "https":
        yield error(
            gettext("SITE_URL is not an https: address."),
            gettext(
                "Handle TLS at the front: docs/operate.md says how. Passwords are sent "
                "to this address."
            ),
        )
    elif not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield warning(
            gettext("TRUSTED_PROXIES is 0, and SITE_URL is https."),
            gettext(
                "Set it to the number of proxies. Otherwise all visitors share one limit "
                "of sign-ins."
            ),
        )
    yield from certificate(settings.SITE_HOST, parts.port or 443) if parts.scheme == "https" else ()
    yield from answer(settings.SITE_URL)


def certificate(host: str, port: int) -> Findings:
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as problem:
        yield error(
            gettext("The certificate of %(host)s is not valid: %(error)s.")
            % {"host": host, "error": problem.verify_message},
            gettext("Renew CERTIFICATE with its whole chain, then restart the front."),
        )
        return
    except OSError:
        return  # `answer` tells it
    days = int((ends - time.time()) // 86400)
    if days < LEAST_DAYS:
        yield warning(
            gettext("The certificate of %(host)s ends in %(days)d days.")
            % {"host": host, "days": days},
            gettext("Renew it, then restart the front."),
        )


def answer(address: str) -> Findings:
    """What a visitor's first request gets."""
    request = Request(f"{address}/accounts/login/", headers={"User-Agent": "doctor"})  # noqa: S310
    try:
        with urlopen(request, timeout=PATIENCE) as found:  # noqa: S310  our own address
            headers = found.headers
    except (OSError, ValueError) as problem:
        yield warning(
            gettext("%(address)s does not answer this machine: %(error)s.")
            % {"address": address, "error": getattr(problem, "reason", problem)},
            gettext(
                "Check the log of the front. If this machine cannot reach that address, "
                "ignore this."
            ),
        )
        return
    wanted = [*HEADERS, *(["Strict-Transport-Security"] if address.startswith("https") else [])]
    if missing := [name for name in wanted if name not in headers]:
        yield warning(
            gettext("Headers that do not reach visitors: %(names)s.")
            % {"names": ", ".join(missing)},
            gettext("Let the proxy pass these headers on, and send X-Forwarded-Proto to the site."),
        )


def sandbox() -> Findings:
    """Models stay in their sandbox on this machine. It takes seconds."""
    if not containment.can_be_tried():
        return
    if flaw := containment.flaw(Plan()):
        yield error(
            flaw.message,
            gettext("Workers accept no work here. SECURITY.md says what they need."),
        )
