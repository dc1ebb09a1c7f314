"""Every link, anchor and path in a document exists, and the README stays short."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
MOST_WORDS = 1500
"""Most words of the README. Everything else has a page in docs/."""
MOST_PICTURE_BYTES = 250_000
NOT_OURS = ("leaderboard/static/vendor/", "tests/vendor/")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
"""What may be a path: without spaces, braces and stars."""
DECLARED = "featherweight.json"
"""A file of an archive, not of the repository."""
FILE_NAME = re.compile(
    r"[\w-]*\.(?:py|md|toml|yml|sh|html|txt|conf|mo|po|lock|json|example)|Makefile"
)


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository, whether they are committed yet or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if not name.startswith(NOT_OURS)]


DOCUMENTS = sorted(path for path in tracked("*.md") if path.exists())
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


@cache
def tokens(document: Path) -> list[Token]:
    """A document's tokens, those inside of lines with them."""
    blocks = MarkdownIt("commonmark").enable("table").parse(document.read_text())
    return [one for block in blocks for one in (block, *(block.children or []))]


def links(document: Path) -> list[str]:
    """The addresses of links and pictures, also of those that are written as HTML."""
    found = []
    for token in tokens(document):
        found += [str(token.attrs[name]) for name in ("href", "src") if name in token.attrs]
        if token.type.startswith("html"):
            found += re.findall(r'(?:href|src)="([^"]+)"', token.content)
    return found


@cache
def anchors(document: Path) -> set[str]:
    """The anchors of headings, as GitHub and GitLab make them."""
    parsed = tokens(document)
    headings = [
        "".join(one.content for one in after.children or [])
        for token, after in pairwise(parsed)
        if token.type == "heading_open"
    ]
    found: set[str] = set()
    times: Counter[str] = Counter()
    for heading in headings:
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def test_there_are_documents_to_look_at() -> None:
    names = {str(path.relative_to(ROOT)) for path in DOCUMENTS}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/codes.md"} <= names
    assert sum(len(links(one)) for one in DOCUMENTS) > 50


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match(r"(?:https?|mailto):", link):
            continue
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), f"{link}: there is no such file"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    assert set((ROOT / "docs").glob("*.md")) <= linked


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS


def test_what_is_vendored_has_its_licence() -> None:
    folders = [path for name in NOT_OURS for path in (ROOT / name).iterdir() if path.is_dir()]
    for folder in [*folders, ROOT / "leaderboard" / "fonts"]:
        assert [*folder.glob("LICENSE*"), *folder.glob("OFL.txt")], folder


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    assert [one.name for one in pictures if one.stat().st_size > MOST_PICTURE_BYTES] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "README.md", "SECURITY.md"])
def test_every_path_that_is_named_is_there(name: str) -> None:
    """A path in backticks is one from the root of the repository."""
    code = [one.content for one in tokens(ROOT / name) if one.type == "code_inline"]
    named = {
        text for text in code if PATH.fullmatch(text) and ("/" in text or FILE_NAME.fullmatch(text))
    }
    missing = [text for text in named if text != DECLARED and not (ROOT / text).exists()]
    assert sorted(missing) == []


def test_the_recipes_name_many_paths() -> None:
    code = [one.content for one in tokens(ROOT / "CONTRIBUTING.md") if one.type == "code_inline"]
    assert len([text for text in code if PATH.fullmatch(text) and "/" in text]) > 40


def test_the_hosted_workflow_runs_what_any_machine_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}


def test_whoever_reports_a_bug_finds_a_form() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = {path.stem: yaml.safe_load(path.read_text()) for path in folder.glob("*.yml")}
    assert set(forms) == {"config", "participant", "organizer", "operator"}
    del forms["config"]
    for form in forms.values():
        assert form["name"]
        assert form["description"]
        asked = [one["id"] for one in form["body"] if one["type"] != "markdown"]
        assert {"did", "expected"} <= set(asked)
        assert len(asked) == len(set(asked))
