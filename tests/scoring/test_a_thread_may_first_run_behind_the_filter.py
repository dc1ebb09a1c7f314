"""A thread that is started before the filter may first run after it.

Its C library then registers the thread by the call `rseq`, which the filter denies, and aborts.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from scoring.job import Plan
from scoring.sandbox import parent

RSEQ = {"x86_64": 334, "aarch64": 293}
THREAD_BEHIND_A_FILTER = """
import sys, threading
from scoring.sandbox import lockdown
lockdown.LIBC.prctl(lockdown.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
denied = lockdown.program([int(sys.argv[1])], {}, listed=lockdown.ERRNO | 1, others=lockdown.ALLOW)
assert lockdown.filtered(denied)
thread = threading.Thread(target=print, args=("the thread ran",))
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.machine() not in RSEQ, reason="the number of rseq is not known")
def test_the_zygotes_environment_lets_it_run_without_the_denied_call() -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREAD_BEHIND_A_FILTER, str(RSEQ[platform.machine()])],
        env=parent.environment(Plan(threads=2)) | {"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "the thread ran\n"), done.stderr
