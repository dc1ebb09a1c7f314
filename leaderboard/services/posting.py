"""The work of the post: notices of what happened, mails, calls of webhooks, and signed results.

The post's own process does it, or an embedded worker between two evaluations.
"""

from __future__ import annotations

from leaderboard.models import Notice
from leaderboard.services import (
    attention,
    delivering,
    letters,
    mailing,
    privileges,
    signing,
    snapshots,
    telling,
)

SLICE = 20.0
"""Seconds of each kind of work in the post's own process."""
SHORT_SLICE = 2.0
"""Seconds of each kind of work in an embedded worker, whose evaluations must not wait."""


def sweep() -> None:
    """Make the first key, find the ends that are near, delete what is old, tell operators of
    matters."""
    if is_post():
        signing.prepare()
        telling.sweep()
        letters.forget()
        delivering.sweep()
        attention.sweep()


def go_on(*, seconds: float, calls: delivering.BackgroundCalls | None = None) -> None:
    """Tell, mail and call what is due, each for some seconds at most.

    `calls`: sends in a thread, so that no evaluation waits for an address. None: send here.
    """
    if not is_post():
        return
    telling.go_on(seconds=seconds)
    mailing.go_on(seconds=seconds)
    snapshots.go_on(seconds=seconds)
    if calls:
        calls.go_on()
    else:
        delivering.go_on(seconds=seconds)


def is_post() -> bool:
    """Whether this process may send. The database role of a measuring worker may not."""
    return privileges.may_update(Notice)
