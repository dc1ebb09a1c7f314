"""Follow a submission, and say in words where it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import typer

from leaderboard.cli.languages import gettext, ngettext, said, state
from leaderboard.cli.screen import err, out, plain, show
from leaderboard.cli.server import FAILED, UNREACHABLE, Server, Trouble
from leaderboard.rounding import interval, rounded
from scoring import formula

FINISHED = {"scored", "failed", "error", "cancelled"}
SURE = 0.95
PATIENCE_SECONDS = 120
"""How long a server may be away while a submission is followed."""


@dataclass(frozen=True)
class Wanted:
    """What a caller asks of a submission."""

    wait: bool
    max_score: float | None
    no_worse: bool

    @property
    def needs_an_end(self) -> bool:
        return self.wait or self.no_worse or self.max_score is not None


def finish(server: Server, submission: dict[str, Any], wanted: Wanted, *, as_json: bool) -> None:
    """Show a submission, after its end if the caller needs that.

    Raises `typer.Exit` with 1 for a submission that has no score, or not the wanted one.
    """
    if wanted.needs_an_end:
        submission = follow(server, submission)
    show(as_json, submission, plain(words(submission)))
    code = submission["state"]
    if not as_json and code == "failed":
        show_failure(submission)
    if not as_json and code == "scored":
        show_prospect(submission["prospect"], submission.get("branch", ""))
    if code in FINISHED and code != "scored":
        raise typer.Exit(FAILED)
    if told := missed(submission, wanted):
        err.print(told)
        raise typer.Exit(FAILED)


def show_failure(submission: dict[str, Any]) -> None:
    """What the model said, and a command that fails in the same way."""
    show_dry_run(submission["dry_run"])
    if command := submission["failure"].get("command"):
        told = gettext("The same on your machine: %(command)s") % {"command": command}
        out.print(plain(told), soft_wrap=True, markup=False)


def show_prospect(prospect: dict[str, Any] | None, branch: str = "") -> None:
    """The rank, the change from the team's best and the branch's, and what would help."""
    if prospect is None:
        return
    told = [ranked(prospect)] if prospect["rank"] else []
    if prospect["compared"]:
        told.append(changed(prospect))
    if beside := prospect.get("in_branch"):
        told.append(changed_in(branch, beside))
    if step := prospect["step"]:
        told += next_step(step)
    for sentence in (*told, *prospect["advice"]):
        out.print(plain(sentence), soft_wrap=True)


def ranked(prospect: dict[str, Any]) -> str:
    """The rank, with its range if that is known."""
    if prospect["likely_first"] is None:
        return gettext("Rank %(rank)d of %(ranked)d on the public board.") % prospect
    if prospect["likely_first"] == prospect["likely_last"]:
        sentence = gettext(
            "Rank %(rank)d of %(ranked)d on the public board. The likely rank is the same."
        )
        return sentence % prospect
    sentence = gettext(
        "Rank %(rank)d of %(ranked)d on the public board, likely %(likely_first)d to "
        "%(likely_last)d."
    )
    return sentence % prospect


def next_step(step: dict[str, Any]) -> list[str]:
    """What would pass the next better score, and how likely it is to last on other images."""
    gains = gained(step["seconds_less"], step["time_ratio_less"], step["quality_more"])
    facts = {**step, "gains": gains, "score": rounded(step["score"], 4)}
    if not gains:
        return []
    if step["team"] is None:
        sentence = gettext("Better than your best (%(score)s) with: %(gains)s.")
        return [sentence % facts]
    sentence = gettext("To pass %(team)s (rank %(rank)d, score %(score)s): %(gains)s.")
    told = [sentence % facts]
    if step["likelihood"] is not None:
        facts["percent"] = round(100 * step["likelihood"])
        sentence = gettext(
            "On other images of the same kind and in another measurement, this is enough in about "
            "%(percent)d %% of cases."
        )
        told.append(sentence % facts)
    sure = gained(
        step["sure_seconds_less"], step["sure_time_ratio_less"], step["sure_quality_more"]
    )
    if sure and step["likelihood"] < SURE:
        told.append(gettext("Enough in 95 %%: %(gains)s.") % {"gains": sure})
    return told


def gained(seconds: float | None, ratio: float | None, quality: float | None) -> str:
    """Gains of which each is enough; empty if there is none."""
    some = []
    if seconds:
        some.append(gettext("%(time)s ms less per image") % {"time": f"{1000 * seconds:.2g}"})
    elif ratio:
        some.append(gettext("a time ratio lower by %(ratio)s") % {"ratio": rounded(ratio, 4)})
    if quality:
        some.append(gettext("+%(quality)s quality") % {"quality": rounded(quality, 4)})
    if len(some) < 2:
        return "".join(some)
    return gettext("%(one)s or %(other)s") % {"one": some[0], "other": some[1]}


def changed(prospect: dict[str, Any]) -> str:
    """How a submission differs from the team's best other one."""
    if prospect["compared"] == "same":
        return gettext("The same score as your best.")
    is_better = prospect["compared"] == "better"
    if prospect["change"] is None:
        if is_better:
            return gettext("Better than your best: it passes the gate.")
        return gettext("Worse than your best: it does not pass the gate.")
    if is_better:
        sentence = gettext("Better than your best by %(difference)s.")
    else:
        sentence = gettext("Worse than your best by %(difference)s.")
    return sentence % {"difference": rounded(abs(prospect["change"]), 4)}


