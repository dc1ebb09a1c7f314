"""All checks of a snapshot. Nothing is fetched, and no model is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scoring.sentences import Sentence, say
from scoring.snapshots import canonical, checking, history, steps, tracks
from scoring.snapshots.canonical import NoSnapshot
from scoring.snapshots.checking import Check
from scoring.snapshots.contents import FORMAT, Contents
from scoring.snapshots.versions import Stood

CANNOT = (
    say("That images, labels and models are those of the hashes: the file has no images."),
    say(
        "That each row is the best of its team's submissions: the file has only those on the "
        "boards."
    ),
    say("That the quads were measured as the file says: the signature only shows who says so."),
)
"""What no snapshot can prove."""


@dataclass(frozen=True)
class Verdict:
    """What was checked of a snapshot."""

    key: str
    sha256: str
    title: str
    made_at: str
    is_final: bool
    is_provisional: bool
    checks: tuple[Check, ...]
    as_of: tuple[Stood, ...] | None = None
    """The public board of the moment that was asked for."""

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.checks)


def verify(path: Path, key: str | None = None, as_of: datetime | None = None) -> Verdict:
    """Check the snapshot in a file. `key`: the public key that must have signed it, in hex.

    `as_of` asks for the public board of that moment, which is made from the steps of teams. Raises
    `NoSnapshot` for any other file, and for a format that is not known here.
    """
    opened = canonical.read(path.read_bytes())
    contents = contents_of(opened)
    pure = (checking.links, checking.scores, checking.order, checking.qualities)
    checks = [checking.signature(opened, key), *(checked(one, contents) for one in pure)]
    checks += estimated(contents)
    checks.append(checked(checking.count_of_landed, contents))
    checks += [checked(one, contents) for one in (tracks.tracks, history.versions, steps.steps)]
    return Verdict(
        key=str(opened.seal.get("key", "")),
        sha256=opened.sha256,
        title=contents.competition.title,
        made_at=contents.made_at,
        is_final=contents.is_final,
        is_provisional=contents.is_provisional,
        checks=tuple(checks),
        as_of=steps.board(contents, as_of) if as_of and contents.steps else None,
    )


def contents_of(opened: canonical.Opened) -> Contents:
    """The contents of a snapshot. Raises `NoSnapshot`."""
    if opened.contents.get("format") != FORMAT:
        raise NoSnapshot
    try:
        return Contents.from_json(opened.contents)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise NoSnapshot from error


def estimated(contents: Contents) -> list[Check]:
    """The checks that need NumPy and SciPy. Without them each check says why it was left out."""
    try:
        from scoring.snapshots import estimating
    except ImportError:
        why = say(
            "NumPy and SciPy are not installed. Install them with: "
            'pip install "featherweight[verify]"'
        )
        return [Check(name, label, unchecked=(why,)) for name, label in ESTIMATED.items()]
    found = (estimating.pace, estimating.ratios, estimating.ranges)
    return [checked(one, contents) for one in found]


ESTIMATED = {
    "pace": say("Pace of the reference"),
    "time": say("Time ratios"),
    "ranges": say("Ranges of ranks"),
}


def checked(check: Callable[[Contents], Check], contents: Contents) -> Check:
    """The outcome of a check. A figure that cannot be computed with is a failed check."""
    try:
        return check(contents)
    except (ValueError, KeyError, IndexError, ArithmeticError, TypeError) as error:
        name = check.__name__
        label: Sentence = say("Figures that can be used")
        said = say(
            "These figures cannot be used: %(error)s", error=f"{type(error).__name__}: {error}"
        )
        return Check(name, label, checked=1, wrong=(said,), wrongs=1)
