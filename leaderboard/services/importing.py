"""A large upload is read, and later imported, in the background. Closing the browser loses nothing.

Everything lies in the upload's folder, as all of `staging` does: what is decided, how far it is,
and how it failed. A thread of the site works there, because workers may not write files. Meanwhile
it holds a lock on a file of the folder. The lock goes with its process, so each sweep sees what
lost its process and goes on with it. Whoever deletes the folder cancels.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from django.db import connections
from django.utils import translation
from django.utils.translation import gettext

from leaderboard.errors import Refused
from leaderboard.models import Dataset, User
from leaderboard.services import audit, datasets, divisions, privileges, staging
from leaderboard.services.staging import Staged
from scoring.images.sets import Count

logger = logging.getLogger(__name__)
EACH = 0.5
"""Seconds between two notes of the progress."""
MOST_TRIES = 3
"""An import that ends its process so many times, for want of memory perhaps, waits for a person."""
busy = threading.Lock()
"""A process reads one upload at a time: pictures take memory."""


class State(Enum):
    UNDER_WAY = "under way"
    FAILED = "failed"
    READY = "ready"
    """It waits for a decision."""
    IMPORTED = "imported"


class Cancelled(Exception):
    """The folder was deleted."""


@dataclass(frozen=True)
class Progress:
    """How far an upload is."""

    phase: str = ""
    """`read`, `compared` or `written`; empty before the first image."""
    done: int = 0
    total: int = 0
    tries: int = 0
    """How many processes began."""

    @property
    def percent(self) -> float:
        return 100 * self.done / self.total if self.total else 0.0


def state_of(staged: Staged) -> State:
    if (staged.folder / "made.json").exists():
        return State.IMPORTED
    if (staged.folder / "trouble.json").exists():
        return State.FAILED
    if (staged.folder / "decision.json").exists() or not staged.is_read:
        return State.UNDER_WAY
    return State.READY


def progress_of(staged: Staged) -> Progress:
    return Progress(**facts(staged, "progress"))


def silent_seconds(staged: Staged) -> float:
    """Seconds since something was written in the folder of an upload."""
    try:
        return time.time() - staged.folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def trouble_of(staged: Staged) -> str:
    """Why an upload could not be read or imported, in words."""
    return str(facts(staged, "trouble").get("said", ""))


def dataset_of(staged: Staged) -> Dataset | None:
    """What an upload became."""
    return Dataset.objects.filter(pk=facts(staged, "made").get("dataset", 0)).first()


def begin(staged: Staged) -> None:
    """Read an upload in the background."""
    (staged.folder / "trouble.json").unlink(missing_ok=True)
    (staged.folder / "progress.json").unlink(missing_ok=True)
    start()


def decide(staged: Staged, *, name: str, licence: str, wishes: divisions.Wishes, by: User) -> None:
    """Import a read upload in the background. Raises `BadDataset` for what stands in the way."""
    datasets.check_length("name", name, most=120)
    datasets.check_length("licence", licence, most=200)
    datasets.check(divisions.planned(staged.catalogue, wishes, staged.kinship, name=name))
    decision = {
        "name": name,
        "licence": licence,
        "wishes": asdict(wishes),
        "by": by.pk,
        "why": audit.reason.get(),
    }
    staging.put(staged, "decision", decision)
    begin(staged)


def sweep() -> None:
    """Go on with what lost its process. A process that signed in as a worker does nothing."""
    if any(staging.every()) and privileges.may_update(Dataset):
        start()


def start() -> None:
    """Work on what waits, in a thread of this process."""
    threading.Thread(target=work, name="imports", daemon=True).start()


def work() -> None:
    """Work on all uploads that wait, one after another."""
    if not busy.acquire(blocking=False):
        return
    try:
        for staged in staging.every():
            if state_of(staged) is State.UNDER_WAY:
                go_on(staged)
    finally:
        busy.release()
        connections.close_all()


def go_on(staged: Staged) -> None:
    """Read an upload, or import it if that is decided, unless another process is at it."""
    with held(staged) as is_free, translation.override(staged.language or None):
        if not is_free or state_of(staged) is not State.UNDER_WAY:
            return
        try:
            tries = Progress(**facts(staged, "progress")).tries + 1
            if tries > MOST_TRIES:
                fail(
                    staged,
                    gettext(
                        "The import stopped several times. Check whether there is enough memory."
                    ),
                )
                return
            staging.put(staged, "progress", {"tries": tries})
            take(staged, tries)
        except Cancelled:
            return
        except Refused as refusal:
            fail(staged, refusal.detail)
        except Exception:  # whatever it is, the next upload is not to blame
            if staged.folder.exists():
                logger.exception("The upload of %s broke", staged.file_name)
                fail(
                    staged,
                    gettext("The import ended because of an error of the service. Start it again."),
                )


def take(staged: Staged, tries: int) -> None:
    """Read an upload; import it if that is decided."""

    def count(phase: str) -> Count:
        return noted(staged, phase, tries)

    if not staged.is_read:
        staging.write(staged, count)
    decision = facts(staged, "decision")
    if not decision:
        return
    with audit.because(decision["why"]):
        datasets.import_(
            name=decision["name"],
            licence=decision["licence"],
            source=staged.source,
            wishes=divisions.Wishes(**decision["wishes"]),
            catalogue=staged.catalogue,
            kin=staged.kinship,
            by=User.objects.get(pk=decision["by"]),
            count=count("written"),
            keep=lambda save: made(staged, save),
        )
    with suppress(FileNotFoundError):  # its organizer has seen the dataset already
        staged.source.unlink()


def made(staged: Staged, save: Callable[[], Dataset]) -> Dataset:
    """Save the dataset of an upload, and note its key. Raises `Cancelled`."""
    try:
        with staging.closing(staged):
            dataset = save()
            staging.put(staged, "made", {"dataset": dataset.pk})
    except FileNotFoundError as error:
        raise Cancelled from error
    return dataset


def cancel(staged: Staged) -> Dataset | None:
    """Delete an upload, unless it has just become a dataset, which is returned."""
    return None if staging.forget(staged, unless="made") else dataset_of(staged)


def noted(staged: Staged, phase: str, tries: int) -> Count:
    """A function that notes the progress of a phase now and then, and its end. Calling it raises
    `Cancelled`."""
    due = float("-inf")

    def count(done: int, total: int) -> None:
        nonlocal due
        if done < total and time.monotonic() < due:
            return
        due = time.monotonic() + EACH
        told = {"phase": phase, "done": done, "total": total, "tries": tries}
        try:
            staging.put(staged, "progress", told)
        except FileNotFoundError as error:
            raise Cancelled from error

    return count


def fail(staged: Staged, said: str) -> None:
    """Note why an upload cannot go on. The decision is taken back, so that its choices can be
    changed."""
    (staged.folder / "decision.json").unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # it was deleted
        staging.put(staged, "trouble", {"said": said})


@contextmanager
def held(staged: Staged) -> Iterator[bool]:
    """Whether this process is the only one that works on an upload.

    If it is, no other process begins to work on the upload before the body ends.
    """
    try:
        file = (staged.folder / "lock").open("w")
    except FileNotFoundError:  # it was deleted
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def facts(staged: Staged, name: str) -> dict[str, Any]:
    """The content of a small file of an upload; empty if there is no such file."""
    try:
        found: dict[str, Any] = json.loads((staged.folder / f"{name}.json").read_text())
    except FileNotFoundError:
        return {}
    return found
