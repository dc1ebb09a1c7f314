"""Checks of the history of rescores: its parts must fit each other and the result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from scoring.sentences import say
from scoring.snapshots.checking import Check, Tally
from scoring.snapshots.contents import Contents
from scoring.snapshots.versions import SIDES, Constants, Stood, Version


def versions(contents: Contents) -> Check:
    """Whether the rescores follow each other, and the last one leads to this result."""
    tally = Tally("history", say("History of rescores"))
    known = contents.history
    for number, one in enumerate(known, start=2):
        tally.expect(
            one.version == number,
            say("Version %(number)d of the scores is missing.", number=number),
        )
        for side in SIDES:
            board_of(tally, one, side)
    for earlier, later in pairwise(known):
        follows(tally, earlier, later)
    follows_terms(tally, [one for one in known if one.terms_after])
    if known:
        leads_to(tally, contents)
        if contents.steps:  # `steps` checks those just before a rescore
            tally.leave(
                say("Scores just after a rescore: models may have been measured again since.")
            )
        else:
            tally.leave(say("Scores of earlier boards: the file does not have their figures."))
    return tally.done()


def follows(tally: Tally, earlier: Version, later: Version) -> None:
    """Whether one rescore begins with the formula that the rescore before it ended with.

    The gates are not compared: a gate may change without a rescore.
    """
    where = place(later)
    tally.expect(
        earlier.at <= later.at, say("%(where)s: it is older than the one before.", where=where)
    )
    tally.expect(
        numbers(earlier.after) == numbers(later.before),
        say("%(where)s: the formula before is not that of the version before.", where=where),
    )


def follows_terms(tally: Tally, measured: Sequence[Version]) -> None:
    for earlier, later in pairwise(measured):
        tally.expect(
            earlier.terms_after == later.terms_before,
            say(
                "%(where)s: it did not begin with the data, reference and machine of before.",
                where=place(later),
            ),
        )


def leads_to(tally: Tally, contents: Contents) -> None:
    """Whether the last version has the constants, the data and the reference of the result."""
    last, formula = contents.history[-1], contents.formula
    tally.expect(
        (last.after.time_weight, last.after.k, last.after.quality_ref)
        == (formula.time_weight, formula.k, formula.quality_ref),
        say("%(where)s: the result has another formula.", where=place(last)),
    )
    for one in [one for one in contents.history if one.terms_after][-1:]:
        terms = one.terms_after
        tally.expect(
            terms is not None
            and (terms.data, terms.reference, terms.profile)
            == (contents.data.sha256, contents.reference.file_sha256, contents.profile["slug"]),
            say("%(where)s: the result has other data, reference or machine.", where=place(one)),
        )


def board_of(tally: Tally, version: Version, side: str) -> None:
    """Whether the rows of a board on one `side` of a rescore have the right order and ranks."""
    rows = version.boards[side]
    ranks = [row.rank for row in rows if row.rank is not None]
    tally.expect(
        ranks == list(range(1, len(ranks) + 1)) and len(rows) <= version.teams,
        say(
            "%(where)s: the ranks %(side)s the rescore are wrong.", where=place(version), side=side
        ),
    )
    tally.expect(
        all(key(above) <= key(row) for above, row in pairwise(rows)),
        say("%(where)s: the order %(side)s the rescore is wrong.", where=place(version), side=side),
    )
    if len(rows) < version.teams:
        tally.leave(say("The file has only the first rows of large earlier boards."))


def key(row: Stood) -> tuple[bool, float, str]:
    return row.rank is None, row.score, row.uploaded_at


def numbers(constants: Constants) -> tuple[float, float, float, bool]:
    """The constants of a formula without the gate."""
    return constants.time_weight, constants.k, constants.quality_ref, constants.only_real_gains


def place(version: Version) -> str:
    return f"version {version.version}"
