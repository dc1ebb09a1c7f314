"""What happened is told to everybody who listens, once it is committed.

A listener runs in the process that made the event. `EVALUATION_ENDED` mostly comes from a worker,
which measures time and has no way to the Internet in compose. `COMPETITION_PUBLISHED` comes from
the web process or from beat's. So a listener only writes a row or queues a task: a knock takes
milliseconds. The web side or beat sends what leaves the machine.

To add a listener, write a function of an event and its row into a file of its own and name it in
`LISTENERS`. A listener that breaks is logged and stops nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from django.db import transaction
from django.db.models import Model

from leaderboard import queue
from leaderboard.models import Evaluation


class Event(StrEnum):
    EVALUATION_QUEUED = "evaluation_queued"
    """An evaluation waits, and a worker may take it at once."""
    EVALUATION_ENDED = "evaluation_ended"
    """An evaluation is scored, failed, given up or cancelled."""
    COMPETITION_PUBLISHED = "competition_published"
    """A private board is shown to everybody."""


Listener = Callable[[Event, Model], None]


def knock(event: Event, row: Model) -> None:
    """Tell the workers of a hardware profile that an evaluation waits for them."""
    if event is Event.EVALUATION_QUEUED:
        assert isinstance(row, Evaluation)
        queue.knock(row.profile.slug)


LISTENERS: tuple[Listener, ...] = (knock,)


def tell(event: Event, row: Model) -> None:
    """Tell all listeners of an event and the row that it is about, after the commit."""

    def told(listener: Listener) -> Callable[[], None]:
        return lambda: listener(event, row)  # no `partial`: Django logs a callback by its name

    for listener in LISTENERS:
        transaction.on_commit(told(listener), robust=True)
