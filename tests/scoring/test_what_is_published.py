"""Which ratio is published, and when measuring may stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.job import Pace
from scoring.timing import pooling, publication, stopping
from tests.scoring.invented_quads import PLAN, measurement, quad, weathered


def test_the_published_ratio_is_the_plans_choice() -> None:
    quads = tuple(weathered(1.4))
    corrected = publication.summary(measurement(*quads), PLAN, pace=Pace(0.002))
    uncorrected = publication.summary(
        measurement(*quads), replace(PLAN, published="plain"), pace=Pace(0.002)
    )
    unknown = publication.summary(measurement(*quads), PLAN)
    assert corrected.published == "corrected"
    assert corrected.time_ratio == corrected.corrected_ratio != corrected.plain_ratio
    assert corrected.reference_seconds_per_image == pytest.approx(0.002)
    assert uncorrected.published == "plain"
    assert uncorrected.time_ratio == uncorrected.plain_ratio == corrected.plain_ratio
    assert uncorrected.corrected_ratio == corrected.corrected_ratio
    assert unknown.published == "plain"
    assert unknown.corrected_ratio is None


def test_figures_of_the_summary_agree() -> None:
    found = publication.summary(measurement(*(quad(0.5, segment=n // 8) for n in range(32))), PLAN)
    assert found.reference_seconds_per_image == pytest.approx(0.002)
    assert found.seconds_per_image == pytest.approx(0.001)
    assert found.segments == 4
    assert not found.flags


def test_earlier_segments_and_times_come_before_the_new_ones() -> None:
    earlier = [replace(quad(1.0, segment=s), at_seconds=float(s)) for s in (1, 2)]
    pooled = pooling.pooled(earlier, [quad(1.0, segment=1)])
    assert [q.segment for q in pooled] == [1, 2, 3]
    assert [q.at_seconds for q in pooled] == pytest.approx([1.0, 2.0, 2.4])


def test_the_stop_rule_wants_new_quads_too() -> None:
    calm = [quad(1.0 + 0.001 * (n % 2), segment=n // 6) for n in range(24)]
    assert stopping.is_enough(calm, PLAN)
    assert not stopping.is_enough(calm[:12], PLAN, earlier=calm)


def test_a_wide_interval_is_invalid_unless_the_plan_never_minds() -> None:
    found = publication.summary(measurement(quad(1.0), quad(2.0), quad(1.5)), PLAN)
    assert publication.verdict(found, PLAN) == "invalid"
    assert publication.verdict(found, replace(PLAN, max_half_width=0.0)) == "valid"
