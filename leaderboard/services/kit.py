"""The starter kit of a competition: a zip of scripts, facts and pictures, made of its own data.

Of the images only the sample is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.template.loader import render_to_string

from leaderboard.kit import notebook, wheel
from leaderboard.models import Competition, Split
from leaderboard.services import commands, datasets, machines, recipes, references
from scoring.images import decoding
from scoring.images.records import Unusable

FILES = Path(notebook.__file__).parent / "files"
SCRIPTS = ("recipes.py", "train.py")
CI = Path(settings.BASE_DIR) / "ci-examples"
JOBS = (
    *("github-action/action.yml", "github-actions.yml", "gitlab-ci.yml", "gitlab-component.yml"),
    "submit.sh",
)
"""The jobs by name, so that no other file in a folder of the host gets into a kit."""
EXAMPLE_URL = "https://featherweight.example.org"
PINNED = ("torch", "onnxruntime", "numpy", "pillow")
"""Libraries whose version on the worker a team should have at home."""
MOST_PICTURES = 40
LARGE_BYTES = 1_000_000
"""A file that takes long to decode. The picture of a class is another one, if there is one."""
LOOKED_AT = 20
"""Images of a class among which its picture is chosen."""
SIDE = 96


@dataclass(frozen=True)
class Kit:
    """The files of a kit, and their zip."""

    folder: str
    files: dict[str, bytes]

    @property
    def file_name(self) -> str:
        return f"{self.folder}.zip"

    @cached_property
    def digest(self) -> str:
        """It tells whether a reader has the same kit, without a zip."""
        found = hashlib.sha256(self.folder.encode())
        for name, data in self.files.items():
            found.update(f"\n{name} {len(data)}\n".encode() + data)
        return found.hexdigest()

    @property
    def data(self) -> bytes:
        """The zip. Each process makes it once. Equal files give equal bytes."""
        key = f"kit:{self.digest}"
        made: bytes | None = caches["process"].get(key)
        if made is None:
            made = wheel.zipped({f"{self.folder}/{name}": one for name, one in self.files.items()})
            caches["process"].set(key, made, None)
        return made


@dataclass(frozen=True)
class Picture:
    """A sample image of a class, as WebP."""

    label: str
    data: bytes


def of(competition: Competition) -> Kit:
    """The kit of a competition."""
    return Kit(f"{competition.slug}-kit", files(competition))


def files(competition: Competition) -> dict[str, bytes]:
    """The files of a kit by name."""
    sample, machine, own = datasets.sample_of(competition), machines.of(competition), own_wheel()
    first = recipes.first_file(competition)
    said = {
        "competition": competition,
        "site": settings.SITE_URL,
        "machine": machine,
        "sample": sample,
        "first": first,
        "reference": references.released(competition),
        "own_reference": recipes.reference_file(competition),
        "trial": commands.trying(competition, f"models/{first}"),
    }
    found = {
        "README.md": render_to_string("kit/readme.txt", said).encode(),
        "competition.json": json.dumps(facts(competition), indent=1, ensure_ascii=False).encode(),
        "requirements.txt": requirements(machine, own.name).encode(),
        "notebook.ipynb": notebook.written(competition.title),
        own.name: own.data,
    }
    found |= {name: (FILES / name).read_bytes() for name in SCRIPTS}
    found |= {f"ci/{name}": job.encode() for name, job in ci_jobs(competition).items()}
    for number, one in enumerate(pictures(sample)):
        found[f"classes/{number:03d}-{safe(one.label)}.webp"] = one.data
    return found


def facts(competition: Competition) -> dict[str, Any]:
    """What the scripts of a kit read: competition.json."""
    sample, machine = datasets.sample_of(competition), machines.of(competition)
    reference = references.released(competition)
    page = f"{settings.SITE_URL}{competition.get_absolute_url()}"
    return {
        "slug": competition.slug,
        "title": competition.title,
        "page": page,
        "api": f"{settings.SITE_URL}/api/v2",
        "classes": competition.classes,
        "formats": competition.formats,
        "metric": competition.metric,
        "input": competition.input_spec().to_json(),
        "limits": competition.limits().to_json(),
        "max_upload_bytes": competition.max_upload_bytes,
        "threads": competition.profile.threads,
        "machine": asdict(machine) if machine else None,
        "sample": {
            "url": f"{page}data/sample.zip",
            "sha256": sample.sha256,
            "bytes": sample.size_bytes,
            "images_by_class": sample.images_by_class,
        }
        if sample
        else None,
        "reference": {
            "url": f"{settings.SITE_URL}/api/v2/competitions/{competition.slug}/reference",
            "sha256": reference.sha256,
            "bytes": reference.size_bytes,
        }
        if reference
        else None,
        "try": commands.trying(competition, "{file}"),
    }


def requirements(machine: machines.Machine | None, own: str) -> str:
    """What pip installs at home: the versions that measure, and this service's own wheel."""
    known = machine.versions if machine else {}
    lines = [
        f"{name}=={known[name].partition('+')[0]}" if name in known else name for name in PINNED
    ]
    return "\n".join([*lines, "onnx  # only int8 in ONNX needs it", f"./{own}[worker]"]) + "\n"


