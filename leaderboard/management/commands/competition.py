"""Does for an organizer at a terminal what the buttons of the panel do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext

from leaderboard.errors import Refused
from leaderboard.management import contest_files
from leaderboard.management.decisions import DECISIONS
from leaderboard.models import Competition, Evaluation, User
from leaderboard.services import audit, competitions, references

ACTS: dict[str, tuple[str, Callable[..., object]]] = {
    "calibrate": ("queue a calibration of the reference model", references.calibrate),
    "open": ("open a draft, or go on after a pause", competitions.open_),
    "pause": ("stop uploads for a while", competitions.pause),
    "close": ("end the uploads", competitions.close),
    "reopen": ("take uploads again, until the publication", competitions.reopen),
    "publish": ("show the private board", competitions.publish),
    "status": ("only say how it stands", lambda **_: None),
}


class Command(contest_files.ContestCommand):
    help = (
        "Calibrate, open, pause, close, reopen, extend or publish a competition, rescore it, "
        "decide about its submissions and teams, and show its state. "
        "The same rules apply as in the panel. A worker calibrates: see manage.py work. Exit code "
        "0: done; 1: refused, with the reason, and nothing is changed; 2: wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="step", required=True, metavar="ACT")
        for name, (does, _) in ACTS.items():
            one = acts.add_parser(name, help=does, description=does)
            one.add_argument("slug", help="slug of the competition")
            if name == "pause":
                one.add_argument("--message", default="", help="shown to everybody")
            elif name != "status":
                one.add_argument("--why", default="", help="reason for the audit log")
            if name != "status":
                contest_files.add_person(one)
            super().add_arguments(one)
        for name, decision in DECISIONS.items():
            one = acts.add_parser(name, help=decision.does, description=decision.does)
            one.add_argument("slug", help="slug of the competition")
            decision.needs(one)
            one.add_argument("--why", default="", help=decision.why)
            contest_files.add_person(one)
            super().add_arguments(one)

    def act(self, *, step: str, slug: str, **options: Any) -> None:
        competition = contest_files.competition(slug)
        more: dict[str, Any] = {}
        if step != "status":
            by = contest_files.person(options.pop("by"))
            more = self.do(step, competition, by=by, **options)
        told = told_of(Competition.objects.get(pk=competition.pk)) | more
        if options["json"]:
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        self.show_rescore(more.get("rescore"))
        self.stdout.write(
            gettext("%(slug)s: %(state)s, %(queued)d queued, %(running)d running.") % told
        )
        if told["missing"]:
            self.stdout.write(told["missing"]["detail"])

    def show_rescore(self, rescore: dict[str, Any] | None) -> None:
        """How far a rescore is, and the board before and after it, with one team on each line."""
        if rescore is None:
            return
        if measuring := rescore.get("measuring"):
            said = gettext(
                "Measured again: %(scored)d scored, %(failed)d failed, %(running)d running, "
                "%(queued)d queued."
            )
            self.stdout.write(said % measuring)
        for row in rescore["rows"]:
            ranks = [row["rank_before"] or "–", row["rank_after"] or "–"]
            scores = [row["score_before"], row["score_after"]]
            self.stdout.write("{:>4} → {:<4} {} → {}  {}".format(*ranks, *scores, row["team"]))

    def do(
        self, step: str, competition: Competition, *, by: User, **options: Any
    ) -> dict[str, Any]:
        """Do an act. Returns what is told beside the state of the competition."""
        if decision := DECISIONS.get(step):
            given = {name: options[name] for name in named(decision.needs)}
            with audit.because(options["why"]):
                return decision.do(competition, by, why=options["why"], **given) or {}
        more = {"message": options["message"]} if step == "pause" else {}
        with audit.because(options.get("why") or options.get("message") or ""):
            ACTS[step][1](competition=competition, by=by, **more)
        return {}


def named(needs: Callable[[CommandParser], None]) -> list[str]:
    """The names of the arguments that an act needs."""
    parser = CommandParser(add_help=False)
    needs(parser)
    return [one.dest for one in parser._actions]


def told_of(competition: Competition) -> dict[str, Any]:
    """The state of a competition, for programs."""
    states = competition.evaluations.by_state()
    last = competition.evaluations.filter(kind=Evaluation.Kind.CALIBRATION).first()
    published = competition.published_at
    return {
        "slug": competition.slug,
        "state": competition.state,
        "queued": states[Evaluation.State.QUEUED],
        "running": states[Evaluation.State.RUNNING],
        "calibration": last.state if last else None,
        "missing": missing(competition),
        "published_at": published.isoformat() if published else None,
    }


def missing(competition: Competition) -> dict[str, str] | None:
    """The first thing that a draft lacks before it can open."""
    if competition.state != Competition.State.DRAFT:
        return None
    try:
        competitions.check_openable(competition)
    except Refused as refused:
        return contest_files.refusal(refused)
    return None
