"""Paired timing: how long a submission takes, in units of the reference in the same moments.

Words, from small to large: a *call* is one forward at the fixed batch shape; a *block* is n calls
of one model timed as one; a *quad* is four blocks ABBA or BAAB; a *segment* is what one fresh
process of the reference answers beside one of the submission, or beside several in turn that have
little to answer; a *pass* is every hidden image answered once. Runners and clock are
arguments, so the course of a measuring can be tested with invented times; `scoring.timing.ratios`
makes the ratio of its quads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from scoring.job import RETRY, Pace, Plan, Quad, Timing
from scoring.timing import ratios, repeats

Batches = npt.NDArray[np.int64]
"""Image numbers, (calls, batch); a short last batch repeats its last image."""
Labels = npt.NDArray[np.int64]

MOST_ROUNDS = 8
"""Processes that are asked again beyond the timed ones, where few images leave it open whether
answers change. Without a change there is one."""
SEGMENT_SECONDS = 9.0
"""Of the submission: a longer pass is cut, so that fresh processes are spread over its time."""
MAX_PIECES = 6
BRIEF_SECONDS = 1.0
"""Of the reference: the turns of one process of it, beside passes so brief that it is held against
several of them. To start one takes a quarter of that."""
PAIRED_SHARE, PAIRED_QUADS = 0.08, 12
"""This share of a piece's pairs of blocks are quads in any case, up to so many; more than that only
as the interval needs them."""
LONG_PASS = 0.4
"""Of the plan's cap: a pass that takes the submission longer is made once, if it can be published,
and the reference has its part in seconds."""
REFERENCE_SHARE = 0.17
REFERENCE_SECONDS = 3.0
"""Of a long pass, and besides: what the reference may cost."""
SPARE_QUADS = 1.5
"""Times the plan's least number of quads, planned for a first pass before the noise is known."""
MANY_CORES = 1.1
"""CPU / wall of a single-threaded model beyond which it must have used a second core."""
STOPPED_CPU_SECONDS = 0.01
"""What the kernel may charge a process for being stopped and woken, over a whole evaluation."""
LEAST_BLOCK, MOST_BLOCK = 0.6, 1.5
"""Of the plan's block: the shortest and the longest block of the reference."""
MOSTLY_STARTING = 2.0
"""Wall seconds over timed ones of a measuring that mostly starts processes."""
LATE = 0.6
"""Of the plan's cap: wall seconds after which a tiny ratio is known well enough by its score."""
STARTING = 1.4
"""Times the cap: the wall seconds, with those in which processes start and are warmed again, that
quads may take once every image is answered."""
REPLACED = 1.5
"""Timed seconds over the cap, at most, where disturbed quads are measured again."""


@dataclass(frozen=True)
class Block:
    """One timed block: the seconds of the parent's clock, and labels (calls, batch)."""

    seconds: float
    """Without those of an empty block, and those few in which a core woke up."""
    cpu_seconds: float
    labels: Labels
    stopped_cpu_seconds: float = 0.0
    """CPU this process used since its last block, while it should stand still."""
    probe_seconds: float = 0.0
    """Of the probe before it; 0 without one."""


class Runner(Protocol):
    """One model in a fresh process."""

    max_calls: int
    seconds_per_call: float
    """As fast as it was last seen."""

    def answer(self, batches: Batches, rewarm: bool) -> Block:
        """Answer a block of images, none of which this process has seen; where the model must be
        warmed again, run the probe first."""


class Stable(Protocol):
    """Where fresh processes come from."""

    def reference(self) -> AbstractContextManager[Runner]: ...

    def submission(self) -> AbstractContextManager[Runner]: ...


