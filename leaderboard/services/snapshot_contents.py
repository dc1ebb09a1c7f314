"""What stands in a snapshot, read from the rows of a competition.

Rows of boards are in memory at once. Evaluations with their quads are read one by one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from importlib import metadata
from typing import Any

from django.conf import settings
from django.utils import timezone

from leaderboard.models import (
    Competition,
    Dataset,
    Evaluation,
    ReferenceModel,
    Split,
    Submission,
    tracks,
)
from leaderboard.models.answers import Answers
from leaderboard.services import (
    answers,
    files,
    jobs,
    snapshot_boards,
    snapshot_history,
    snapshot_steps,
)
from leaderboard.services.snapshot_boards import Boards
from leaderboard.services.snapshot_history import moment
from scoring.job import HostNumbers, Report
from scoring.snapshots import contents
from scoring.snapshots.contents import About, Data, Measured, Track

CHUNK = 100
"""Evaluations that are read from the database together; their reports one by one."""
OF_A_MACHINE = (
    "cpu",
    "cpu_features",
    "cores",
    "memory_bytes",
    "architecture",
    "python",
    "device",
    "threads",
    "gpu",
)
"""What everybody may know of a machine: no kernel and no name."""


def of(competition: Competition, *, is_final: bool, is_provisional: bool = False) -> dict[str, Any]:
    """The values of `contents.Contents` by name; `evaluations`, `history`, `machines` and
    `steps` are iterators that must be read in this order.

    A provisional result has what everybody can read of the public board: no quads, no answers.
    """
    calibration, is_whole = competition.calibration, not is_provisional
    assert calibration
    boards = snapshot_boards.of(competition, is_final=is_final, is_whole=is_whole)
    machines: dict[str, int] = {}
    keys = {row.evaluation for rows in boards.values() for row in rows}
    pace = jobs.pace(calibration)
    has_answers = competition.release_answers and is_whole
    return {
        "format": contents.FORMAT,
        "competition": about(competition),
        "made_at": moment(timezone.now()),
        "is_final": is_final,
        "is_provisional": is_provisional,
        "formula": competition.formula(),
        "classes": competition.classes,
        "data": data(competition),
        "profile": profile(competition),
        "reference": measured(competition, calibration, machines, is_whole=is_whole),
        "pace": pace.to_json() if pace else None,
        "boards": boards,
        "evaluations": evaluations(competition, keys, machines, is_whole=is_whole),
        "history": snapshot_history.of(competition),
        "machines": listed(machines),
        "landed": contents.landed(boards) if is_final else None,
        "answers": released(competition, boards) if has_answers else None,
        "quad_columns": contents.QUAD_COLUMNS,
        "steps": snapshot_steps.of(competition, boards[contents.BOARDS[0]]),
        "service": metadata.version("featherweight"),
    }


def data(competition: Competition) -> Data:
    dataset = competition.dataset
    assert dataset
    hidden = dataset.splits.exclude(name=Split.Name.SAMPLE)
    return Data(
        name=dataset.name,
        sha256=dataset.sha256,
        splits={one.name: contents.Split(one.sha256, one.images) for one in hidden},
    )


def about(competition: Competition) -> About:
    return About(
        slug=competition.slug,
        title=competition.title,
        address=f"{settings.SITE_URL}{competition.get_absolute_url()}",
        state=competition.state,
        published_at=moment(competition.published_at),
        final_selections=competition.final_selections,
        only_real_gains=competition.only_real_gains,
        rules_sha256=competition.rules_sha256,
        tracks=tuple(track_of(one) for one in competition.all_tracks),
        last_counts=competition.last_counts,
    )


def track_of(track: tracks.Track) -> Track:
    return Track(
        slug=track.slug,
        title=track.name,
        formats=tuple(track.formats),
        number_types=tuple(track.number_types),
        max_parameters=track.max_parameters,
        max_bytes=track.max_bytes,
        declared=track.declared,
        reference_network=track.reference_network,
    )


def profile(competition: Competition) -> dict[str, Any]:
    one = competition.profile
    plan = one.plan().to_json()
    del plan["host"]  # each evaluation has that of its own worker
    return {"slug": one.slug, "name": one.name, "plan": plan}


def evaluations(
    competition: Competition, keys: Collection[int], machines: dict[str, int], *, is_whole: bool
) -> Iterator[Measured]:
    """The evaluations that rows name, by their keys."""
    in_order = sorted(keys)
    for start in range(0, len(in_order), CHUNK):
        rows = Evaluation.objects.filter(pk__in=in_order[start : start + CHUNK])
        read = rows.select_related("submission", "answers", "rescore").defer(
            "submission__static", "answers__public", "answers__private"
        )
        for one in read.order_by("pk"):
            yield measured(competition, one, machines, is_whole=is_whole)


def measured(
    competition: Competition, evaluation: Evaluation, machines: dict[str, int], *, is_whole: bool
) -> Measured:
    """One evaluation; as a whole with the quads of its report and the key of its answers."""
    submission, figures = evaluation.submission, evaluation.figures()
    report = evaluation.report()
    model = submission or evaluation.reference
    has_quads = bool(is_whole and report and report.timing and competition.release_quads)
    return Measured(
        evaluation=evaluation.pk,
        since=evaluation.rescore.version or 1 if evaluation.rescore else 1,
        file_sha256=model.sha256,
        content_sha256=submission.content_sha256 if submission else "",
        format=submission.format if submission else evaluation.reference.static.get("format", ""),
        number_type=model.number_type,
        time_ratio=figures.time_ratio,
        half_width=figures.half_width,
        finished_at=moment(evaluation.finished_at),
        structure=structure_of_reference(competition, model),
        estimator=report.timing.published if has_quads and report and report.timing else "",
        between_runs_sd=(report.host if report and report.host else HostNumbers()).between_runs_sd,
        answers=evaluation.answers.content if evaluation.answers and is_whole else None,
        machine=machine_of(report, machines),
        versions=report.versions if report else {},
        quads=quads_of(report) if has_quads and report else (),
    )


def structure_of_reference(competition: Competition, model: Submission | ReferenceModel) -> str:
    """The fingerprint of a model's network, where a track asks for it. Other networks than the
    reference's are their teams' own business."""
    asked = any(one.reference_network for one in competition.all_tracks)
    reference = competition.reference
    is_same = asked and reference is not None and model.structure == reference.structure
    return model.structure if is_same else ""


def quads_of(report: Report) -> tuple[tuple[Any, ...], ...]:
    assert report.timing
    return tuple(contents.row_of(quad) for quad in report.timing.quads)


def machine_of(report: Report | None, machines: dict[str, int]) -> int | None:
    """The number of a machine. Many evaluations share one."""
    if report is None:
        return None
    told = {name: report.hardware[name] for name in OF_A_MACHINE if name in report.hardware}
    return machines.setdefault(json.dumps(told, sort_keys=True), len(machines))


def listed(machines: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The machines, once all evaluations are read."""
    for told in machines:
        yield json.loads(told)


def released(competition: Competition, boards: Boards) -> contents.Answers:
    """Labels, and answers to the split of each board on which a model stands."""
    assert competition.dataset
    count = len(competition.classes)
    models: dict[str, dict[str, str]] = {}
    labels = {}
    for name in contents.BOARDS:
        split = competition.dataset.split(name)
        of_split = answers.labels_of(
            files.local_path(split.archive), split.sha256, tuple(competition.classes)
        )
        labels[name] = contents.packed(of_split.tolist(), count)
        shown = {
            row.evaluation
            for board, rows in boards.items()
            if contents.split_of(board) == name
            for row in rows
        }
        for key, text in given(competition.dataset, name, shown):
            models.setdefault(key, {})[name] = text
    return contents.Answers(labels, models)


def given(dataset: Dataset, name: str, evaluations: Iterable[int]) -> Iterator[tuple[str, str]]:
    """The answers of evaluations to a split, by content, as they are kept."""
    rows = Answers.objects.filter(dataset=dataset, evaluations__in=list(evaluations))
    rows = rows.order_by().distinct()
    for key, stored in rows.values_list("content", name).iterator(chunk_size=CHUNK):
        yield key, contents.text_of(bytes(stored))
