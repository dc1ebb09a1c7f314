"""The numbers of a host in words, for a worker and for an evaluation."""

from __future__ import annotations

from django.utils.translation import gettext

from leaderboard.admin import pages
from scoring.job import HostNumbers


def turns(host: HostNumbers) -> str:
    """What a turn costs there, and what of that is subtracted."""
    most = {
        "empty": milliseconds(host.most_empty_seconds),
        "idle": milliseconds(host.most_idle_seconds),
    }
    sentence = gettext(
        "At most %(empty)s ms of an empty turn and %(idle)s ms of waking up are subtracted."
    )
    if host.is_measured:
        seen = {
            "empty": milliseconds(host.empty_seconds),
            "idle": milliseconds(host.idle_seconds),
        }
        found = gettext("An empty turn takes %(empty)s ms, waking up %(idle)s ms.") % seen
    else:
        found = gettext("Turns were not measured on this host. The default values are used.")
    return f"{found} {sentence % most}"


def between_runs(host: HostNumbers) -> str:
    """The standard deviation between runs, and what it comes from."""
    percent = pages.number(100 * host.between_runs_sd, 2)
    if not host.canaries:
        return gettext("%(percent)s %% (the default)") % {"percent": percent}
    return gettext("%(percent)s %% (from %(canaries)d canaries)") % {
        "percent": percent,
        "canaries": host.canaries,
    }


def milliseconds(seconds: float | None) -> str:
    return pages.number(None if seconds is None else 1000 * seconds, 3)
