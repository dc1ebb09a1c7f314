"""`manage.py competition rescore`: another formula, or all measured again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Dataset, HardwareProfile, ReferenceModel, Rescore, User
from leaderboard.services import moves, references, remeasuring, rescoring

Facts = dict[str, Any]
ACTS: dict[str, Callable[..., object]] = {
    "preview": lambda **_: None,
    "apply": rescoring.apply,
    "cancel": rescoring.cancel,
    "pause": rescoring.pause,
    "resume": rescoring.resume,
    "retry": rescoring.retry,
    "keep-failed": partial(rescoring.judge_failures, keeps_failed=True),
    "let-failed-fail": partial(rescoring.judge_failures, keeps_failed=False),
}
"""What can be done with the rescore that waits."""


def rescore(competition: Competition, by: User, *, what: str, why: str, **options: Any) -> Facts:
    """Propose another formula or measure again; or do something with the rescore that waits."""
    if what == "propose":
        return told(rescoring.propose(rescore=proposal(competition, why, options), by=by))
    if what == "measure":
        return told(measure(competition, why, options, by=by))
    waits = rescoring.waiting(competition)
    if waits is None:
        raise NotFound(
            gettext(
                "No rescore is waiting for a decision. Propose one first: manage.py "
                "competition rescore."
            ),
            code="no_rescore",
        )
    ACTS[what](rescore=waits, by=by)
    waits.refresh_from_db()
    return told(waits)


def proposal(competition: Competition, why: str, options: Facts) -> Rescore:
    """The formula of today with the numbers that were given."""
    fields = {
        name: getattr(competition, name) if options[name] is None else options[name]
        for name in ("time_weight", "k", "quality_ref", "min_quality")
    }
    gains = competition.only_real_gains
    return Rescore(competition=competition, why=why, only_real_gains=gains, **fields)


def measure(competition: Competition, why: str, options: Facts, *, by: User) -> Rescore:
    """Measure again by what was given; the rest stays as it is."""
    terms = Rescore(
        competition=competition,
        why=why,
        scope=Rescore.Scope.ALL if options["all"] else Rescore.Scope.BEST,
        dataset=dataset(options["dataset"]),
        profile=profile(options["profile"]),
        reference=reference(competition, options["reference"], by=by),
    )
    return rescoring.measure_again(rescore=terms, by=by)


def dataset(given: str | None) -> Dataset | None:
    """The newest version of a name, or the dataset of a SHA-256."""
    if given is None:
        return None
    rows = Dataset.objects.filter(name=given) or Dataset.objects.filter(sha256=given)
    found = rows.order_by("-version").first()
    if found is None:
        raise NotFound(
            gettext("There is no dataset with the name or the SHA-256 %(given)s.")
            % {"given": given},
            code="unknown_dataset",
        )
    return found


def profile(slug: str | None) -> HardwareProfile | None:
    if slug is None:
        return None
    found = HardwareProfile.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(
            gettext("There is no hardware profile with the slug %(slug)s.") % {"slug": slug},
            code="unknown_profile",
        )
    return found


def reference(competition: Competition, path: Path | None, *, by: User) -> ReferenceModel | None:
    """Store another reference model."""
    if path is None:
        return None
    try:
        with path.open("rb") as opened:
            upload = File(opened, name=path.name)
            return references.add_reference(
                competition=competition, upload=upload, name=path.stem, by=by
            )
    except OSError as error:
        said = gettext("The file %(file)s cannot be read.") % {"file": path}
        raise CommandError(said, returncode=2) from error


def told(rescore: Rescore) -> Facts:
    """A rescore, how far its measuring is, and the rows of its preview, for programs."""
    rows = [
        {
            "team": one.pair.team,
            "rank_before": one.rank_before,
            "rank_after": one.rank_after,
            "score_before": str(one.pair.before.score),
            "score_after": str(one.pair.after.score),
        }
        for one in moves.of(rescore)
    ]
    facts: Facts = {"id": rescore.pk, "state": rescore.state, "rows": rows}
    if rescore.is_measured:
        progress = remeasuring.progress(rescore)
        calibration = remeasuring.calibration(rescore)
        facts["measuring"] = {
            "reference": calibration.state if calibration else None,
            "scored": progress.scored,
            "failed": progress.failed,
            "running": progress.running,
            "queued": progress.queued,
        }
    return {"rescore": facts}


def needs_terms(parser: CommandParser) -> None:
    does = "propose: another formula; measure: all again; the others: the rescore that waits"
    parser.add_argument("what", choices=("propose", "measure", *ACTS), help=does)
    for name in ("time-weight", "k", "quality-ref", "min-quality"):
        parser.add_argument(f"--{name}", type=float, help="to propose; as it is, if left out")
    again = "to measure; as it is, if left out: "
    parser.add_argument("--dataset", help=f"{again}a name (its newest version) or a SHA-256")
    parser.add_argument("--profile", metavar="SLUG", help=f"{again}a hardware profile")
    parser.add_argument("--reference", type=Path, metavar="FILE", help=f"{again}another model")
    parser.add_argument(
        "--all", action="store_true", help="to measure every scored submission, not only what ranks"
    )
