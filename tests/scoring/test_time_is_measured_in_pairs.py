"""Whole measurings with invented clocks, so that no time passes."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from scoring.errors import ModelFailed
from scoring.job import Quad, Timing
from scoring.timing import plain, publication, repeats, schedule, stopping, tally
from tests.scoring.invented import PLAN, Processes, noisy


def test_a_quad_knows_what_others_did_during_the_blocks_of_each() -> None:
    processes = Processes(reference_seconds=0.004, submission_seconds=0.004)
    processes.foreign = lambda: (
        processes.clock.now * 1.5
    )  # other programs keep one core and a half busy
    for one in processes.run(1000).quads:
        assert one.reference_load == pytest.approx(1.5)
        assert one.submission_load == pytest.approx(1.5)


def test_where_a_model_could_keep_cores_busy_itself_the_load_is_that_of_the_references_blocks() -> (
    None
):
    processes = Processes(reference_seconds=0.004, submission_seconds=0.004)
    processes.foreign = lambda: processes.clock.now * 1.5
    for one in processes.run(1000, replace(PLAN, threads=2)).quads:
        assert one.submission_load is None
        assert one.loads(0, 2) == pytest.approx((1.5, 0.0))


def test_the_probe_runs_whenever_the_reference_is_woken_for_its_turn() -> None:
    processes = Processes(
        0.004, 0.004, about_submission={"probe_seconds": 9.0}
    )  # what it says there is not believed
    for one in processes.run(1000).quads:
        assert one.probe_seconds == pytest.approx(0.006)


def test_the_reference_has_blocks_as_long_as_the_submissions() -> None:
    for one in Processes(0.004, 0.004).run(1000).quads:
        assert one.reference_seconds == pytest.approx(one.submission_seconds, rel=0.1)


@pytest.mark.parametrize("ratio", [0.1, 0.35, 1.0, 2.0])
@pytest.mark.parametrize("images", [300, 5000])
def test_a_clean_ratio_is_found(ratio: float, images: int) -> None:
    measured = Processes(reference_seconds=0.004, submission_seconds=0.004 * ratio).run(images)
    assert plain.estimate(measured.quads).ratio == pytest.approx(ratio, rel=1e-9)


def test_every_image_is_answered_and_those_answers_count() -> None:
    measured = Processes(0.004, 0.002).run(1003, batch_size=8)
    np.testing.assert_array_equal(measured.answers, np.arange(1003) % 10)


def test_blocks_alternate_and_are_rewarmed_after_each_switch() -> None:
    processes = Processes(0.004, 0.004)
    processes.run(400)
    blocks = processes.segments[0]
    sides = "".join(block[0] for block in blocks)
    assert {sides[start : start + 4] for start in range(0, len(sides), 4)} <= {"ABBA", "BAAB"}
    for before, after in itertools.pairwise(blocks):
        assert after.endswith("*") == (before[0] != after[0])


def test_blocks_are_equal_in_time_not_in_calls() -> None:
    quads = Processes(reference_seconds=0.004, submission_seconds=0.001).run(4000).quads
    assert quads[0].reference_seconds == pytest.approx(quads[0].submission_seconds, rel=0.15)


def test_the_reference_is_not_asked_for_long_beside_a_very_short_submission() -> None:
    quads = Processes(reference_seconds=0.004, submission_seconds=0.00005).run(300).quads
    assert quads[0].submission_seconds == pytest.approx(300 * 0.00005)
    assert quads[0].reference_seconds == pytest.approx(0.12, rel=0.2)


def test_few_images_are_asked_in_many_fresh_processes() -> None:
    processes = Processes(reference_seconds=0.0002, submission_seconds=0.00005, noise=noisy(0.01))
    measured = processes.run(300)
    assert len(processes.samples) == 0
    assert (
        len({one.segment for one in measured.quads}) == len(processes.segments) >= PLAN.min_segments
    )
    assert len(measured.quads) >= PLAN.min_quads
    assert processes.clock.now < 40
    assert plain.estimate(measured.quads).ratio == pytest.approx(0.25, rel=0.02)


def test_a_secret_coin_says_whose_process_starts_first() -> None:
    processes = Processes(0.004, 0.004, noise=noisy(0.3))
    processes.run(1000)
    first = [pair[0] for pair in "".join(processes.started).split()]
    assert len(first) > 20
    assert 0.25 < first.count("A") / len(first) < 0.75


def test_a_brief_pass_has_a_process_of_its_own_beside_a_reference_that_stays() -> None:
    processes = Processes(reference_seconds=0.001, submission_seconds=0.00005, noise=noisy(0.3))
    processes.run(300)
    segments = "".join(processes.started).split()
    assert {segment.count("A") for segment in segments} == {1}
    assert max(segment.count("B") for segment in segments) > 1


def test_a_long_pass_is_cut_and_has_the_reference_only_now_and_then() -> None:
    processes = Processes(reference_seconds=0.05, submission_seconds=0.05, noise=noisy(0.02))
    measured = processes.run(5000)
    blocks = [block[0] for segment in processes.segments for block in segment]
    assert len(processes.segments) == schedule.MAX_PIECES
    assert (measured.answers >= 0).all()
    assert blocks.count("A") < blocks.count("B") / 4
    assert measured.quads[-1].at_seconds > 0.95 * measured.wall_seconds
    gaps = np.diff([quad.at_seconds for quad in measured.quads])
    assert gaps.max() < 3 * gaps.mean()


def test_a_noisier_pass_has_the_reference_more_often() -> None:
    calm = Processes(reference_seconds=0.01, submission_seconds=0.01, noise=noisy(0.01)).run(5000)
    wild = Processes(reference_seconds=0.01, submission_seconds=0.01, noise=noisy(0.2)).run(5000)
    assert len(wild.quads) > 1.5 * len(calm.quads)


def test_a_long_pass_has_its_quads_spread_evenly_over_several_pieces() -> None:
    processes = Processes(reference_seconds=0.04, submission_seconds=0.008, noise=noisy(0.02))
    measured = processes.run(5217)
    counts = np.bincount([quad.segment for quad in measured.quads])[1:]
    assert len(counts) >= 5, "of few pieces little is known about their spread"
    assert counts.max() <= 1.5 * counts.min(), "the last piece makes up for nothing"


def test_a_tiny_ratio_is_not_measured_on_when_the_score_is_known_well_enough() -> None:
    processes = Processes(reference_seconds=0.0016, submission_seconds=0.00004, noise=noisy(0.15))
    measured = processes.run(300)
    found = publication.summary(measured, PLAN)
    assert publication.verdict(found, PLAN) == "valid"
    assert found.half_width > PLAN.max_half_width * found.time_ratio
    assert stopping.LATE * PLAN.max_seconds < measured.wall_seconds < 0.7 * PLAN.max_seconds
    large = replace(found, time_ratio=1.0, half_width=found.half_width / found.time_ratio)
    assert publication.verdict(large, PLAN) == "invalid"


def test_after_a_long_pass_no_more_is_asked_again_than_the_interval_lacks() -> None:
    processes = Processes(reference_seconds=0.055, submission_seconds=0.011, noise=noisy(0.08))
    measured = processes.run(10000)
    assert publication.verdict(publication.summary(measured, PLAN), PLAN) == "valid"
    a_piece = 10000 / (len(processes.segments) - 1)
    assert 0 < measured.answers_compared < a_piece / 2


def test_it_stops_early_when_the_interval_is_narrow() -> None:
    calm = Processes(0.004, 0.004).run(2000)
    wild = Processes(0.004, 0.004, noise=noisy(0.3)).run(2000)
    assert len(calm.quads) < len(wild.quads)
    assert stopping.is_enough(calm.quads, PLAN)
    assert wild.wall_seconds < PLAN.max_seconds + 10


def test_answers_that_change_are_a_failure() -> None:
    asked: dict[int, int] = {}

    def fickle(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    with pytest.raises(ModelFailed) as failed:
        Processes(0.0002, 0.0002, about_submission={"label": fickle}).run(300)
    assert failed.value.code == "answers_change"


def test_after_a_single_pass_a_sample_is_asked_again_elsewhere() -> None:
    processes = Processes(reference_seconds=0.02, submission_seconds=0.02)
    measured = processes.run(5000)
    assert len(processes.samples) == 1
    assert measured.answers_compared == repeats.lacking(0, 0) == 255
    assert measured.answers_changed == 0


def test_after_two_passes_nothing_is_asked_a_third_time() -> None:
    processes = Processes(reference_seconds=0.001, submission_seconds=0.001)
    assert processes.run(300).answers_compared > 300
    assert not processes.samples


def test_the_sample_finds_answers_that_change() -> None:
    asked: dict[int, int] = {}

    def fickle(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    with pytest.raises(ModelFailed) as failed:
        Processes(0.02, 0.02, about_submission={"label": fickle}).run(5000)
    assert failed.value.code == "answers_change"


def test_disturbed_quads_are_replaced_up_to_half_as_many() -> None:
    def measured_with(share: float) -> tuple[Quad, ...]:
        random = np.random.default_rng(3)
        busy = lambda: 0.5 if random.random() < share else 1.0  # noqa: E731
        return Processes(0.004, 0.004, noise=noisy(0.3), cpu_share=busy).run(1000).quads

    calm, some = measured_with(0.0), measured_with(0.1)
    assert not any(quad.disturbed for quad in calm)
    assert sum(not quad.disturbed for quad in some) > 0.75 * len(calm)
    assert tally.measured_seconds(some) < 1.55 * PLAN.max_seconds


def test_a_submission_that_hurries_only_beside_the_reference_pays_for_all() -> None:
    processes = Processes(reference_seconds=0.05, submission_seconds=0.05, noise=noisy(0.02))

    def dearer_alone() -> float:
        beside = any(block[0] == "A" for block in processes.segments[-1][-2:])
        return 1.0 if beside else 2.0

    processes.about_submission["noise"] = dearer_alone
    measured = processes.run(2000)
    found = publication.summary(measured, PLAN)
    assert found.time_ratio > 1.6
    assert any("in turns with the reference" in str(flag) for flag in found.flags)


def test_cheap_on_most_images_and_dear_on_some_pays_for_the_dear_ones() -> None:
    honest = 0.9 + 0.1 * 10
    processes = Processes(0.02, 0.01, noise=noisy(0.02))
    processes.about_submission["cost"] = lambda number: 10.0 if number % 10 == 0 else 1.0
    found = publication.summary(processes.run(1500), PLAN)
    assert found.time_ratio == pytest.approx(0.5 * honest, rel=0.06)
    assert found.plain_by == "sums"


def test_a_second_core_is_charged_by_its_cpu_time() -> None:
    found = publication.summary(
        Processes(0.004, 0.002, about_submission={"cpu_share": lambda: 1.9}).run(2000), PLAN
    )
    assert found.time_ratio == pytest.approx(0.95, rel=0.01)
    assert any("several cores" in str(flag) for flag in found.flags)


def test_work_while_it_should_stand_still_is_a_finding() -> None:
    found = publication.summary(
        Processes(0.004, 0.004, about_submission={"stopped_cpu_seconds": 0.01}).run(2000), PLAN
    )
    assert found.stopped_cpu_seconds > 0.1
    assert any("stopped" in str(flag) for flag in found.flags)


def test_waiting_instead_of_computing_counts_and_is_flagged() -> None:
    found = publication.summary(
        Processes(0.004, 0.004, about_submission={"cpu_share": lambda: 0.1}).run(2000), PLAN
    )
    assert found.time_ratio == pytest.approx(1.0)
    assert found.disturbed_share == 0
    assert any("waited" in str(flag) for flag in found.flags)


def test_an_unstable_submission_beside_a_steady_reference_is_its_own_doing() -> None:
    random = np.random.default_rng(5)
    wild = Processes(
        0.004, 0.004, about_submission={"noise": lambda: math.exp(random.normal(0, 0.7))}
    ).run(2000)
    both = Processes(0.004, 0.004, noise=noisy(0.7)).run(2000)
    assert publication.verdict(publication.summary(wild, PLAN), PLAN) == "time_unstable"
    assert publication.verdict(publication.summary(both, PLAN), PLAN) == "invalid"


def test_a_submission_too_slow_to_be_measured_within_the_cap_has_only_itself_to_blame() -> None:
    slow = Processes(0.004, 10.0, noise=noisy(0.3)).run(20)
    assert len(slow.quads) < PLAN.min_quads
    assert publication.verdict(publication.summary(slow, PLAN), PLAN) == "too_slow"
    wide = replace(PLAN, max_half_width=0.0)
    assert publication.verdict(publication.summary(slow, wide), wide) == "valid"


def test_one_quad_is_enough_for_a_wide_interval() -> None:
    found = publication.summary(Processes(0.004, 70.0).run(2), PLAN)
    assert len(found.quads) == 1
    assert found.half_width > 0.5 * found.time_ratio


def test_earlier_quads_are_pooled_and_shorten_a_second_measuring() -> None:
    first = Processes(0.004, 0.002, noise=noisy(0.3)).run(2000)
    second = Processes(0.004, 0.002, noise=noisy(0.3)).run(2000, earlier=first.quads)
    found = publication.summary(second, PLAN)
    assert found.earlier_quads == len(first.quads)
    assert len(found.quads) == len(first.quads) + len(second.quads)
    assert found.half_width < publication.summary(first, PLAN).half_width
    assert found.segments == len(
        {quad.segment for quad in first.quads} | {-quad.segment for quad in second.quads}
    )
    starts = [quad.at_seconds for quad in found.quads]
    assert starts == sorted(starts)


def test_a_second_measuring_goes_on_beyond_the_cap_until_it_can_be_published() -> None:
    def again(noise: float) -> tuple[float, Timing]:
        first = Processes(0.004, 0.004, noise=noisy(noise)).run(2000)
        second = Processes(0.004, 0.004, noise=noisy(noise)).run(2000, earlier=first.quads)
        return tally.measured_seconds(second.quads), publication.summary(second, PLAN)

    seconds, found = again(0.17)
    assert publication.verdict(found, PLAN) == "valid"
    assert PLAN.max_seconds < seconds < 1.5 * PLAN.max_seconds
    seconds, found = again(0.5)
    assert publication.verdict(found, PLAN) == "invalid"
    assert seconds > 1.9 * PLAN.max_seconds


def test_earlier_quads_that_sufficed_leave_the_cap_as_it_is() -> None:
    plan = replace(PLAN, target_half_width=0.0)
    first = Processes(0.004, 0.004, noise=noisy(0.05)).run(2000, plan)
    assert publication.verdict(publication.summary(first, plan), plan) == "valid"
    second = Processes(0.004, 0.004, noise=noisy(0.05)).run(2000, plan, earlier=first.quads)
    assert tally.measured_seconds(second.quads) < 1.1 * plan.max_seconds


@pytest.mark.parametrize(
    ("images", "seconds"), [(300, 0.00005), (2000, 0.004), (5000, 0.05), (5000, 0.02)]
)
def test_progress_goes_with_the_time_this_takes(images: int, seconds: float) -> None:
    processes = Processes(seconds, seconds, noise=noisy(0.03))
    processes.run(images)
    end = processes.clock.now
    middle = [(now / end, share) for now, share in processes.told if 0.3 < now / end < 0.9]
    assert middle
    assert np.mean([abs(share - now) for now, share in middle]) < 0.25
