"""Score a model at home, as the server measures: on the sample, beside the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from leaderboard.cli import kits
from leaderboard.cli.commands import EXIT_CODES, File, app
from leaderboard.cli.languages import gettext, said
from leaderboard.cli.options import AsJson, Into
from leaderboard.cli.screen import err, plain, show
from leaderboard.cli.server import FAILED, WRONG_USAGE, Server, Trouble, connected
from leaderboard.rounding import interval, rounded
from scoring import formula
from scoring.errors import Coded
from scoring.job import Formula, InputSpec, Job, Plan, Progress, Report, Split
from scoring.sentences import joined, spoken

Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference",
        exists=True,
        dir_okay=False,
        help=gettext(
            "The model that times are compared with. By default it is the organizers' "
            "reference model, if they have released it. Otherwise make a similar one with "
            "`python -m scoring train-reference`."
        ),
    ),
]


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Measure a model on the sample as the server does, on this machine. This needs Linux "
        "and the extra `worker`.\n\nThe first time, the reference is measured against itself. "
        "This calibration is kept for the next time."
    ),
)
def score(
    file: File,
    competition: Into,
    reference: Reference = None,
    max_seconds: Annotated[
        float, typer.Option(min=1, help=gettext("The most seconds of measuring."))
    ] = Plan.max_seconds,
    allow_weak_sandbox: Annotated[
        bool,
        typer.Option(
            "--allow-weak-sandbox",
            help=gettext("Measure even if the kernel lacks a layer of the sandbox."),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        told = server.ask("GET", f"competitions/{competition}")
        beside = reference or reference_of(server, told)
        sample = sample_of(server, told)
    job = job_of(told, file, beside, sample, max_seconds, allow_weak_sandbox)
    if reference is None:  # the board's own formula holds only beside the board's own reference
        constant = told["formula"]["quality_ref"]
        job = replace(job, formula=replace(job.formula, quality_ref=constant))
    report = measured(job, kept(told["slug"]))
    words = published(report, job) if report.status == "scored" else failed(report)
    show(as_json, spoken(report.to_json()), plain(words))
    if report.status != "scored":
        raise typer.Exit(FAILED)


def measured(job: Job, calibration: Path) -> Report:
    """The report of the engine. Raises `Trouble` if this machine cannot measure."""
    try:
        from scoring import calibrated  # with NumPy

        with err.status(gettext("measuring")) as line:

            def tell(progress: Progress) -> None:
                line.update(plain(f"{progress.stage}: {progress.percent:.0f} %"))

            return calibrated.score(job, calibration, tell)
    except ImportError as error:
        sentence = gettext(
            "Measuring needs the extra `worker`: pip install 'featherweight[worker]'"
        )
        raise Trouble(WRONG_USAGE, f"{sentence} ({error})", "worker_missing") from error
    except Coded as error:
        raise Trouble(
            WRONG_USAGE, f"{joined(error.said, said)} [{error.code}]", error.code
        ) from error


def job_of(
    told: dict[str, Any], file: Path, reference: Path, sample: Path, seconds: float, is_weak: bool
) -> Job:
    """A job on the sample, by the rules that the API tells of a competition."""
    given = {name: told["input"][name] for name in told["input"] if "_size" not in name}
    given["batch_size"] = told["input"]["batch_size"]
    terms, hardware = told["formula"], told["hardware"] or {}
    return Job(
        reference=reference,
        submission=file,
        splits=(Split("public", sample),),
        sample=sample,
        classes=tuple(told["classes"]),
        input=InputSpec.from_json(given),
        formula=Formula(
            None, terms["k"], terms["time_weight"], terms["min_quality"], terms["metric"]
        ),
        plan=Plan(
            device=hardware.get("device", "cpu"),
            threads=hardware.get("threads", 1),
            target_half_width=hardware.get("target_half_width", Plan.target_half_width),
            max_seconds=seconds,
            max_half_width=0.0,  # a person at a terminal judges the interval
        ),
        may_be_weak=is_weak,
    )


def sample_of(server: Server, told: dict[str, Any]) -> Path:
    """The sample, downloaded once. Raises `Trouble`."""
    if not told["sample"]:
        raise Trouble(
            WRONG_USAGE, gettext("This competition does not provide a sample."), "no_sample"
        )
    folder = kept(told["slug"]).parent / told["sample"]["sha256"][:16]
    path: Path = folder / f"{told['slug']}-sample.zip"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kits.fetch_sample(server, told["slug"], told["sample"], folder)
    return path


def reference_of(server: Server, told: dict[str, Any]) -> Path:
    """The organizers' reference model, downloaded once. Raises `Trouble`."""
    known = told.get("reference")
    if not known:
        sentence = gettext(
            "The organizers have not released the reference model. Name a similar one with "
            "--reference."
        )
        raise Trouble(WRONG_USAGE, sentence, "reference_not_released")
    folder = kept(told["slug"]).parent / known["sha256"][:16]
    path: Path = folder / f"{told['slug']}-reference{Path(known['file_name']).suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kits.fetch_file(server, f"competitions/{told['slug']}/reference", path, known)
    return path


def kept(slug: str) -> Path:
    """The file of a competition's calibration on this machine."""
    return Path(typer.get_app_dir("featherweight")) / "calibrations" / f"{slug}.json"


def published(report: Report, job: Job) -> str:
    """What a board would say of these images: the score, its terms and their intervals."""
    timing, quality = report.timing, report.splits["public"]
    assert timing is not None
    assert report.quality_ref is not None
    terms = job.formula
    found = formula.score(
        quality.quality,
        timing.time_ratio,
        quality_ref=report.quality_ref,
        k=terms.k,
        time_weight=terms.time_weight,
    )
    width = formula.half_width(timing.half_width, terms.time_weight)
    facts = {
        "score": interval(found.total, width, 4),
        "ratio": interval(timing.time_ratio, timing.half_width, 4),
        "quality": rounded(quality.quality, 4),
        "reference": rounded(report.quality_ref, 4),
    }
    told = gettext(
        "On the sample: score %(score)s. Time ratio: %(ratio)s. Quality: %(quality)s; the "
        "reference has %(reference)s."
    )
    gate = gettext("The quality is below the gate, so the score does not count.")
    return f"{told % facts} {gate}" if quality.quality < terms.min_quality else told % facts


def failed(report: Report) -> str:
    """Why a model has no score."""
    if report.failure is None:
        return gettext("The machine is too noisy. Close other programs, and try again.")
    return f"{joined(report.failure.said, said)} [{report.failure.code}]"
