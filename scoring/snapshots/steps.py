"""The public board of an earlier moment, and checks of the steps it is made of.

A step is a submission that became the one which counts for its team: see `versions.Step`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from scoring.sentences import say
from scoring.snapshots.checking import Check, Tally, by_formula
from scoring.snapshots.contents import QUALITY_SLACK, Contents
from scoring.snapshots.versions import Constants, Step, Stood, Stretch


def board(contents: Contents, at: datetime) -> tuple[Stood, ...]:
    """The ranked rows of the public board at a moment, in order.

    A submission counts from its upload on. Its score is that of the version of the scores that held
    at the moment.
    """
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")  # sorts as text
    begun = [one for one in contents.steps if one.begin is None or one.begin <= moment]
    last: dict[str, Step] = {}
    for step in begun[-1].steps if begun else ():
        if step.at <= moment:
            last[step.team] = step
    return tuple(
        Stood(rank, one.team, one.submission, one.score, one.at)
        for rank, one in enumerate(sorted(last.values(), key=order), start=1)
    )


def order(step: Step) -> tuple[float, str]:
    return step.score, step.at


def steps(contents: Contents) -> Check:
    """Whether each step has the score by the formula of its time, and the last steps are the
    board."""
    tally = Tally("steps", say("Boards of earlier moments"))
    if not contents.steps:
        tally.leave(say("The file was made before such files had the steps of teams."))
        return tally.done()
    follow(tally, contents)
    for stretch in contents.steps:
        since = contents.measured_since(stretch.version)
        for step in stretch.steps:
            if step.since == since:
                scored(tally, stretch, step)
            else:
                tally.leave(
                    say(
                        "Some submissions keep a score from before the last time that all "
                        "were measured again."
                    )
                )
        in_order(tally, contents, stretch)
    for stretch, version in zip(contents.steps, contents.history, strict=False):
        stood(tally, contents, stretch, version.boards["before"])
    end(tally, contents)
    return tally.done()


def follow(tally: Tally, contents: Contents) -> None:
    """Whether each version of the scores has one stretch, which begins with it and has its
    formula."""
    history, last = contents.history, contents.formula
    gains = contents.competition.only_real_gains
    begins = [None, *(one.at for one in history)]
    formulas = [one.before for one in history]
    formulas.append(
        Constants(last.time_weight, last.k, last.quality_ref or 0.0, last.min_quality, gains)
    )
    expected = list(zip(range(1, len(begins) + 1), begins, formulas, strict=True))
    told = [(one.version, one.begin, one.formula) for one in contents.steps]
    tally.expect(told == expected, say("The steps are of other versions, dates or formulas."))


def scored(tally: Tally, stretch: Stretch, step: Step) -> None:
    rules = stretch.formula
    where = place(stretch, step)
    by_formula(tally, where, step, rules, slack=QUALITY_SLACK)
    tally.expect(
        step.quality > rules.min_quality - QUALITY_SLACK,
        say("%(where)s: the submission does not pass the gate.", where=where),
    )


def in_order(tally: Tally, contents: Contents, stretch: Stretch) -> None:
    """Whether the steps of each team follow each other, and each step is better than the one
    before."""
    for one, other in pairwise(stretch.steps):
        if one.team == other.team:
            is_better = other.score < one.score or contents.competition.last_counts
            tally.expect(
                one.at <= other.at and is_better,
                say(
                    "%(where)s: the submission is not better than the one before.",
                    where=place(stretch, other),
                ),
            )


def stood(tally: Tally, contents: Contents, stretch: Stretch, before: tuple[Stood, ...]) -> None:
    """Whether the rows of a board before a rescore have the scores of their steps.

    A submission that was withdrawn or disqualified later has no step, and is not compared.
    """
    since = contents.measured_since(stretch.version)
    scores = {one.submission: one.score for one in stretch.steps if one.since == since}
    for row in before:
        if row.submission in scores:
            tally.expect(
                row.score == scores[row.submission],
                say(
                    "version %(version)d: submission %(submission)d had another score.",
                    version=stretch.version,
                    submission=row.submission,
                ),
            )


def end(tally: Tally, contents: Contents) -> None:
    """Whether the last step of each team is its ranked row on the public board."""
    last = {one.team: one for one in contents.steps[-1].steps}
    told = sorted((one.team, one.submission, one.score, one.at) for one in last.values())
    ranked = [row for row in contents.boards["public"] if row.rank is not None]
    shown = sorted((row.team, row.submission, row.score, row.uploaded_at) for row in ranked)
    tally.expect(told == shown, say("The last steps are not the public board."))


def place(stretch: Stretch, step: Step) -> str:
    return f"version {stretch.version}, submission {step.submission}"