def ci_jobs(competition: Competition) -> dict[str, str]:
    """The jobs of ci-examples, by file name, with a competition's address filled in."""
    return {name: filled_in((CI / name).read_text(), competition) for name in JOBS}


def filled_in(job: str, competition: Competition) -> str:
    """A job with address and name in place of the example's; a shell script gets defaults."""
    job = job.replace(EXAMPLE_URL, settings.SITE_URL)
    job = re.sub(r"(?i)(competition: )waste\b", rf"\g<1>{competition.slug}", job)
    defaults = (
        f': "${{FEATHERWEIGHT_URL:={settings.SITE_URL}}}" "${{COMPETITION:={competition.slug}}}"'
    )
    return job.replace("\nset -eu\n", f"\nset -eu\n{defaults}\n", 1)


def pictures(sample: Split | None) -> list[Picture]:
    """A picture of each of the first classes, from the sample. Each process makes them once."""
    if sample is None:
        return []
    assert sample.name == Split.Name.SAMPLE
    key = f"kit-pictures:{sample.sha256}"
    found: list[Picture] | None = caches["process"].get(key)
    if found is None:
        found = made(sample)
        caches["process"].set(key, found, None)
    return found


def made(sample: Split) -> list[Picture]:
    """The pictures, decoded now. A class without a readable image is left out."""
    found = []
    with sample.archive.open("rb") as file, zipfile.ZipFile(file) as archive:
        by_class: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in archive.infolist():
            label = entry.filename.rpartition("/")[0]
            some = by_class.setdefault(label, [])
            if len(some) < LOOKED_AT:
                some.append(entry)
        for label in sample.dataset.classes[:MOST_PICTURES]:
            if not by_class.get(label):
                continue
            small = [one for one in by_class[label] if one.file_size <= LARGE_BYTES]
            chosen = small[0] if small else min(by_class[label], key=lambda one: one.file_size)
            if data := thumbnail(archive.read(chosen)):
                found.append(Picture(label, data))
    return found


def thumbnail(data: bytes) -> bytes:
    """An image as a small WebP; empty if it cannot be read."""
    try:
        image = decoding.rgb(decoding.open_image(data))
    except Unusable:
        return b""
    image.thumbnail((SIDE, SIDE))
    target = io.BytesIO()
    image.save(target, "WEBP", quality=80)
    return target.getvalue()


def safe(label: str) -> str:
    """A class's name as a part of a file name."""
    return re.sub(r"[^\w-]+", "_", label)[:60]


@cache
def own_wheel() -> wheel.Wheel:
    """This service's command and engine. The sources do not change while a process runs."""
    return wheel.built(Path(settings.BASE_DIR))
