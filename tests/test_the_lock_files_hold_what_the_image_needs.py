"""The image installs the lock files alone, so they must hold what each extra asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-cpu.lock"])
def test_every_requirement_is_locked_in_a_version_it_allows(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    kinds = ("server", "worker", "zoo", "parquet")  # all that the panel offers
    wanted = [*project["dependencies"], *(one for kind in kinds for one in extras[kind])]
    text = (ROOT / lock).read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([^ ;]+)", text, flags=re.MULTILINE))
    versions = {canonicalize_name(name): Version(version) for name, version in locked.items()}
    for requirement in map(Requirement, wanted):
        if requirement.name == "featherweight":  # an extra that takes in another
            continue
        found = versions.get(canonicalize_name(requirement.name))
        assert found, f"{requirement.name} is not in {lock}: run make lock"
        assert requirement.specifier.contains(found), f"{requirement} in {lock}: run make lock"
