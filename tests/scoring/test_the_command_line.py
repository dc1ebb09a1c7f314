import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.__main__ import main

Models = Callable[..., Path]


def test_the_contest_example_scores_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    figures = "--f1 0.7478 --seconds 61.2576 --reference-seconds 43.165 --f1-ref 0.7"
    assert main(["score", *figures.split()]) == 0
    assert capsys.readouterr().out == "0.9873\n"


def test_check_prints_the_static_report(models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(models()), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 7690
    assert main(["check", str(models())]) == 0
    assert "parameters  7,690" in capsys.readouterr().out


def test_check_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04}.")
    assert main(["check", str(tmp_path / "model.pt"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failure"]["code"] == "python_pickle"


def test_wrong_usage_is_two(tmp_path: Path) -> None:
    for arguments in (["evaluate"], ["check", str(tmp_path / "nothing.pt")], ["dance"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


def test_evaluate_prints_a_report_and_a_table(
    models: Models, splits: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(models()), "--reference", str(models())]
    arguments += ["--data", str(splits["sample"]), "--input-size", "16", "--max-seconds", "0.3"]
    assert main([*arguments, "--json", "--public-share", "0.25", "--f1-ref", "0.1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "scored"
    assert report["splits"]["public"]["images"] < report["splits"]["private"]["images"]
    assert main([*arguments, "--public-share", "1", "--min-f1", "0.99"]) == 0
    shown = capsys.readouterr()
    assert "below the gate" in shown.out
    assert "measure" in shown.err


def test_bad_images_stop_it_with_a_code(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no image")
    arguments = ["evaluate", str(models()), "--reference", str(models()), "--data", str(tmp_path)]
    assert main(arguments) == 1
    assert "no_images" in capsys.readouterr().err