@dataclass(frozen=True)
class Measurement:
    """What a measuring found: `answers` (N,) are labels of the first complete pass."""

    answers: Labels
    quads: tuple[Quad, ...]
    wall_seconds: float
    earlier: tuple[Quad, ...] = ()
    answers_compared: int = 0
    answers_changed: int = 0
    stopped_cpu_seconds: float = 0.0
    many_cores: bool = False

    @property
    def pooled(self) -> tuple[Quad, ...]:
        return ratios.pooled(self.earlier, self.quads)


def measure(
    stable: Stable,
    *,
    images: int,
    batch_size: int,
    plan: Plan,
    seed: int,
    pace: Pace | None = None,
    earlier: tuple[Quad, ...] = (),
    clock: Callable[[], float] = time.perf_counter,
    foreign: Callable[[], float] = lambda: 0.0,
    tick: Callable[[float], None] = lambda share: None,
) -> Measurement:
    """Answer every image once, and on until the ratio is known well enough or time is up.

    `foreign` tells the CPU seconds that others have used on this machine so far, `tick` is told the
    finished share of the time this takes. Raises `ModelFailed` (answers_change).
    """
    course = Course(
        images,
        batch_size,
        plan,
        seed,
        pace,
        earlier,
        clock=clock,
        foreign=foreign,
        tick=tick,
    )
    while not course.is_finished():
        with ExitStack() as theirs, ExitStack() as ours:
            # Whoever starts first gets other memory, and was seen to be 1 % slower for it.
            if submission_first := course.begin_segment():
                submission = ours.enter_context(stable.submission())
            reference = theirs.enter_context(stable.reference())
            if not submission_first:
                submission = ours.enter_context(stable.submission())
            course.run_piece(reference, submission)
            ours.close()
            course.refuse_changing_answers()
            while course.goes_on():
                with stable.submission() as submission:
                    course.run_piece(reference, submission)
                course.refuse_changing_answers()
        course.end_segment()
    while len(sample := course.sample()):
        with stable.submission() as submission:
            course.ask_again(submission, sample)
        course.refuse_changing_answers()
    return course.measurement()


def summary(
    measurement: Measurement,
    plan: Plan,
    in_force: Sequence[str] = (),
    pace: Pace | None = None,
    is_calibration: bool = False,
) -> Timing:
    """A measurement as it goes into the report; `pace` is the calibration's. Where it is one, both
    sides are the reference."""
    quads = measurement.pooled
    used = ratios.counted(quads)
    plain = ratios.plain(used)
    corrected = ratios.corrected(used, pace) if pace else None
    found = corrected if corrected and plan.published == "corrected" else plain
    reference = found.read_at or ratios.per_image(used)[0]
    return Timing(
        time_ratio=found.ratio,
        half_width=found.half_width,
        standard_error=found.standard_error,
        seconds_per_image=found.ratio * reference,
        reference_seconds_per_image=reference,
        quads=quads,
        segments=len({quad.segment for quad in quads}),
        measured_seconds=ratios.measured_seconds(quads),
        disturbed_share=sum(quad.disturbed for quad in quads) / len(quads),
        in_force=tuple(in_force),
        flags=flags(measurement, plan, found),
        published="corrected" if found is corrected else "plain",
        plain_ratio=plain.ratio,
        plain_half_width=plain.half_width,
        plain_by=plain.by,
        corrected_ratio=corrected.ratio if corrected else None,
        corrected_half_width=corrected.half_width if corrected else None,
        elasticity=corrected.elasticity if corrected else None,
        burden=corrected.burden if corrected else None,
        foreign_load=max(0.0, sum(quad.reference_load for quad in quads) / len(quads)),
        read_at_seconds=corrected.read_at if corrected else None,
        loads=corrected.loads if corrected else None,
        load_read_at=corrected.load_read_at if corrected else None,
        imbalance_slope=corrected.imbalance_slope if corrected else 0.0,
        imbalance_read_at=corrected.imbalance_read_at if corrected else 0.0,
        probe_seconds=ratios.probe_seconds(used),
        probe_slope=corrected.probe_slope if corrected else None,
        probe_read_at_seconds=corrected.probe_read_at if corrected else None,
        probes=corrected.probes if corrected else None,
        earlier_quads=len(measurement.earlier),
        answers_compared=measurement.answers_compared,
        answers_changed=measurement.answers_changed,
        stopped_cpu_seconds=measurement.stopped_cpu_seconds,
        own_scatter=ratios.own_scatter(used) if is_calibration else (0.0, 0.0),
    )


