"""Native code in the child finds nothing to use: over a hundred attempts, in each kind of place."""

import json
import subprocess
import sys
from typing import Any

import pytest

from scoring.sandbox import lockdown

PLAIN_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
"""No capability, and a number that is not root's."""


def breakouts(*options: str, before: tuple[str, ...] = ()) -> dict[str, Any]:
    command = [*before, sys.executable, "-m", "tests.scoring.breakouts", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def can_be_another_user() -> bool:
    try:
        return subprocess.run([*PLAIN_USER, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize(
    ("options", "before"),
    [
        pytest.param((), (), id="as whoever runs the tests"),
        pytest.param(("--no-namespaces",), (), id="where namespaces are denied"),
        pytest.param((), PLAIN_USER, id="as a plain user"),
        pytest.param(("--no-namespaces",), PLAIN_USER, id="as a plain user in a container"),
    ],
)
def test_no_attempt_succeeds(options: tuple[str, ...], before: tuple[str, ...]) -> None:
    if before and not can_be_another_user():
        pytest.skip("this machine does not let a process become another user")
    found = breakouts(*options, before=before)
    assert found["succeeded"] == []
    assert found["attempts"] > 90
    assert found["unchanged"]
    assert not found["is_weak"]
    assert bool(found["missing"]) or "--no-namespaces" not in options
    if before:
        assert found["user"] == 1000


GPU_MAY = {
    # No secrets are there.
    "open /dev/null", "open /dev/urandom",
    *(f"open /proc/self/{path}" for path in ("environ", "maps", "mem", "status", "fd", "cmdline")),
    # The driver starts threads and makes descriptors, and a socket for its debugger.
    "a socket AF_UNIX",
    "fork", "start a thread", "clone3", "a pipe", "an event descriptor", "a memory file",
    "copy its descriptors", "read another descriptor", "stat a file", "handle signals",
    # It changes the process alone.
    "an alarm", "lock memory", "rename itself", "another ABI's flag", "outlive its parent",
}  # fmt: skip


@pytest.mark.skipif(
    lockdown.LIBC.syscall(lockdown.LANDLOCK_CREATE_RULESET, None, 0, 1) < lockdown.KEEPS_SIGNALS,
    reason="this kernel is too old for models on a GPU",
)
def test_with_the_locks_of_a_gpu_nothing_reaches_others() -> None:
    found = breakouts("--gpu")
    assert set(found["succeeded"]) <= GPU_MAY
    assert found["unchanged"]


def test_attempts_succeed_where_the_child_does_not_lock_itself_in() -> None:
    """Otherwise the attempts prove nothing. It runs only where namespaces keep the harm inside."""
    if breakouts()["missing"]:
        pytest.skip("namespaces are denied here, and root could do harm")
    succeeded = set(breakouts("--unlocked")["succeeded"])
    assert {"fork", "start a thread", "a memory file", "a socket AF_INET", "a pipe"} <= succeeded
    assert {"handle signals", "outlive its parent", "trace its parent"} & succeeded
    assert len(succeeded) > 25, sorted(succeeded)
