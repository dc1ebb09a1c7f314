"""Every code that a team or an operator can meet stands in a document with its meaning."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RAISED = re.compile(r'(?:Rejected|ModelFailed)\(\s*"(\w+)"|code, what = "(\w+)"')


def documented(name: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", (ROOT / name).read_text()))


def test_of_refusals_and_failures_in_the_readme() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "scoring").rglob("*.py"))
    codes = {one or other for one, other in RAISED.findall(sources)}
    assert len(codes) > 20
    assert codes <= documented("README.md")


def test_of_refused_images_in_the_readme() -> None:
    engine = "".join(path.read_text() for path in (ROOT / "scoring").rglob("*.py"))
    service = (ROOT / "leaderboard" / "services" / "datasets.py").read_text()
    codes = set(re.findall(r'BadDataset\(\s*"(\w+)"', engine))
    codes |= set(re.findall(r'code="(\w+)"', service))
    assert len(codes) > 25
    assert codes <= documented("README.md")


def test_of_checks_in_the_policy_of_security() -> None:
    source = (ROOT / "leaderboard" / "checks.py").read_text()
    codes = set(re.findall(r"featherweight\.\w\d{3}", source))
    assert len(codes) == 6
    assert codes <= documented("SECURITY.md")
