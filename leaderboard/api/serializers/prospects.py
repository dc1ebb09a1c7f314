"""Where a scored submission stands, and what would bring its team further."""

from __future__ import annotations

import dataclasses
from typing import get_args

from rest_framework import serializers

from leaderboard.models import Submission
from leaderboard.services import advice, prospects

ALONE = {"own": None, "compared": None, "change": None, "is_clear": False, "is_held": False}
"""In place of a comparison, for the first score of a team."""


class Own(serializers.Serializer[prospects.Own]):
    submission_id = serializers.IntegerField()
    score = serializers.FloatField()
    rank = serializers.IntegerField(
        allow_null=True,
        help_text="The rank that its score has on the current board; null below the gate.",
    )


class Step(serializers.Serializer[prospects.Step]):
    """Each of the three smallest gains alone is enough to pass `score`. null if none is enough."""

    rank = serializers.IntegerField(allow_null=True)
    team = serializers.CharField(
        source="team.name",
        allow_null=True,
        help_text="null if the team's own best is to be passed.",
    )
    score = serializers.FloatField()
    time_ratio_less = serializers.FloatField(allow_null=True)
    seconds_less = serializers.FloatField(allow_null=True, help_text="Per image.")
    quality_more = serializers.FloatField(allow_null=True)
    is_tied = serializers.BooleanField(
        help_text="The clock cannot tell the two apart: the order is not certain."
    )
    likelihood = serializers.FloatField(
        allow_null=True,
        help_text="The probability that such a gain puts the model above the team on other "
        "images of the same kind, given the uncertainty of images and clock, in "
        "tenths. null until it is known, and for the team's own best.",
    )
    sure_time_ratio_less = serializers.FloatField(
        allow_null=True, help_text="The gain that is enough at 95 %."
    )
    sure_seconds_less = serializers.FloatField(allow_null=True, help_text="The same, per image.")
    sure_quality_more = serializers.FloatField(
        allow_null=True, help_text="The gain of quality that is enough at 95 %."
    )


class InBranch(serializers.Serializer[prospects.Comparison]):
    """The comparison with the best earlier score of the same branch, in the form of `own` of a
    prospect.
    """

    own = Own()
    compared = serializers.ChoiceField(get_args(prospects.Compared))
    change = serializers.FloatField(allow_null=True)
    is_clear = serializers.BooleanField()


class Prospect(serializers.Serializer[prospects.Prospect]):
    """On the current public board."""

    rank = serializers.IntegerField(
        allow_null=True, help_text="The rank of its score. null below the gate."
    )
    likely_first = serializers.IntegerField(
        allow_null=True,
        help_text="The first of the ranks that other images of the same kind would give, at "
        "95 %. null until it is computed, and for a model that is not its team's "
        "row.",
    )
    likely_last = serializers.IntegerField(allow_null=True, help_text="The last of these ranks.")
    ranked = serializers.IntegerField(help_text="Teams that have a rank.")
    is_best = serializers.BooleanField(help_text="It is its team's row on the board.")
    own = Own(
        allow_null=True,
        help_text="The team's best before this upload, or its best if this one is not.",
    )
    compared = serializers.ChoiceField(
        get_args(prospects.Compared),
        allow_null=True,
        help_text="The comparison with `own`. A model that passes the gate is better than "
        "one that does not.",
    )
    change = serializers.FloatField(
        allow_null=True,
        help_text="Its score minus the score of `own`. Below 0 is better. null if only one "
        "of the two passes the gate.",
    )
    is_clear = serializers.BooleanField(
        help_text="The difference is larger than the clock's noise."
    )
    is_held = serializers.BooleanField(
        help_text="Its score is better than that of its team's row, but the gain is not real: the "
        "row stays. See `only_real_gains` of the competition."
    )
    in_branch = InBranch(
        allow_null=True,
        help_text="null without a `branch` and for the branch's first score.",
    )
    step = Step(
        allow_null=True,
        help_text="The gain that is needed for the next rank, or for the team's own best.",
    )
    quality_to_gate = serializers.FloatField(allow_null=True)
    advice = serializers.ListField(
        child=serializers.CharField(), help_text="What would help most, in sentences."
    )


def told(submission: Submission) -> dict[str, object] | None:
    """The fields of `Prospect` as a plain dict; None without a score."""
    prospect = prospects.of(submission)
    if prospect is None:
        return None
    likely = prospect.likely
    return {
        "rank": prospect.rank,
        "likely_first": likely.first if likely else None,
        "likely_last": likely.last if likely else None,
        "ranked": prospect.ranked,
        "is_best": prospect.is_best,
        **(dataclasses.asdict(prospect.comparison) if prospect.comparison else ALONE),
        "in_branch": InBranch(prospect.in_branch).data if prospect.in_branch else None,
        "step": step_of(prospect.step) if prospect.step else None,
        "quality_to_gate": prospect.quality_to_gate,
        "advice": advice.of(submission, prospect),
    }


def step_of(step: prospects.Step) -> dict[str, object]:
    odds = step.odds
    return {
        "rank": step.rank,
        "team": step.team.name if step.team else None,
        "score": step.score,
        "time_ratio_less": step.time_ratio_less,
        "seconds_less": step.seconds_less,
        "quality_more": step.quality_more,
        "is_tied": step.is_tied,
        "likelihood": odds.likelihood if odds else None,
        "sure_time_ratio_less": odds.sure_time_ratio_less if odds else None,
        "sure_seconds_less": step.sure_seconds_less,
        "sure_quality_more": odds.sure_quality_more if odds else None,
    }