def verdict(timing: Timing, plan: Plan) -> Literal["valid", "invalid", "time_unstable", "too_slow"]:
    """Whether the interval is narrow enough to be published, and if not, whose doing that is."""
    widest = ratios.widest(plan, timing.time_ratio)
    if not plan.max_half_width or timing.half_width <= widest:
        return "valid"
    if is_too_slow(timing.quads, plan):
        return "too_slow"
    return "time_unstable" if ratios.is_unsteady(timing.quads, plan) else "invalid"


def is_too_slow(quads: Sequence[Quad], plan: Plan) -> bool:
    """Whether the submission alone took more than the cap, in too few quads to know its time."""
    alone = sum(quad.submission_seconds + quad.alone_seconds for quad in quads)
    return len(quads) < plan.min_quads and alone > plan.max_seconds


def flags(measurement: Measurement, plan: Plan, published: ratios.Estimate) -> tuple[str, ...]:
    """Findings in words."""
    quads = measurement.pooled
    used = ratios.counted(quads)
    found = []
    if watches_cpu(plan) and ratios.waits_longer(quads):
        found.append(
            "The submission waited for longer than the reference did beside it, as a model does "
            "that sleeps or reads files. Waiting counts as time."
        )
    if measurement.many_cores:
        found.append("The submission used several cores; its CPU time counts.")
    if measurement.stopped_cpu_seconds > STOPPED_CPU_SECONDS:
        # Without a figure, which would carry what the model has to say.
        found.append("The submission used the CPU while it was stopped.")
    if published.by == "sums":
        found.append("Some images take much longer than others; the ratio of sums says how much.")
    if ratios.alone_factor(used) > 1:
        found.append(
            "The submission was slower where no reference ran beside it; all of its time counts."
        )
    if len(used) < plan.min_quads:
        found.append(f"Fewer than {plan.min_quads} quads were measured.")
    return tuple(found)


def watches_cpu(plan: Plan) -> bool:
    """Whether CPU and wall seconds are comparable: not on a GPU, not with several threads."""
    return plan.device == "cpu" and plan.threads == 1


