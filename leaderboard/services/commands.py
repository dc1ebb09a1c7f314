"""Commands that a team can run at home, and that fail for a file that failed here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from leaderboard.models import Competition, Evaluation
from scoring.job import Formula, InputSpec, Limits, Plan

IN_THE_RUN = frozenset(
    (
        *("load_failed", "load_timeout", "wrong_input", "wrong_output", "not_finite"),
        *("output_too_large", "first_call_timeout", "call_timeout", "total_timeout"),
        *("out_of_memory", "crashed", "answers_change"),
    )
)
"""Failures of a model that runs. A try on the sample shows them."""
BESIDE_THE_REFERENCE = frozenset(("time_unstable", "too_slow", "gpu_busy"))
"""Failures that only a measurement beside the reference shows. Teams do not have the reference."""


def for_failure(evaluation: Evaluation) -> str:
    """The command that fails for the same file; empty if there is none."""
    submission, code = evaluation.submission, evaluation.failure_code
    if not submission or code in BESIDE_THE_REFERENCE:
        return ""
    if code in IN_THE_RUN:
        return trying(submission.competition, submission.file_name)
    return checking(submission.competition, submission.file_name)


def checking(competition: Competition, file_name: str = "model.pt") -> str:
    return f"featherweight check {quoted(file_name)} --competition {competition.slug}"


def trying(competition: Competition, file_name: str = "model.pt") -> str:
    """A try on the competition's sample. Input, metric and limits are options where they differ
    from the defaults."""
    return " ".join(
        (
            f"python -m scoring try {quoted(file_name)} --data {competition.slug}-sample.zip",
            *options(competition),
        )
    )


def options(competition: Competition) -> list[str]:
    spec = competition.input_spec()
    sides = [spec.height] if spec.height == spec.width else [spec.height, spec.width]
    found = [f"--input-size {' '.join(map(str, sides))}"]
    found += unusual(spec, InputSpec(), without={"height", "width"})
    if competition.metric != Formula.metric:
        found.append(f"--metric {competition.metric}")
    found += unusual(competition.limits(), Limits(), without={"unpacked_bytes"})
    if competition.profile:
        plan, usual = competition.profile.plan(), Plan()
        found += unusual(replace(usual, device=plan.device, threads=plan.threads), usual)
    return found


def unusual(given: Any, usual: Any, *, without: Iterable[str] = ()) -> list[str]:
    """Options of `python -m scoring` for the fields that differ from the defaults."""
    found = []
    for field in fields(given):
        value = getattr(given, field.name)
        if field.name in without or value == getattr(usual, field.name):
            continue
        values = value if isinstance(value, tuple) else (value,)
        texts = (str(one).removesuffix(".0") for one in values)  # 600, not 600.0
        found.append(f"--{field.name.replace('_', '-')} {' '.join(texts)}")
    return found


def quoted(file_name: str) -> str:
    """A file name as a shell takes it. A name like `-x` must not become an option."""
    return shlex.quote(f"./{file_name}" if file_name.startswith("-") else file_name)
