"""The kit's script as a notebook: the same functions, called step by step."""

from __future__ import annotations

import json
from typing import Any

STEPS = (
    (
        "# {title}\n\nThe same steps as `python train.py`, one by one. Change what you like: "
        "`network` and `fit` are in `train.py`, the recipes are in `recipes.py`.",
        "import recipes\nimport torch\nimport train\n\nSECONDS = 60.0\nSCORE_SECONDS = 20.0\n"
        "facts = train.read_facts()\nfacts['classes'], facts['input'], facts['machine']",
    ),
    (
        "## Images\n\nThe sample is downloaded and compared with its checksum. For your own "
        "images, write `Path('folder')` instead of `train.sample(facts)`.",
        "images, labels = train.load(train.sample(facts), facts)\n"
        "test, fit_on = train.divided(labels, 0.2, seed=0)\nlen(fit_on), len(test)",
    ),
    (
        "## Train",
        "torch.manual_seed(0)\nmodel = train.network(len(facts['classes']))\n"
        "train.fit(model, images[fit_on], labels[fit_on], SECONDS)",
    ),
    (
        "## Make it smaller\n\nStructured pruning takes whole channels out. The pruned network "
        "learns from the unpruned one. Leave the last line out to keep the large network.",
        "small = recipes.narrowed(model, 0.5)\n"
        "train.fit(small, images[fit_on], labels[fit_on], SECONDS, recipes.taught(model))\n"
        "model = small",
    ),
    (
        "## Export, and compare quality and time\n\nThe ratio compares with the first file, on "
        "this machine. On the board it compares with the organizers' reference, "
        "on their machine.",
        "files = train.exported(model, images[fit_on][:200], facts, train.HERE / 'models')\n"
        "best = train.show(files, images[test], labels[test], facts)",
    ),
    (
        "## Check and score\n\nThe site's command checks the file and measures it on the sample, "
        "in the site's sandbox, in turns with a reference model. It needs Linux. The model has "
        "seen most of the sample, so its quality there is too good. Use the quality above.",
        "train.judge(best, files, facts, SCORE_SECONDS)",
    ),
)
"""Words and code of each step."""


def written(title: str) -> bytes:
    """The notebook's file, in the format 4.5 of Jupyter."""
    cells: list[dict[str, Any]] = []
    for words, code in STEPS:
        cells.append(cell("markdown", len(cells), words.replace("{title}", title)))
        cells.append(cell("code", len(cells), code))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    found = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(found, indent=1, ensure_ascii=False).encode() + b"\n"


def cell(kind: str, number: int, text: str) -> dict[str, Any]:
    """One cell without any output."""
    found: dict[str, Any] = {
        "cell_type": kind,
        "id": f"step-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return found | ({"execution_count": None, "outputs": []} if kind == "code" else {})
