"""What models answered to the hidden images, kept beside the labels and as secret as they are.

One row for each measured content, written with the verdict. A row costs one byte for each hidden
image, two above 256 classes. Nothing here is for a participant: before publication only figures of
a whole public split may leave, such as a score's interval.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboard.models import Evaluation, Split
from leaderboard.models.answers import Answers
from leaderboard.services import files
from scoring.snapshots.contents import ONE_BYTE

if TYPE_CHECKING:  # NumPy is imported where it is used: most web requests need none
    import numpy as np
    import numpy.typing as npt

    Labels = npt.NDArray[np.int64]

SPLITS = (Split.Name.PUBLIC, Split.Name.PRIVATE)
AT_ONCE = 10_000
"""Most evaluations whose answers are read together: 26 MB for a split of 2,606 images."""
CHUNK = 500
"""Rows that are read from the database together."""


@dataclass(frozen=True)
class Labelled:
    """Answers to one split, as numbers of classes, beside its labels."""

    labels: Labels
    """(images,)"""
    answers: npt.NDArray[Any]
    """(contents, images), each content once."""


@dataclass(frozen=True)
class Kept(Labelled):
    """Kept answers, which are found by the evaluation."""

    rows: Mapping[int, int]
    """The row of `answers` by the key of an evaluation. Evaluations without answers are left
    out."""


def keep(evaluation: Evaluation, found: Mapping[str, Labels]) -> Answers | None:
    """Write the answers of a measured content, in the transaction of its verdict.

    `found` has the answers (images,) of each hidden split. A content that is measured again keeps
    its row, with the last answers. None if there are no answers to keep. No range of ranks and no
    comparison needs those of a baseline.
    """
    if not found or evaluation.baseline_id:
        return None
    classes = len(evaluation.dataset.classes)
    row = Answers(
        competition_id=evaluation.competition_id,
        dataset_id=evaluation.dataset_id,
        content=content_of(evaluation),
        **{name: packed(found[name], classes=classes) for name in SPLITS},
    )
    Answers.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["competition", "dataset", "content"],
        update_fields=list(SPLITS),
    )
    return row


def kept(evaluations: Collection[int], split: Split) -> Kept:
    """The answers of evaluations to the images of a split, with the labels of the split.

    At most `AT_ONCE` evaluations, by their keys. The reference's answers are those of the
    competition's calibration. Raises `BadDataset`, `EngineError` for images that cannot be read.
    """
    if len(evaluations) > AT_ONCE:
        raise ValueError(f"At most {AT_ONCE} evaluations are read together.")
    measured = dict(
        Evaluation.every.filter(pk__in=evaluations, answers__dataset=split.dataset_id)
        .order_by()
        .values_list("pk", "answers_id")
    )
    contents = sorted(set(measured.values()))
    place = {key: row for row, key in enumerate(contents)}
    found = read(contents, split)
    return Kept(found.labels, found.answers, {key: place[one] for key, one in measured.items()})


def read(contents: Sequence[int], split: Split) -> Labelled:
    """Some rows of answers to the images of a split, by their keys, in this order."""
    import numpy as np

    classes = split.dataset.classes
    labels = labels_of(files.local_path(split.archive), split.sha256, tuple(classes))
    answers = np.empty((len(contents), len(labels)), dtype=stored_type(len(classes)))
    place = {key: row for row, key in enumerate(contents)}
    stored = Answers.objects.filter(pk__in=contents).order_by().values_list("pk", split.name)
    for key, content in stored.iterator(chunk_size=CHUNK):
        answers[place[key]] = unpacked(content, classes=len(classes))
    return Labelled(labels, answers)


def content_of(evaluation: Evaluation) -> str:
    """The hash of what the answers depend on beside the images: the model and its input.

    Not the protocol, the plan or the reference, so that a content keeps its row over an upgrade. A
    rescore that measures again begins new rows.
    """
    submission = evaluation.submission
    if submission:
        parts: list[object] = [
            "submission",
            submission.content_sha256,
            submission.static.get("input"),
        ]
    else:
        parts = ["reference", evaluation.reference.sha256, None]
    if evaluation.rescore_id:  # what a rescore measures must change no row of a board of today
        parts.append(evaluation.rescore_id)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def packed(labels: Labels, *, classes: int) -> bytes:
    """Numbers of classes as they are stored. Raises `ValueError` for a number that is no class."""
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError("An answer is no class.")
    return labels.astype(stored_type(classes)).tobytes()


def unpacked(content: bytes | memoryview, *, classes: int) -> npt.NDArray[Any]:
    """The inverse of `packed`."""
    import numpy as np

    return np.frombuffer(content, dtype=stored_type(classes))


def stored_type(classes: int) -> str:
    """NumPy's name of the type of a stored answer: one byte, or two with the low one first."""
    return "u1" if classes <= ONE_BYTE else "<u2"


@functools.lru_cache(maxsize=8)
def labels_of(archive: Path, sha256: str, classes: tuple[str, ...]) -> Labels:
    """The labels (images,) of a split, in the order in which the engine answers its images.

    Kept for a few splits, because the archive never changes. `sha256` tells archives apart.
    """
    from scoring.images import albums

    labels = albums.labelled(archive, classes).labels
    labels.flags.writeable = False
    return labels
