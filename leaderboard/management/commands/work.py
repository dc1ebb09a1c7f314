"""The embedded worker, for sites without a broker.

It polls the queue's rows, returns expired leases, continues boards in preparation, renews
ranges of ranks, and does the work of the post.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from leaderboard.models import HardwareProfile
from leaderboard.services import delivering, posting, preparing, ranges, running, sweeping


class Command(BaseCommand):
    help = (
        "Evaluate what is queued for one hardware profile, one submission at a time, until SIGINT "
        "or SIGTERM; what runs at that time goes back to the queue. Exit code 0 after a signal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--profile", required=True, help="slug of the hardware profile")
        parser.add_argument(
            "--poll",
            type=float,
            default=1.0,
            help="seconds between two looks at the queue (default: 1)",
        )
        parser.add_argument(
            "--until-idle", action="store_true", help="stop when the queue is empty"
        )

    def handle(self, *, profile: str, poll: float, until_idle: bool, **options: Any) -> None:
        if not HardwareProfile.objects.filter(slug=profile).exists():
            known = ", ".join(HardwareProfile.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no hardware profile {profile}; there are: {known}.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write(f"Working for {profile}. Ctrl-C stops.")
        swept, calls = float("-inf"), delivering.BackgroundCalls()
        while not stop.is_set():
            try:
                if time.monotonic() - swept >= settings.SWEEP_SECONDS:
                    sweeping.sweep()
                    posting.sweep()
                    swept = time.monotonic()
                preparing.go_on_all(seconds=preparing.SHORT_SLICE)
                posting.go_on(seconds=posting.SHORT_SLICE, calls=calls)
                ranges.renew_all()
                evaluation = running.run_next(profile, should_stop=stop.is_set)
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"The database does not answer, trying again: {error}")
                connection.close()
                stop.wait(5)
                continue
            if evaluation is not None:
                evaluation.refresh_from_db()
                self.stdout.write(f"{evaluation}: attempt {evaluation.attempt}")
            elif until_idle:
                break
            else:
                stop.wait(poll)
        calls.finish()
