"""What happened is told to everybody who listens, once it is committed.

What people and webhooks are told is written as a `Happening` in the transaction in which it
happens, so that no crash loses it. `TELLERS` in `telling` make notices and calls of these rows.

A listener runs in the process that made the event, which may be a worker. A worker measures time
and has no way to the Internet in compose. So a listener only queues a task. A listener that breaks
is logged and stops nobody else.

`posting` writes notices, sends mails and calls webhooks, in the process of the post.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from leaderboard import queue
from leaderboard.models import (
    Announcement,
    Competition,
    Evaluation,
    Happening,
    Invitation,
    Question,
    Team,
)


class Event(StrEnum):
    EVALUATION_ENDED = "evaluation_ended"
    """An evaluation is scored, failed, given up or cancelled."""
    COMPETITION_PUBLISHED = "competition_published"
    """A private board is shown to everybody."""
    RESCORED = "rescored"
    """A new formula holds for the whole competition."""
    PLACE_CHANGED = "place_changed"
    """The entry of a team on the public board is new or another one."""
    QUOTA_USED = "quota_used"
    """A team has used its last upload of the day. It is told when the next day begins."""
    INVITED = "invited"
    """A person is invited to a team by name or address."""
    ANNOUNCED = "announced"
    """Organizers announce something."""
    VERIFICATION = "verification"
    """A team is asked to hand in code or a report, or it was decided about."""
    TEAM_CHANGED = "team_changed"
    """Organizers change a team, or give it further uploads."""
    MERGE_ASKED = "merge_asked"
    """A team asks another one to join it."""
    APPLIED = "applied"
    """A person asks to take part in a competition."""
    APPLICATION_DECIDED = "application_decided"
    """An application is accepted or refused."""
    ASKED = "asked"
    """A participant asks the organizers something."""
    ANSWERED = "answered"
    """The organizers answer a question."""
    ENDS_SOON = "ends_soon"
    """A competition ends within a day."""


Listener = Callable[[Event, Model], None]


def post(event: Event, row: Model) -> None:
    """Tell the process that sends notices that there is something to tell."""
    queue.post()


LISTENERS: tuple[Listener, ...] = (post,)


def tell(event: Event, row: Model, *, due_at: datetime | None = None, **facts: Any) -> None:
    """Tell all listeners of an event and the row that it is about, after the commit.

    `facts` are stored in the `Happening`. `due_at`: when it is told to people; now by default.
    """
    if about := subject(row):
        due = due_at or timezone.now()
        Happening.objects.create(event=event, due_at=due, facts=facts, **about)

    def told(listener: Listener) -> Callable[[], None]:
        return lambda: listener(event, row)  # no `partial`: Django logs a callback by its name

    for listener in LISTENERS:
        transaction.on_commit(told(listener), robust=True)


def subject(row: Model) -> dict[str, Any]:
    """The columns of a `Happening` that name what it is about; none if no person is told."""
    if isinstance(row, Evaluation):
        about = {"competition_id": row.competition_id, "team_id": row.team_id, "evaluation": row}
        return about if row.team_id is not None else {}
    if isinstance(row, Team):
        return {"competition_id": row.competition_id, "team": row}
    if isinstance(row, Invitation):
        return {"competition_id": row.team.competition_id, "team": row.team, "invitation": row}
    if isinstance(row, Announcement | Question):
        return {"competition": row.competition}
    return {"competition": row} if isinstance(row, Competition) else {}