@dataclass
class Course:
    """A measuring under way."""

    images: int
    batch_size: int
    plan: Plan
    seed: int
    pace: Pace | None
    earlier: tuple[Quad, ...]
    clock: Callable[[], float]
    foreign: Callable[[], float]
    tick: Callable[[float], None]
    quads: list[Quad] = field(default_factory=list)
    passes: int = 0
    """Begun."""
    segment: int = 0
    """Begun."""
    taken: int = 0
    """Calls of the reference beside this segment's last piece of a pass."""
    served: float = 0.0
    """Seconds of this segment's reference."""
    probe_seconds: float = 0.0
    """Of this segment's last probe."""
    pieces: int = 1
    """Of this pass, that are still to come, the running one included; each has a fresh process of
    the submission."""
    is_long: bool = False
    """Whether a pass is long beside the cap."""
    is_brief: bool = False
    """Whether a pass has one piece only."""
    enough: bool = False
    is_retry: bool = field(init=False)
    """Whether there are earlier quads that did not suffice."""
    needed: int = field(init=False)
    """Quads that the interval seems to need."""
    compared: int = 0
    """Answers held against an earlier one."""
    rounds: int = 0
    """Processes that were only asked again."""
    stopped_cpu_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.start = self.clock()
        self.random = np.random.default_rng(self.seed)
        self.answers: Labels = np.full(self.images, -1, dtype=np.int64)
        self.changed: npt.NDArray[np.bool_] = np.zeros(self.images, dtype=bool)
        self.left: Batches = np.empty((0, self.batch_size), dtype=np.int64)
        self.calls = -(-self.images // self.batch_size)
        self.theirs: Batches = self.left
        self.needed = self.plan.min_quads
        self.is_retry = ratios.is_too_wide(self.earlier, self.plan, self.pace)

    def is_finished(self) -> bool:
        """Never before the first pass is complete."""
        return self.passes > 0 and not self.is_first_pass() and not self.wants_quads()

    def is_first_pass(self) -> bool:
        return bool((self.answers < 0).any())

    def wants_quads(self) -> bool:
        """Whether another quad would help: within the cap, and before the stop rule."""
        return not self.enough and self.affords_quads()

    def is_enough(self) -> bool:
        """The stop rule; after a long pass, beyond the plan's cap, or where most of the time goes
        into starting processes and half of it is over, whatever may be published is enough. What
        may be for its ratio's smallness alone has some seconds more to become better."""
        is_late = self.clock() - self.start > LATE * self.plan.max_seconds
        fine = ratios.FINE if is_late and self.plan.max_half_width else 0.0
        return ratios.is_enough(self.quads, self.plan_by_now(), self.pace, self.earlier, fine)

    def plan_by_now(self) -> Plan:
        """The plan, its target the half-width that will do by now."""
        plan, elapsed = self.plan, self.clock() - self.start
        measured = ratios.measured_seconds(self.quads)
        mostly_starting = elapsed > plan.max_seconds / 2 and elapsed > MOSTLY_STARTING * measured
        if mostly_starting or self.is_long or measured >= plan.max_seconds:
            widest = max(plan.max_half_width, plan.target_half_width)
            return replace(plan, target_half_width=widest)
        return plan

    @property
    def cap(self) -> float:
        """Timed seconds that this measuring may take."""
        return self.plan.max_seconds * (RETRY if self.is_retry else 1)

    def affords_quads(self) -> bool:
        """The cap counts timed seconds. Once every image is answered it also bounds all others but
        those of blocks that only answered, or else a model of microseconds would be measured for
        hours. Disturbed quads are replaced beyond it."""
        most = self.cap
        spent = ratios.measured_seconds(self.quads)
        if not self.is_first_pass():
            paired = self.clock() - self.start - self.alone_seconds()
            spent = max(spent, paired / STARTING)
        lost = ratios.measured_seconds([quad for quad in self.quads if quad.disturbed])
        return not self.quads or spent < min(most + lost, REPLACED * most)

    def alone_seconds(self) -> float:
        """Seconds of blocks that only answered."""
        return sum(quad.alone_seconds for quad in self.quads)

    def begin_segment(self) -> bool:
        """Whether the submission's process is to be started before the reference's."""
        self.segment += 1
        self.theirs = self.new_order()  # this process of the reference has seen none of them
        self.taken, self.served, self.probe_seconds = 0, 0.0, 0.0
        return bool(self.random.integers(2))

    def goes_on(self) -> bool:
        """Whether this segment's process of the reference is held against a further pass: starting
        it takes longer than it would run beside a brief one."""
        serves = self.is_brief and self.served < BRIEF_SECONDS
        return serves and self.taken <= len(self.theirs) and not self.is_finished()

    def run_piece(self, reference: Runner, submission: Runner) -> None:
        """Answer a piece of a pass with one fresh process of the submission."""
        if not len(self.left):
            self.left = self.new_order()
            self.passes += 1
            pass_seconds = self.calls * submission.seconds_per_call
            self.is_long = pass_seconds > LONG_PASS * self.plan.max_seconds
            self.pieces = self.pieces_of_a_pass(pass_seconds)
            self.is_brief = self.pieces == 1
        calls = -(-len(self.left) // self.pieces)
        if self.is_long and self.passes > 1:
            calls = min(calls, 2 * self.block_calls(submission) * self.quads_lacking())
        rows, self.left = self.left[:calls], self.left[calls:]
        turns = Turns(reference, submission)
        pairs = max(1, round(len(rows) / 2 / self.block_calls(submission)))
        wanted = self.quads_wanted(pairs, reference, submission)
        before = len(self.theirs)
        step = 0
        while len(rows):
            paired = is_turn(step, pairs, wanted) and len(self.theirs) and self.affords_quads()
            if not paired and not self.is_first_pass():
                break
            sizes = block_sizes(len(rows), submission, self.plan.block_seconds)
            mine, rows = rows[: sum(sizes)], rows[sum(sizes) :]
            blocks = (mine[: sizes[0]], mine[sizes[0] :])
            if paired:
                seconds = self.reference_block(blocks[0], submission)
                calls = sum(block_sizes(len(self.theirs), reference, seconds))
                theirs, self.theirs = self.theirs[:calls], self.theirs[calls:]
                self.run_quad(turns, blocks, theirs, is_dense=wanted == pairs)
                self.served += self.quads[-1].reference_seconds
            else:
                self.run_alone(turns, blocks)
            step += 1
            self.tick(self.share())
        self.taken = before - len(self.theirs)
        self.pieces = max(1, self.pieces - 1)

    def end_segment(self) -> None:
        # Looked at only now and then: who looks after each quad stops at the luckiest.
        self.enough = self.is_enough()
        self.needed = ratios.quads_needed(self.quads, self.plan_by_now(), self.pace)

    def run_quad(
        self, turns: Turns, mine: tuple[Batches, Batches], theirs: Batches, is_dense: bool
    ) -> None:
        """Four blocks, ABBA or BAAB by a secret coin; BAAB where the submission goes on by itself
        between quads, so that each side follows on a turn of the other once."""
        at_seconds = self.clock() - self.start
        half = -(-len(theirs) // 2)
        reference, submission = [], []
        elapsed, foreign = {"A": 0.0, "B": 0.0}, {"A": 0.0, "B": 0.0}
        parts = {"A": iter((theirs[:half], theirs[half:])), "B": iter(mine)}
        for side in ("ABBA", "BAAB")[self.random.integers(2) if is_dense else 1]:
            batches = next(parts[side])
            if not len(batches):
                continue
            began, before = self.clock(), self.foreign()
            if side == "A":
                reference.append(turns.reference(batches))
            else:
                submission.append(turns.submission(batches))
            foreign[side] += self.foreign() - before
            elapsed[side] += self.clock() - began
            if side == "B":
                self.keep(batches, submission[-1])
        seconds = sum(block.seconds for block in reference)
        cpu_seconds = sum(block.cpu_seconds for block in reference)
        if probes := [block.probe_seconds for block in reference if block.probe_seconds]:
            self.probe_seconds = sum(probes) / len(probes)
        steady = ratios.STEADY_CPU_SHARE
        self.quads.append(
            Quad(
                at_seconds=at_seconds,
                segment=self.segment,
                reference_seconds=seconds,
                reference_images=theirs.size,
                submission_seconds=sum(block.seconds for block in submission),
                submission_images=sum(batches.size for batches in mine),
                reference_cpu_seconds=cpu_seconds,
                submission_cpu_seconds=sum(block.cpu_seconds for block in submission),
                disturbed=watches_cpu(self.plan) and cpu_seconds < steady * seconds,
                whole_pass=sum(batches.size for batches in mine) >= self.images,
                reference_load=foreign["A"] / elapsed["A"],
                probe_seconds=self.probe_seconds,
                submission_load=foreign["B"] / elapsed["B"] if watches_cpu(self.plan) else None,
            )
        )

    def run_alone(self, turns: Turns, mine: tuple[Batches, Batches]) -> None:
        """Two blocks that only need answers; their time is held against that of the quads."""
        for batches in mine:
            if not len(batches):
                continue
            block = turns.submission(batches)
            self.keep(batches, block)
            if self.quads:
                self.quads[-1] = replace(
                    self.quads[-1],
                    alone_seconds=self.quads[-1].alone_seconds + block.seconds,
                    alone_images=self.quads[-1].alone_images + batches.size,
                )

    def keep(self, batches: Batches, block: Block) -> None:
        """Answers of the first pass count; later ones are held against them. An image whose answer
        changed is no longer asked for: near a tie it may change each time, and counts once."""
        numbers, first = np.unique(batches, return_index=True)
        labels = block.labels.reshape(-1)[first]
        known = self.answers[numbers] >= 0
        held = known & ~self.changed[numbers]
        self.compared += int(held.sum())
        self.changed[numbers] |= held & (self.answers[numbers] != labels)
        self.answers[numbers[~known]] = labels[~known]
        self.stopped_cpu_seconds += block.stopped_cpu_seconds

    def sample(self) -> Batches:
        """Images for one more process, until the model is cleared of changing its answers; none
        where the passes have done so. Few images are all asked again, once if none changes."""
        changed = int(self.changed.sum())
        lacking = repeats.lacking(self.compared, changed)
        is_over = self.rounds == (MOST_ROUNDS if changed else 1) or self.changed.all()
        if not lacking or is_over:
            return np.empty((0, self.batch_size), dtype=np.int64)
        self.rounds += 1
        return self.new_order()[: -(-lacking // self.batch_size)]

    def ask_again(self, submission: Runner, sample: Batches) -> None:
        """Have a fresh process answer some images, without a clock."""
        calls = min(submission.max_calls, self.block_calls(submission))
        for start in range(0, len(sample), calls):
            part = sample[start : start + calls]
            self.keep(part, submission.answer(part, rewarm=False))
            self.tick(self.share())

    def refuse_changing_answers(self) -> None:
        repeats.refuse_changing(self.compared, int(self.changed.sum()))

    def measurement(self) -> Measurement:
        many_cores = watches_cpu(self.plan) and uses_many_cores(self.quads)
        quads = map(at_cpu_time, self.quads) if many_cores else self.quads
        return Measurement(
            answers=self.answers,
            quads=tuple(quads),
            wall_seconds=self.clock() - self.start,
            earlier=self.earlier,
            answers_compared=self.compared,
            answers_changed=int(self.changed.sum()),
            stopped_cpu_seconds=self.stopped_cpu_seconds,
            many_cores=many_cores,
        )

    def new_order(self) -> Batches:
        """A fresh secret order of all images, cut into calls."""
        order = self.random.permutation(self.images)
        padding = np.repeat(order[-1:], self.calls * self.batch_size - self.images)
        return np.concatenate([order, padding]).reshape(self.calls, self.batch_size)

    def block_calls(self, runner: Runner) -> int:
        return max(1, round(self.plan.block_seconds / runner.seconds_per_call))

    def reference_block(self, mine: Batches, submission: Runner) -> float:
        """Seconds: those of the submission's, for what is left of the switch weighs more in a short
        block; but not of one that has few images left, or whose single call is long."""
        theirs = len(mine) * submission.seconds_per_call
        least, most = self.plan.block_seconds * LEAST_BLOCK, self.plan.block_seconds * MOST_BLOCK
        return min(most, max(least, theirs))

    def pieces_of_a_pass(self, seconds: float) -> int:
        """Pieces of a pass: one, if it is short; at least those asked for, if it is not."""
        if seconds < 2 * self.plan.block_seconds * self.plan.min_quads:
            return 1
        return max(self.plan.min_segments, min(MAX_PIECES, math.ceil(seconds / SEGMENT_SECONDS)))

    def quads_wanted(self, pairs: int, reference: Runner, submission: Runner) -> int:
        """How many of the next piece's pairs of blocks are to be quads.

        In the first pass as many as the interval seems to need, spread evenly; once every image is
        answered only quads are of use.
        """
        if self.passes > 1:
            return pairs
        lacking = max(SPARE_QUADS * self.plan.min_quads, self.needed) - len(self.quads)
        least = max(1.0, lacking / self.pieces, min(PAIRED_SHARE * pairs, PAIRED_QUADS))
        if self.is_long:
            most = self.quads_afforded(reference, submission)
            least = min(least, (most - len(self.quads)) / self.pieces)
        timed = self.plan.max_seconds - ratios.measured_seconds(self.quads)
        affordable = timed / (4 * self.plan.block_seconds) / self.pieces
        return min(pairs, math.ceil(min(least, max(1, affordable))))

    def quads_lacking(self) -> int:
        """What one more piece is to add after a long pass that did not suffice: no more than the
        interval wants, and enough to be worth its processes."""
        return max(self.plan.min_quads // 2, self.needed - len(self.quads))

    def quads_afforded(self, reference: Runner, submission: Runner) -> float:
        """How many quads of a long pass its reference's seconds pay for; the plan's least number
        in any case."""
        call = reference.seconds_per_call
        per_quad = 2 * self.block_calls(reference) * call + call  # one to be warm again
        budget = REFERENCE_SHARE * self.calls * submission.seconds_per_call + REFERENCE_SECONDS
        return max(self.plan.min_quads, budget / per_quad)

    def share(self) -> float:
        """The finished share of the time this will take, as far as can be told."""
        elapsed = self.clock() - self.start
        answered = max(float((self.answers >= 0).mean()), 0.01)
        left = elapsed * (1 - answered) / answered
        more = self.needed - len(self.quads) / answered
        if more > 0 and self.quads and not self.enough:
            spent, per_quad = elapsed, 4 * self.plan.block_seconds
            if answered == 1:  # as `affords_quads` counts
                spent -= self.alone_seconds()
                per_quad = spent / len(self.quads)
            left += max(0.0, min(more * per_quad, STARTING * self.cap - spent - left))
        return elapsed / max(elapsed + left, 1e-9)


def uses_many_cores(quads: Sequence[Quad]) -> bool:
    cpu_seconds = sum(quad.submission_cpu_seconds for quad in quads)
    return cpu_seconds > MANY_CORES * sum(quad.submission_seconds for quad in quads)


def at_cpu_time(quad: Quad) -> Quad:
    """A quad in which the submission pays for every core it used."""
    seconds = max(quad.submission_seconds, quad.submission_cpu_seconds)
    return replace(quad, submission_seconds=seconds)


class Turns:
    """Whose turn it was last decides whether a model must be warmed again."""

    def __init__(self, reference: Runner, submission: Runner) -> None:
        self.runners = (reference, submission)
        self.last: Runner | None = None

    def reference(self, batches: Batches) -> Block:
        return self.take(self.runners[0], batches)

    def submission(self, batches: Batches) -> Block:
        return self.take(self.runners[1], batches)

    def take(self, runner: Runner, batches: Batches) -> Block:
        rewarm, self.last = runner is not self.last, runner
        return runner.answer(batches, rewarm)


def is_turn(step: int, steps: int, wanted: int) -> bool:
    """Whether this step is one of the `wanted` that are spread evenly over all of them."""
    return (step + 1) * wanted // steps > step * wanted // steps


def block_sizes(left: int, runner: Runner, seconds: float) -> tuple[int, int]:
    """Calls of the next two blocks: about `seconds` each, with no crumbs left at the end."""
    calls = min(runner.max_calls, max(1, round(seconds / runner.seconds_per_call)))
    pairs = max(1, left // (2 * calls))
    both = min(-(-left // pairs), 2 * runner.max_calls)
    return -(-both // 2), both // 2
