"""Where a submission stands on the public board, and what would bring its team further.

Only the public board and the formula are read, so a team may see everything here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from leaderboard.models import Entry, Evaluation, RankRange, Submission, Team
from leaderboard.models.entry import EntryQuerySet
from leaderboard.rounding import QUALITY_DECIMALS
from leaderboard.services import counting, duels, rankings
from scoring import formula

State = Evaluation.State
Compared = Literal["better", "same", "worse"]
LEAST_GAIN = 1e-6
"""Boards compare scores at six decimals. An equal score goes to the earlier upload."""


@dataclass(frozen=True)
class Own:
    """The team's best submission beside the one that is looked at."""

    submission_id: int
    score: float
    rank: int | None
    """The rank that its score has on the current board; None below the gate."""


@dataclass(frozen=True)
class Step:
    """What one term alone must gain to pass a better score. None: this term alone cannot."""

    score: float
    time_ratio_less: float | None
    seconds_less: float | None
    quality_more: float | None
    team: Team | None = None
    """The team to pass; None for the team's own best."""
    rank: int | None = None
    is_tied: bool = False
    """Whether the clock cannot tell the two scores apart, so that the order is not certain."""
    odds: duels.Odds | None = None
    """Whether the gain lasts on another exam. None where the doubt of one of the scores is not
    known, and for the own best: it would tell on how many images two models of a team differ."""
    sure_seconds_less: float | None = None
    """Of `odds`, per image."""


@dataclass(frozen=True)
class Comparison:
    """A scored submission beside another one of its team."""

    own: Own
    """The best of the earlier submissions. For a submission that is not the best: the best."""
    compared: Compared
    """A model that passes the gate is better than any below it, whatever the scores."""
    change: float | None
    """Its score less that of `own`; None where only one of the two passes the gate."""
    is_clear: bool
    """Whether the difference is larger than the noise of the clock. The gate has no such noise."""
    is_held: bool
    """Whether it is better than the team's row, which only a real gain would change."""


@dataclass(frozen=True)
class Rivals:
    """The ranked entries of the other teams on the public board."""

    entries: EntryQuerySet
    own_key: int
    """The key of the team's own entry, by which a board orders what is equal."""

    def above(self, score: Decimal, submission: Submission) -> EntryQuerySet:
        """The entries that stand above a score of the team."""
        return self.entries.above(score, submission.uploaded_at, self.own_key)

    def place(self, score: Decimal, submission: Submission) -> int:
        """The rank that a score of the team has."""
        return self.above(score, submission).count() + 1


@dataclass(frozen=True)
class Prospect:
    """Where a scored submission stands, on the current board."""

    rivals: Rivals
    rank: int | None
    """The rank that its score has on the current board; None below the gate."""
    ranked: int
    """Teams that have a rank."""
    is_best: bool
    """Whether it is the team's entry on the board."""
    comparison: Comparison | None
    """With the team's best; None for its first score."""
    step: Step | None
    """To the next rank, or to the team's own best. None for the leader."""
    quality_to_gate: float | None
    """The quality that is missing to have a rank."""
    in_branch: Comparison | None = None
    """With the best earlier score of the same branch of the team's repository."""
    likely: RankRange | None = None
    """The range of the rank, once it is computed for this model. Only the team's row has one."""


def of(submission: Submission) -> Prospect | None:
    """Where a submission stands. None without a score, off the board, and where boards are
    hidden."""
    evaluation, competition = submission.evaluation, submission.competition
    if competition.hides_scores:
        return None
    if evaluation.state != State.SCORED or not submission.is_in_the_running or submission.is_late:
        return None
    entry = Entry.objects.filter(team=submission.team_id, board=Entry.Board.PUBLIC).first()
    if entry is None:  # it is being written in this moment
        return None
    score = score_of(evaluation)
    quality = evaluation.quality_public or 0.0
    is_best = entry.submission_id == submission.pk
    if competition.last_counts and not is_best:  # an earlier one, which a later one has replaced
        return None
    before = earlier_best(submission) if is_best else verdict_of(entry.evaluation_id)
    if competition.last_counts:  # what was better before does not count
        before = None
    rivals = others(entry)
    missing = competition.min_quality - quality
    rank = None if missing > 0 else rivals.place(score, submission)
    return Prospect(
        rivals=rivals,
        rank=rank,
        ranked=rivals.entries.count() + entry.is_ranked,
        is_best=is_best,
        comparison=comparison(evaluation, before, rivals, is_best=is_best) if before else None,
        step=step_up(submission, evaluation, rivals, None if is_best else before) if rank else None,
        quality_to_gate=up_to(missing) if missing > 0 else None,
        in_branch=in_branch(evaluation, rivals) if submission.branch else None,
        likely=RankRange.objects.filter(evaluation=evaluation.pk).first() if rank else None,
    )


def others(entry: Entry) -> Rivals:
    ranked = Entry.objects.filter(
        competition=entry.competition_id, board=entry.board, is_ranked=True
    )
    return Rivals(ranked.exclude(pk=entry.pk), entry.pk)


def in_branch(evaluation: Evaluation, rivals: Rivals) -> Comparison | None:
    """A submission beside the best earlier one of its branch; None for the first score of a
    branch."""
    submission = evaluation.submission
    assert submission
    before = earlier_best(submission, submission__branch=submission.branch)
    return comparison(evaluation, before, rivals, is_best=True) if before else None


