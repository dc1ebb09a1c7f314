import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from scoring.__main__ import main

Models = Callable[..., Path]


def test_the_contest_example_scores_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    figures = "--quality 0.7478 --seconds 61.2576 --reference-seconds 43.165 --quality-ref 0.7"
    assert main(["score", *figures.split()]) == 0
    assert capsys.readouterr().out == "0.9873\n"


def test_check_prints_the_static_report(models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(models()), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 7690
    assert main(["check", str(models())]) == 0
    assert re.search(r"parameters +7,690", capsys.readouterr().out)


def test_check_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04}.")
    assert main(["check", str(tmp_path / "model.pt"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failure"]["code"] == "python_pickle"


def test_wrong_usage_is_two(tmp_path: Path) -> None:
    for arguments in (["evaluate"], ["check", str(tmp_path / "nothing.pt")], ["dance"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


SCORE = "score --quality 0.7 --seconds 1 --reference-seconds 1 --quality-ref 0.7"


@pytest.mark.parametrize(
    "wrong",
    [
        "evaluate MODEL --reference MODEL --data DATA --seed -1",
        "evaluate MODEL --reference MODEL --data DATA --seed 99999999999999999999",
        "evaluate MODEL --reference MODEL --data DATA --public-share 0",
        "evaluate MODEL --reference MODEL --data DATA --public-share nan",
        "evaluate MODEL --reference MODEL --data DATA --cache MODEL",
        "evaluate MODEL --reference MODEL --data DATA --cache MODEL/below",
        "evaluate MODEL --reference MODEL --data DATA --input-size 96 64 32",
        "evaluate MODEL --reference MODEL --data DATA --quality-ref nan",
        "evaluate MODEL --reference MODEL --data DATA --min-quality 2",
        "evaluate MODEL --reference MODEL --data DATA --max-seconds inf",
        "train-reference --data DATA --output /nonexistent/x.pt",
        "train-reference --data DATA --output DATA/x.pt",
        "train-reference --data DATA --seed -1",
        f"{SCORE} --k nan",
        f"{SCORE} --k 1e400",
        f"{SCORE} --k -1",
        f"{SCORE} --time-weight inf",
        f"{SCORE} --quality-ref nan",
        f"{SCORE} --quality 1.5",
        f"{SCORE} --seconds 0",
    ],
)
def test_a_wrong_figure_or_place_is_two(
    wrong: str, models: Models, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = wrong.replace("MODEL", str(models())).replace("DATA", str(digits)).split()
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert (
        f"argument {words[-2] if words[-2].startswith('--') else '--'}" in capsys.readouterr().err
    )


def test_evaluate_prints_a_report_and_a_table(
    models: Models, splits: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(models()), "--reference", str(models())]
    arguments += ["--data", str(splits["sample"]), "--input-size", "16", "--max-seconds", "0.3"]
    assert main([*arguments, "--json", "--public-share", "0.25", "--quality-ref", "0.1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "scored"
    assert report["splits"]["public"]["images"] < report["splits"]["private"]["images"]
    assert main([*arguments, "--public-share", "1", "--min-quality", "0.99"]) == 0
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


def test_evaluate_reads_what_an_import_reads_and_escapes_names(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shade, name in enumerate(("1.png", "2.png")):
        Image.new("L", (8, 8), shade).save(tmp_path / name)
    (tmp_path / "3\x1b[2J.png").write_bytes(b"no image")
    for table in ("one.csv", "other.csv"):
        rows = "file,label\n1.png,cat\n2.png,dog\n3\x1b[2J.png,dog\n"
        (tmp_path / table).write_text(rows)
    arguments = ["evaluate", str(models()), "--reference", str(models()), "--data", str(tmp_path)]
    assert main(arguments) == 1
    assert "several_tables" in capsys.readouterr().err
    assert main([*arguments, "--labels", "one.csv"]) == 1
    said = capsys.readouterr().err
    assert "broken_images" in said
    assert "3\\x1b[2J.png: This image" in said
    assert "\x1b" not in said