def changed_in(branch: str, beside: dict[str, Any]) -> str:
    """How a submission differs from the best earlier one of its branch."""
    return gettext("On the branch %(branch)s: %(change)s") % {
        "branch": branch,
        "change": changed(beside),
    }


def missed(submission: dict[str, Any], wanted: Wanted) -> str:
    """What a scored submission does not reach; empty if it reaches all."""
    if submission["score"] is None:
        is_limited = wanted.no_worse or wanted.max_score is not None
        return gettext("The score is hidden, so no limit can be checked.") if is_limited else ""
    prospect = submission["prospect"]
    if wanted.max_score is not None and prospect and prospect["rank"] is None:
        return gettext("The quality is below the gate, so the score does not count.")
    if wanted.max_score is not None and submission["score"]["score"] > wanted.max_score:
        found = submission["score"]
        facts = {
            "score": interval(found["score"], found["half_width"], 4),
            "limit": f"{wanted.max_score:g}",
        }
        return gettext("The score %(score)s is above %(limit)s.") % facts
    return regressed(submission) if wanted.no_worse and prospect else ""


def regressed(submission: dict[str, Any]) -> str:
    """By how much a score is clearly worse than the branch's best, or else the team's best."""
    prospect = submission["prospect"]
    beside = prospect.get("in_branch") or prospect
    if not beside["is_clear"] or beside["compared"] != "worse":
        return ""
    if beside is not prospect:
        return changed_in(submission["branch"], beside)
    return changed(prospect)


def follow(server: Server, submission: dict[str, Any]) -> dict[str, Any]:
    """Ask until the submission is finished."""
    return ask_until(server, f"submissions/{submission['id']}", submission, FINISHED, words)


def ask_until(
    server: Server,
    path: str,
    found: dict[str, Any],
    ends: Collection[str],
    told: Callable[[dict[str, Any]], str],
) -> dict[str, Any]:
    """Ask for a submission or a trial until it has ended.

    A server may be away for `PATIENCE_SECONDS`.
    """
    seconds = 1 if err.is_terminal else 30
    heard_at = time.monotonic()
    with err.status(plain(told(found))) as line:
        while found["state"] not in ends:
            asked_at = time.monotonic()
            try:
                found = server.ask("GET", path, params={"wait": seconds})
                heard_at = time.monotonic()
            except Trouble as trouble:
                away = time.monotonic() - heard_at
                if trouble.exit_code != UNREACHABLE or away > PATIENCE_SECONDS:
                    raise
            line.update(plain(told(found)))
            time.sleep(max(0.0, 1 - (time.monotonic() - asked_at)))
    return found


def words(submission: dict[str, Any]) -> str:
    """Where a submission stands, in a line."""
    number, code = f"#{submission['id']}", submission["state"]
    if code == "queued":
        return f"{number} {waiting(submission['queue'])}"
    if code == "running":
        return f"{number} {running(submission)}"
    if code == "failed":
        told = gettext("failed (%(code)s): %(message)s") % submission["failure"]
        return f"{number} {told}"
    if code == "scored":
        return f"{number} {scored(submission)}"
    return f"{number} {submission['error'] or state('state of an evaluation', code)}"


def waiting(place: dict[str, Any]) -> str:
    """How far a submission is in the queue."""
    told = [gettext("queued: %(position)d of %(length)d") % place]
    if place["wait_seconds"]:
        told.append(
            gettext("about %(minutes)d min") % {"minutes": round(place["wait_seconds"] / 60)}
        )
    if place["is_held"]:
        told.append(gettext("no machine can measure at the moment"))
    return ", ".join(told)


def running(submission: dict[str, Any]) -> str:
    told = f"{submission['doing']}: {submission['percent']:.0f} %"
    left = submission["remaining_seconds"]
    if left is None:
        return told
    to_go = gettext("about %(seconds)d s left") % {"seconds": round(left)}
    return f"{told}, {to_go}"


def scored(submission: dict[str, Any]) -> str:
    """The score as the sum of its terms."""
    score = submission["score"]
    if score is None:
        return gettext("measured, and it counts. The organizers publish the score later.")
    terms = (
        gettext("%(value)s for %(term)s") % {"value": rounded(value, 4), "term": term_name(name)}
        for name, value in score["terms"].items()
    )
    facts = {
        "terms": " + ".join(terms),
        "score": interval(score["score"], score["half_width"], 4),
        "ratio": interval(submission["time_ratio"], submission["half_width"], 3),
        "figure": rounded(submission["quality"], 4),
    }
    return (
        gettext("scored %(score)s = %(terms)s. Time ratio: %(ratio)s. Quality: %(figure)s.") % facts
    )


def term_name(name: str) -> str:
    """The name of a term of the score. If the site is newer than this command, its code."""
    return said(formula.TERMS[name].label).lower() if name in formula.TERMS else name


def show_dry_run(tried: dict[str, Any] | None) -> None:
    """Print what the model printed on images of the sample. Its output on other images is not
    kept."""
    if not tried or not tried["output"]:
        return
    told = ngettext(
        "On %(images)d image of the sample the model printed:",
        "On %(images)d images of the sample the model printed:",
        tried["images"],
    )
    out.print(told % tried, soft_wrap=True, markup=False)
    for line in tried["output"].splitlines():
        out.print(plain(f"  {line}"), soft_wrap=True, markup=False)
    if tried["is_cut"]:
        out.print(gettext("  (the rest was not kept)"))
