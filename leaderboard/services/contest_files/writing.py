"""A competition is written as a contest file, alone or with the images and the reference."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from django.core.files.base import File
from django.db import models

from leaderboard.models import Baseline, Competition, HardwareProfile
from leaderboard.services import faq
from leaderboard.services.contest_files import schema

SCHEMA = "contest.schema.json"
HEAD = f"# yaml-language-server: $schema={SCHEMA}\n"
NAME = "contest.yaml"
IMAGES, MODELS = "images", "models"


class Dumper(yaml.SafeDumper):
    """YAML that people edit: long texts as blocks, lists of numbers on one line."""


def as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def as_line(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.SequenceNode:
    is_flat = not any(isinstance(one, dict) for one in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=is_flat)


Dumper.add_representer(str, as_block)
Dumper.add_representer(list, as_line)


def text_of(competition: Competition, *, with_files: bool = False) -> str:
    """The contest file of a competition. State, teams, submissions and boards are no part of it."""
    content = content_of(competition, with_files=with_files)
    # A line that ends in a space, or in CR, cannot stand in a block; YAML then quotes the text.
    body = yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return HEAD + body


def content_of(competition: Competition, *, with_files: bool) -> dict[str, Any]:
    content = {name: shown(competition, name) for name in schema.in_order(Competition, "")}
    profile = competition.profile
    content["profile"] = {name: shown(profile, name) for name in schema.in_order(HardwareProfile)}
    if dataset := competition.dataset:
        content["dataset"] = {"sha256": dataset.sha256, "name": dataset.name}
        content["dataset"] |= {"licence": dataset.licence}
        content["dataset"] |= {"source": IMAGES} if with_files else {}
    if reference := competition.reference:
        content["reference"] = {"sha256": reference.sha256, "name": reference.name}
        # The class check was passed or overruled when the model was stored here.
        content["reference"] |= (
            {"file": model_name(competition), "anyway": True} if with_files else {}
        )
    content["baselines"] = [
        {"name": one.name, "sha256": one.sha256, "is_released": one.is_released}
        | ({"file": baseline_name(one)} if with_files else {})
        for one in competition.baselines.all()
    ]
    for section in (*schema.SECTIONS, schema.REST):
        if names := schema.in_order(Competition, section):
            content[section] = {name: shown(competition, name) for name in names}
    content["faq"] = [asdict(words) for words in faq.words(competition)]
    return content


def shown(row: models.Model, name: str) -> Any:
    """A value as the file has it. A moment is written in the zone of its competition."""
    value = getattr(row, name)
    if isinstance(value, datetime):
        assert isinstance(row, Competition)
        return value.astimezone(ZoneInfo(row.time_zone)).isoformat(sep=" ")
    return str(value) if isinstance(value, str) else value


def model_name(competition: Competition) -> str:
    assert competition.reference
    return f"{MODELS}/reference{Path(str(competition.reference.file)).suffix}"


def baseline_name(baseline: Baseline) -> str:
    return f"{MODELS}/{baseline.sha256[:16]}{Path(str(baseline.file)).suffix}"


def write(competition: Competition, folder: Path) -> Path:
    """Write the file with all that an import elsewhere needs: images, models, schema.

    The folder holds the hidden images. Keep it as secret as the site's own files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NAME
    target.write_text(text_of(competition, with_files=True), encoding="utf-8")
    schema_text = json.dumps(schema.json_schema(), indent=2, ensure_ascii=False)
    (folder / SCHEMA).write_text(schema_text + "\n", encoding="utf-8")
    if competition.dataset:
        for split in competition.dataset.splits.all():
            copy(split.archive, folder / IMAGES / f"{split.name}.zip")
    if competition.reference:
        copy(competition.reference.file, folder / model_name(competition))
    for one in competition.baselines.all():
        copy(one.file, folder / baseline_name(one))
    return target


def copy(stored: File[Any], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with stored.open("rb") as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