def earlier_best(submission: Submission, **limits: str) -> Evaluation | None:
    """The evaluation that stood on the board before this upload, as far as it still counts.

    `limits`: further conditions on the evaluation.
    """
    earlier = Evaluation.objects.counting().filter(
        team=submission.team_id, submission__uploaded_at__lt=submission.uploaded_at, **limits
    )
    passing = earlier.filter(quality_public__gte=submission.competition.min_quality)
    for some in (passing, earlier):
        best = some.select_related("submission", "competition").order_by(*counting.PUBLIC_ORDER)
        if found := best.first():
            return found
    return None


def verdict_of(key: int) -> Evaluation:
    # A rescore shows a board before the evaluations of its teams follow.
    return Evaluation.every.select_related("submission", "competition").get(pk=key)


def comparison(
    evaluation: Evaluation, before: Evaluation, rivals: Rivals, *, is_best: bool
) -> Comparison:
    is_better = passes(evaluation) and score_of(evaluation) < score_of(before)
    return Comparison(
        own=own(before, rivals),
        compared=compared(evaluation, before),
        change=change(evaluation, before),
        is_clear=is_clear(evaluation, before),
        is_held=evaluation.competition.only_real_gains and is_better and not is_best,
    )


def own(evaluation: Evaluation, rivals: Rivals) -> Own:
    submission = evaluation.submission
    assert submission
    score = score_of(evaluation)
    rank = rivals.place(score, submission) if passes(evaluation) else None
    return Own(submission.pk, float(score), rank)


def compared(evaluation: Evaluation, other: Evaluation) -> Compared:
    """Whether an evaluation is better than another one, by the gate first and then by the score."""
    key, other_key = ((not passes(each), score_of(each)) for each in (evaluation, other))
    if key == other_key:
        return "same"
    return "better" if key < other_key else "worse"


def change(evaluation: Evaluation, other: Evaluation) -> float | None:
    if passes(evaluation) != passes(other):
        return None
    return float(score_of(evaluation) - score_of(other))


def passes(evaluation: Evaluation) -> bool:
    """Whether a scored evaluation reaches the quality that is ranked."""
    return (evaluation.quality_public or 0.0) >= evaluation.competition.min_quality


def is_clear(evaluation: Evaluation, other: Evaluation) -> bool:
    if passes(evaluation) != passes(other):
        return True
    intervals = [(score_of(each), each.score_half_width or 0.0) for each in (evaluation, other)]
    return not rankings.within_noise(min(intervals), max(intervals))


def score_of(evaluation: Evaluation) -> Decimal:
    return formula.exact(evaluation.score_public or 0.0)


def step_up(
    submission: Submission, evaluation: Evaluation, rivals: Rivals, best: Evaluation | None
) -> Step | None:
    """The step to the team's own best if that is better, else the step to the team above."""
    score = score_of(evaluation)
    if best:
        return step(evaluation, float(score_of(best))) if score_of(best) < score else None
    next_above = (
        rivals.above(score, submission)
        .select_related("team")
        .order_by("-score", "-uploaded_at", "-pk")
        .first()
    )
    if next_above is None:
        return None
    found = step(
        evaluation,
        float(next_above.score),
        team=next_above.team,
        rank=rivals.place(score, submission) - 1,
        is_tied=rankings.within_noise(
            (next_above.score, next_above.score_half_width),
            (score, evaluation.score_half_width or 0.0),
        ),
    )
    return with_odds(found, evaluation, next_above)


def with_odds(found: Step, evaluation: Evaluation, rival: Entry) -> Step:
    """A step to the rank of a rival. If the doubt is known, it tells how likely the step lasts."""
    duel = duels.of(evaluation, rival)
    if duel is None:
        return found
    odds = duels.odds(
        duel, evaluation, found.score, less=found.time_ratio_less, more=found.quality_more
    )
    sure = odds.sure_time_ratio_less if odds else None
    seconds = evaluation.competition.seconds_per_image(sure)
    return replace(found, odds=odds, sure_seconds_less=rounded_up(seconds) if seconds else None)


def step(
    evaluation: Evaluation,
    target: float,
    *,
    team: Team | None = None,
    rank: int | None = None,
    is_tied: bool = False,
) -> Step:
    """The least gain of one term, the other staying as it is, that gives less than `target`.

    Gains are rounded up, so that a gain of this size passes in any case.
    """
    competition = evaluation.competition
    time_ratio, quality = evaluation.time_ratio or 0.0, evaluation.quality_public or 0.0
    quality_ref = evaluation.quality_ref
    assert quality_ref is not None  # a scored evaluation was measured against one
    weight, k, goal = competition.time_weight, competition.k, target - LEAST_GAIN
    term = formula.quality_term(quality, quality_ref=quality_ref, k=k)
    ratio_less = time_ratio - (goal - term) / weight if weight else math.inf
    less = ratio_less if 0 < ratio_less < time_ratio else None
    seconds_less = competition.seconds_per_image(less)
    wanted = formula.quality_at(goal - weight * time_ratio, quality_ref=quality_ref, k=k)
    return Step(
        score=target,
        time_ratio_less=None if less is None else math.ceil(less * 1e4) / 1e4,
        seconds_less=rounded_up(seconds_less) if seconds_less else None,
        quality_more=None
        if wanted is None or wanted > 1
        else math.ceil((wanted - quality) * 1e4) / 1e4,
        team=team,
        rank=rank,
        is_tied=is_tied,
    )


def up_to(missing: float) -> float:
    """A missing quality, rounded up to its last shown decimal, so that this gain suffices."""
    unit = 10.0**QUALITY_DECIMALS
    return math.ceil(round(missing * unit, 3)) / unit


def rounded_up(value: float, digits: int = 2) -> float:
    """A number rounded up to so many significant digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return math.ceil(value / unit) * unit
