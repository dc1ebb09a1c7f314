"""The checks of a snapshot that need Python alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scoring import formula
from scoring.sentences import Sentence, say
from scoring.snapshots import canonical, signing
from scoring.snapshots.contents import Contents, Measured, Row, landed, split_of, unpacked
from scoring.snapshots.versions import Constants, Step
from scoring.specs import Formula

ROUNDING = 1e-9
"""Most that two computations of the same number may differ by."""
MOST_NAMED = 5
"""Most wrong figures of a check that are named; the others are counted."""


@dataclass(frozen=True)
class Check:
    """The outcome of one check."""

    name: str
    label: Sentence
    checked: int = 0
    """Number of figures that were compared."""
    wrong: tuple[Sentence, ...] = ()
    """The first `MOST_NAMED` figures that are not as they should be."""
    wrongs: int = 0
    unchecked: tuple[Sentence, ...] = ()
    """Why some figures could not be checked."""

    @property
    def holds(self) -> bool:
        return not self.wrongs


class Tally:
    """Counts the comparisons of one check, and keeps the first ones that fail."""

    def __init__(self, name: str, label: Sentence) -> None:
        self.name, self.label = name, label
        self.checked = self.wrongs = 0
        self.wrong: list[Sentence] = []
        self.unchecked: list[Sentence] = []

    def expect(self, is_right: bool, otherwise: Sentence) -> None:
        self.checked += 1
        if not is_right:
            self.wrongs += 1
            if len(self.wrong) < MOST_NAMED:
                self.wrong.append(otherwise)

    def leave(self, why: Sentence) -> None:
        """Note a reason why something cannot be checked. Each reason is noted once."""
        if why not in self.unchecked:
            self.unchecked.append(why)

    def done(self) -> Check:
        return Check(
            self.name,
            self.label,
            self.checked,
            tuple(self.wrong),
            self.wrongs,
            tuple(self.unchecked),
        )


def signature(opened: canonical.Opened, key: str | None) -> Check:
    """Whether the owner of a key signed the file.

    `key`: the expected public key in hex. None: the key that the file names.
    """
    tally = Tally("signature", say("Signature"))
    tally.expect(
        opened.is_canonical,
        say("Another program has rewritten the file. Download it again."),
    )
    tally.expect(
        signing.is_signed(opened.seal, opened.sha256),
        say("The signature does not match: the file was changed after it was signed."),
    )
    if key is not None:
        tally.expect(opened.seal.get("key") == key, say("The file is signed with another key."))
    else:
        tally.leave(
            say(
                "The key was taken from the file itself. Compare it with the page of the site, or "
                "give it with --key."
            )
        )
    return tally.done()


def links(contents: Contents) -> Check:
    """Whether each row has its evaluation, with the same time, and each board has a team once."""
    tally = Tally("links", say("Rows and evaluations"))
    measured, weight = contents.measured, contents.formula.time_weight
    tally.expect(len(measured) == len(contents.evaluations), say("An evaluation is there twice."))
    for where, row in rows(contents):
        found = measured.get(row.evaluation)
        if found is None:
            tally.expect(False, say("%(where)s: its evaluation is missing.", where=where))
            continue
        tally.expect(
            found.time_ratio == row.time_ratio,
            say("%(where)s: the time ratio is not that of its evaluation.", where=where),
        )
        width = formula.half_width(found.half_width, weight)
        tally.expect(
            abs(width - row.score_half_width) <= ROUNDING,
            say("%(where)s: the half-width is not that of its evaluation.", where=where),
        )
    for name in contents.names:
        teams = [row.team for row in contents.boards[name]]
        tally.expect(
            len(set(teams)) == len(teams),
            say("The %(board)s board has a team twice.", board=name),
        )
    return tally.done()


def scores(contents: Contents) -> Check:
    """Whether the formula gives each score from its quality and time ratio."""
    tally = Tally("scores", say("Scores"))
    constants = contents.formula
    if constants.quality_ref is None:
        tally.leave(say("The formula has no reference quality."))
        return tally.done()
    for where, row in rows(contents):
        if is_kept(tally, contents, contents.measured.get(row.evaluation)):
            continue
        by_formula(tally, where, row, constants, slack=contents.quality_slack)
    return tally.done()


def by_formula(
    tally: Tally, where: str, row: Row | Step, rules: Formula | Constants, *, slack: float
) -> None:
    """Whether the formula gives the score of a row.

    The score is rounded to six decimals. The quality may be off by at most `slack`.
    """
    found, least, most = (
        formula.score(
            row.quality + off,
            row.time_ratio,
            quality_ref=rules.quality_ref or 0.0,
            k=rules.k,
            time_weight=rules.time_weight,
        ).total
        for off in (0.0, slack, -slack)
    )
    tally.expect(
        round(least - ROUNDING, formula.DECIMALS)
        <= row.score
        <= round(most + ROUNDING, formula.DECIMALS),
        say(
            "%(where)s: the formula gives %(found)s, not %(told)s.",
            where=where,
            found=f"{found:.6f}",
            told=f"{row.score:.6f}",
        ),
    )


def is_kept(tally: Tally, contents: Contents, measured: Measured | None) -> bool:
    """Whether a score was kept from before the last rescore that measured again.

    The file does not hold the formula and data of such a score, so it cannot be checked.
    """
    if measured is None or measured.since == contents.since:
        return False
    tally.leave(
        say("Some submissions keep a score from before the last time that all were measured again.")
    )
    return True


def order(contents: Contents) -> Check:
    """Gate, order, ranks and ties of all boards, and the public ranks on the private board."""
    tally = Tally("ranks", say("Ranks"))
    for name in contents.names:
        order_of(tally, name, contents)
    public = {row.team: row.rank for row in contents.boards["public"]}
    for where, row in rows(contents, ["private"]):
        if contents.is_final:
            tally.expect(
                row.public_rank == public.get(row.team),
                say("%(where)s: the public rank is another one.", where=where),
            )
    return tally.done()


def order_of(tally: Tally, name: str, contents: Contents) -> None:
    board, ranked = contents.boards[name], 0
    above: Row | None = None
    for number, row in enumerate(board, start=1):
        where = place(name, number)
        is_ranked = passes(row, contents) and not row.is_out
        ranked += is_ranked
        rank = ranked if is_ranked else None
        tally.expect(row.rank == rank, say("%(where)s: the rank is wrong.", where=where))
        is_tied = bool(is_ranked and above) and tied(above, row)
        tally.expect(
            row.is_tied == is_tied, say("%(where)s: the mark of a tie is wrong.", where=where)
        )
        above = row

    def key(row: Row) -> tuple[bool, float, str]:
        return not passes(row, contents) or row.is_out, row.score, row.uploaded_at

    for number, (one, other) in enumerate(pairwise(board), start=2):
        tally.expect(
            key(one) <= key(other),
            say("%(where)s: this row belongs above the row before it.", where=place(name, number)),
        )


def passes(row: Row, contents: Contents) -> bool:
    """Whether a row reaches the gate. If its rounded quality leaves that open, its rank decides."""
    gate = contents.formula.min_quality
    if abs(row.quality - gate) < contents.quality_slack:
        return row.rank is not None
    return row.quality >= gate


def tied(above: Row | None, row: Row) -> bool:
    if above is None:
        return False
    # The boards compare decimal numbers of six digits, so the difference is rounded as well.
    difference = round(row.score - above.score, formula.DECIMALS)
    return formula.is_tied(difference, above.score_half_width, row.score_half_width)


def count_of_landed(contents: Contents) -> Check:
    tally = Tally("landed", say("Private ranks in their ranges"))
    if not contents.is_final:
        tally.leave(say("The private board is not published."))
    else:
        tally.expect(landed(contents.boards) == contents.landed, say("The count is wrong."))
    return tally.done()


def qualities(contents: Contents) -> Check:
    """Whether the metric gives each quality from answers and labels."""
    tally = Tally("quality", say("Quality"))
    released, measured, classes = contents.answers, contents.measured, len(contents.classes)
    metric = METRICS.get(contents.formula.metric)
    if released is None:
        tally.leave(say("The organizers did not release the answers."))
        return tally.done()
    if metric is None:
        tally.leave(say("The metric %(name)s is not known here.", name=contents.formula.metric))
        return tally.done()
    for name in contents.names:
        split = split_of(name)
        labels = unpacked(released.labels[split], classes)
        for where, row in rows(contents, [name]):
            found = measured.get(row.evaluation)
            if is_kept(tally, contents, found):
                continue
            given = released.models.get(found.answers or "", {}) if found else {}
            if split not in given:
                tally.leave(say("Some models have no kept answers."))
                continue
            quality = metric(labels, unpacked(given[split], classes), classes)
            tally.expect(
                abs(quality - row.quality) <= ROUNDING,
                say(
                    "%(where)s: the answers give %(found)s, not %(told)s.",
                    where=where,
                    found=f"{quality:.6f}",
                    told=f"{row.quality:.6f}",
                ),
            )
    return tally.done()


Metric = Callable[[Sequence[int], Sequence[int], int], float]


def macro_f1(labels: Sequence[int], answers: Sequence[int], classes: int) -> float:
    """Mean over the classes of 2 right / (labels + answers).

    A class without labels and answers counts as 0.
    """
    right, of_label, answered = counted(labels, answers)
    sums = ((2 * right[one], of_label[one] + answered[one]) for one in range(classes))
    return sum(twice / both if both else 0.0 for twice, both in sums) / classes


def accuracy(labels: Sequence[int], answers: Sequence[int], classes: int) -> float:
    return counted(labels, answers)[0].total() / len(labels)


def balanced_accuracy(labels: Sequence[int], answers: Sequence[int], classes: int) -> float:
    right, of_label, _ = counted(labels, answers)
    return sum(right[one] / images for one, images in of_label.items()) / len(of_label)


METRICS: dict[str, Metric] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
}
"""The metrics of `scoring.quality.metrics.METRICS`, by name, without a library."""


def counted(
    labels: Sequence[int], answers: Sequence[int]
) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """Images by class: right answers, labels, answers. Raises `ValueError` for unequal lengths."""
    right = Counter(one for one, other in zip(labels, answers, strict=True) if one == other)
    return right, Counter(labels), Counter(answers)


def rows(contents: Contents, boards: Sequence[str] = ()) -> Iterator[tuple[str, Row]]:
    """Each row with the name of its place, of the given boards; without any given, of all
    boards."""
    for name in boards or contents.names:
        for number, row in enumerate(contents.boards[name], start=1):
            yield place(name, number), row


def place(board: str, number: int) -> str:
    return f"{board} #{number}"


def by_name(checks: Sequence[Check]) -> Mapping[str, Check]:
    return {one.name: one for one in checks}
