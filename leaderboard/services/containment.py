"""Whether models stay in their sandbox on this machine. Models that try to break out test it."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass

from django.conf import settings

import scoring
from leaderboard import sentences
from scoring.job import Plan
from scoring.sentences import Sentence, say

logger = logging.getLogger(__name__)
WEAK = (
    "ALLOW_WEAK_SANDBOX is on: models run also where the kernel cannot shut them in, and can do "
    "whatever this user can. For development only."
)


@dataclass(frozen=True)
class Flaw:
    """Why no model may run here, in a sentence for the person who runs the machine."""

    code: str
    said: tuple[Sentence, ...]

    @property
    def message(self) -> str:
        return sentences.message(self.said)


def can_be_tried() -> bool:
    """Whether the packages that run models are installed. A web server has none of them."""
    return all(importlib.util.find_spec(name) for name in ("torch", "numpy"))


def flaw(plan: Plan) -> Flaw | None:
    """What is wrong with the sandbox on this machine, or None if it holds. Takes seconds."""
    if not can_be_tried():
        return Flaw("no_torch", (say("PyTorch is not installed here: models cannot be run."),))
    try:
        found = breaches(plan)
    except scoring.EngineError as error:
        return Flaw(error.code, error.said)
    except Exception as error:
        logger.exception("The self-test of the sandbox broke")
        return Flaw(
            "sandbox_failed",
            (say("The self-test of the sandbox failed: %(error)s", error=repr(error)),),
        )
    if found:
        return Flaw("breached", (say("The sandbox does not isolate models here."), *found))
    return None


def is_allowed(flaw: Flaw) -> bool:
    """Whether models run in spite of a flaw, because a developer has asked for it."""
    return bool(settings.ALLOW_WEAK_SANDBOX and flaw.code == "breached")


def breaches(plan: Plan) -> tuple[Sentence, ...]:
    """What the models of the self-test could do. Raises `EngineError`."""
    from scoring.sandbox import selftest  # it needs NumPy, which web servers do not have

    return selftest.breaches(plan, may_be_weak=settings.ALLOW_WEAK_SANDBOX)
