"""Check a signed result without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from leaderboard.cli.commands import EXIT_CODES, File, app
from leaderboard.cli.languages import gettext, ngettext, said
from leaderboard.cli.screen import out, plain, show
from leaderboard.cli.server import FAILED, WRONG_USAGE, Trouble

if TYPE_CHECKING:
    from scoring.snapshots.checking import Check
    from scoring.snapshots.verifying import Verdict

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="FEATHERWEIGHT_KEY",
        help=gettext(
            "The public key of the site, in hex, or a file with it (hex or PEM). Without it, "
            "only the key in the file itself is used, and anybody can make such a key."
        ),
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help=gettext(
            "Print the public board of this moment, too, for example 2026-03-01T12:00. The "
            "time is UTC unless it names another zone."
        ),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=gettext("Print the verdict as JSON."))]


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Check a signed result without a network. The command checks the signature, and "
        "computes each time ratio, quality, score, rank and range again.\n\nExit code 0: all "
        "that could be checked is right; 1: something is wrong; 2: the file is not a "
        'snapshot. Time ratios and ranges need: pip install "featherweight[verify]".'
    ),
)
def verify(snapshot: File, key: Key = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    from scoring.snapshots import canonical, verifying  # no other command needs their libraries

    at = moment(as_of)
    try:
        verdict = verifying.verify(snapshot, public_key(key), at)
    except canonical.NoSnapshot as error:
        sentence = gettext(
            "%(file)s is not a snapshot that this command knows. Install the command again."
        )
        told = sentence % {"file": snapshot}
        raise Trouble(WRONG_USAGE, told, "not_a_snapshot") from error
    if at and verdict.as_of is None:
        sentence = gettext("The file holds no earlier boards. Download a newer one.")
        raise Trouble(WRONG_USAGE, sentence, "no_earlier_boards")
    show(as_json, told_as_json(verdict), table_of(verdict))
    if not as_json:
        if at:
            out.print(board_of(verdict, at))
        show_rest(verdict)
    if not verdict.holds:
        raise typer.Exit(FAILED)


def public_key(given: str | None) -> str | None:
    """A key as hex. Raises `Trouble` (bad_key)."""
    from scoring.snapshots import signing

    if not given:
        return None
    path = Path(given)
    try:
        return signing.public_of(path.read_text() if path.is_file() else given)
    except (ValueError, OSError) as error:
        sentence = gettext(
            "This is not a public key. Give 64 hex digits, or a file with them or with PEM."
        )
        raise Trouble(WRONG_USAGE, sentence, "bad_key") from error


def moment(given: str | None) -> datetime | None:
    """A moment in UTC unless it names a zone. Raises `Trouble` (bad_moment)."""
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        sentence = gettext("%(given)s is not a moment. Write it like 2026-03-01T12:00.")
        raise Trouble(WRONG_USAGE, sentence % {"given": given}, "bad_moment") from error


def board_of(verdict: Verdict, at: datetime) -> Table:
    """The public board of a moment."""
    title = gettext("The public board of %(moment)s UTC") % {"moment": f"{at:%Y-%m-%d %H:%M:%S}"}
    table = Table(
        gettext("rank"), gettext("team"), gettext("score"), gettext("uploaded"), title=title
    )
    for row in verdict.as_of or ():
        uploaded = row.uploaded_at[:19].replace("T", " ")
        table.add_row(str(row.rank), plain(row.team), f"{row.score:.6f}", uploaded)
    return table


def table_of(verdict: Verdict) -> Table:
    """A row for each check: whether it holds, how many figures, what is wrong or left out."""
    title = f"{verdict.title}, {verdict.made_at[:19].replace('T', ' ')} UTC"
    if verdict.is_provisional:
        title = gettext("%(title)s (provisional: the public board of that moment)") % {
            "title": title
        }
    elif not verdict.is_final:
        title = gettext("%(title)s (a draft before the publication)") % {"title": title}
    table = Table(gettext("check"), gettext("result"), gettext("figures"), "", title=title)
    for one in verdict.checks:
        table.add_row(
            plain(said(one.label)), result(one), str(one.checked or "-"), plain(remark(one))
        )
    return table


def result(check: Check) -> str:
    if check.wrongs:
        return gettext("WRONG")
    if not check.checked:
        return gettext("not checked")
    return gettext("right in part") if check.unchecked else gettext("right")


def remark(check: Check) -> str:
    """The first wrong figures, then why others could not be checked."""
    lines = [said(one) for one in check.wrong]
    if more := check.wrongs - len(check.wrong):
        lines.append(ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more})
    return " ".join([*lines, *map(said, check.unchecked)])


def show_rest(verdict: Verdict) -> None:
    """The key, what no file can tell, and the verdict in a sentence."""
    from scoring.snapshots.verifying import CANNOT

    out.print(plain(gettext("Signed with: %(key)s") % {"key": verdict.key}), soft_wrap=True)
    out.print(plain(f"SHA-256: {verdict.sha256}"), soft_wrap=True)
    out.print(plain(gettext("What such a file cannot show:")), soft_wrap=True)
    for one in CANNOT:
        out.print(plain(f"  {said(one)}"), soft_wrap=True)
    if verdict.holds:
        out.print(plain(gettext("All that could be checked is right.")), style="green")
    else:
        out.print(plain(gettext("Something is wrong: see the table.")), style="red")


def told_as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "title": verdict.title,
        "made_at": verdict.made_at,
        "is_final": verdict.is_final,
        "is_provisional": verdict.is_provisional,
        "key": verdict.key,
        "sha256": verdict.sha256,
        "as_of": None if verdict.as_of is None else [one.to_json() for one in verdict.as_of],
        "checks": [
            {
                "name": one.name,
                "checked": one.checked,
                "wrong": one.wrongs,
                "says": [said(sentence) for sentence in one.wrong],
                "unchecked": [said(sentence) for sentence in one.unchecked],
            }
            for one in verdict.checks
        ],
    }
