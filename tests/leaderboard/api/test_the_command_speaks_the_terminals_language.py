"""The command's words, and the server's refusals to it, follow LC_ALL; codes and JSON do not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from leaderboard.cli import languages
from leaderboard.models import Competition

KOREAN, GERMAN, NONE = "ko_KR.UTF-8", "de_DE.UTF-8", "C.UTF-8"


def run(*words: str, language: str, home: Path, url: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leaderboard.cli", *words],
        env={
            "HOME": str(home),
            "COLUMNS": "200",
            "LC_ALL": language,
            "PYTHONUTF8": "1",
            "FEATHERWEIGHT_URL": url,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (KOREAN, "Featherweight 대회에 모델을 제출합니다."),
        (GERMAN, "Submit models to a Featherweight competition."),
        (NONE, "Submit models to a Featherweight competition."),
    ],
)
def test_the_help_is_in_the_language_or_in_english(
    language: str, words: str, tmp_path: Path
) -> None:
    assert words in run("--help", language=language, home=tmp_path).stdout


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"LANGUAGE": "en_US:en:ko"}, []),
        ({"LANGUAGE": "ko:en"}, ["ko"]),
        ({"LANGUAGE": "de:ko_KR.UTF-8:C"}, ["de", "ko_KR.UTF-8"]),
        ({"LANGUAGE": "", "LC_ALL": "ko_KR.UTF-8"}, ["ko_KR.UTF-8"]),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, []),
        ({"LANG": "POSIX"}, []),
    ],
)
def test_a_language_after_english_is_not_taken(asked: dict[str, str], wanted: list[str]) -> None:
    assert languages.wanted(asked) == wanted


def test_the_command_and_its_header_are_english_if_english_stands_first() -> None:
    asked = {"LANGUAGE": "en_US:en:ko", "LC_ALL": KOREAN}
    show = "from leaderboard.cli import languages; print(languages.code, languages.translation)"
    done = subprocess.run(
        [sys.executable, "-c", show], env=asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("en <gettext.NullTranslations")


def test_a_refused_file_is_said_in_the_language(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(b"")
    done = run("check", str(file), language=KOREAN, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("오류: ")
    assert "[empty_file]" in done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_server_refuses_in_the_language_of_the_command(
    live_server: LiveServer, competition: Competition, tmp_path: Path
) -> None:
    words = ("board", "wsate")
    korean = run(*words, language=KOREAN, home=tmp_path, url=live_server.url)
    english = run(*words, language=NONE, home=tmp_path, url=live_server.url)
    assert (
        "wsate 대회가 없습니다. waste 대회를 찾으셨습니까? [unknown_competition]" in korean.stderr
    )
    assert "There is no competition called wsate." in english.stderr
    told = run(*words, "--json", language=KOREAN, home=tmp_path, url=live_server.url)
    assert json.loads(told.stdout)["code"] == "unknown_competition"
