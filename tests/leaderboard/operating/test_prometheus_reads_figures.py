"""/metrics: figures from rows, for whoever has the token; alerts and dashboard name only these."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from leaderboard.models import Evaluation, Submission, Team, Worker
from leaderboard.services import health, workers
from tests.leaderboard.conftest import failure, finish

FOLDER = Path(__file__).parents[3] / "docs" / "metrics"
NAME = re.compile(r"\bfeatherweight_[a-z_]+")
SECRET = "a-long-random-word"

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(client: Client, settings: Any) -> Callable[[], dict[str, dict[tuple[str, ...], float]]]:
    settings.METRICS_TOKEN = SECRET

    def ask() -> dict[str, dict[tuple[str, ...], float]]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(answer.content.decode()):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
        return found

    return ask


def test_only_with_the_token(client: Client, settings: Any) -> None:
    given = {"Authorization": f"Bearer {SECRET}"}
    assert client.get("/metrics", headers=given).status_code == 404, "not configured"
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = SECRET
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": SECRET}):
        assert client.get("/metrics", headers=wrong).status_code == 404
    assert client.get("/metrics", headers=given).status_code == 200


def test_figures_are_those_of_the_rows(
    asked: Any,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    submit: Callable[..., Submission],
) -> None:
    profile = team.competition.profile
    before = asked()
    assert before["featherweight_queue_oldest_seconds"] == {("cpu",): 0}
    assert before["featherweight_check"]["queue",] == 0
    scored(team, seed=1)
    finish(submit(rivals, seed=2).latest_evaluation, failure())
    Evaluation.objects.filter(state="scored").update(
        claimed_at=timezone.now() - timedelta(seconds=40)
    )
    submit(team, seed=3)
    Evaluation.objects.filter(state="queued").update(
        queued_at=timezone.now() - timedelta(minutes=5)
    )
    now = timezone.now()
    for name, more in (("a", {}), ("b", {"drained_at": now}), ("c", {"state": "sidelined"})):
        worker = Worker.objects.create(
            name=name, profile=profile, started_at=now, seen_at=now, **more
        )
    workers.record(worker, time_ratio=1.01, half_width=0.001, foreign_load=None)
    found = asked()
    assert found["featherweight_queue_waiting"] == {("cpu",): 1}
    assert found["featherweight_queue_oldest_seconds"]["cpu",] == pytest.approx(300, abs=20)
    assert found["featherweight_ended_lately"] == {
        ("cpu", "scored"): 2,  # with the calibration
        ("cpu", "failed"): 1,
        ("cpu", "error"): 0,
    }
    assert found["featherweight_measuring_seconds_lately"]["cpu",] == pytest.approx(80, abs=20)
    assert found["featherweight_workers"] == {
        ("cpu", "ready"): 2,
        ("cpu", "drained"): 1,
        ("cpu", "sidelined"): 0,
    }
    assert found["featherweight_canary_off_band"]["cpu",] == pytest.approx(0.5)
    assert found["featherweight_uploads_lately"] == {(): 3}
    assert found["featherweight_disk_free_bytes"]["TMPDIR",] > 0
    assert found["featherweight_database_bytes"][()] > 0
    assert {name for (name,) in found["featherweight_check"]} == set(health.WATCHED)


def test_no_label_names_people_teams_or_workers_and_queries_do_not_grow(
    asked: Any, team: Team, scored: Callable[..., Submission]
) -> None:
    asked()
    with CaptureQueriesContext(
        connection,
    ) as few:
        asked()
    for seed in range(3):
        scored(team, seed=seed)
    with CaptureQueriesContext(connection) as more:
        found = asked()
    assert len(more) == len(few)
    labels = {label for values in found.values() for key in values for label in key}
    assert not labels & {team.name, "owner", team.competition.slug}


def test_alerts_and_dashboard_name_only_figures_that_exist(asked: Any, client: Client) -> None:
    asked()
    text = client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).content.decode()
    exist = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    board = json.loads((FOLDER / "dashboard.json").read_text())
    queries = [query["expr"] for panel in board["panels"] for query in panel["targets"]]
    assert len(rules) >= 8
    for text in [rule["expr"] for rule in rules] + queries:
        assert set(NAME.findall(text)) <= exist, text
    shown = {name for text in queries for name in NAME.findall(text)}
    assert exist - shown == {"featherweight_info"}
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    raised = {
        case["alertname"] for one in tests for case in one["alert_rule_test"] if case["exp_alerts"]
    }
    assert raised == {rule["alert"] for rule in rules}, "promtool tests each of them"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["description"] for panel in board["panels"])


PROMTOOL = shutil.which("promtool") or os.environ.get("PROMTOOL")


@pytest.mark.skipif(not PROMTOOL, reason="no promtool, so ALERTS WERE NOT TESTED")
def test_prometheus_itself_accepts_rules_and_figures(asked: Any, client: Client) -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        subprocess.run([PROMTOOL, *command], cwd=FOLDER, check=True)
    text = client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).content
    subprocess.run([PROMTOOL, "check", "metrics"], input=text, check=True)


def test_the_compose_file_starts_them_confined_and_without_defaults_for_secrets() -> None:
    compose = yaml.safe_load((FOLDER / "compose.yml").read_text())
    root = FOLDER.parent.parent
    for name in ("prometheus", "grafana"):
        service = compose["services"][name]
        assert service["user"].partition(":")[0] not in ("", "0", "root")
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
        assert service["mem_limit"]
        assert service["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        used = {one["source"] for one in service["configs"]}
        assert used <= set(compose["configs"])
    assert all((root / one["file"]).is_file() for one in compose["configs"].values())
    scrape = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
    host = scrape["static_configs"][0]["targets"][0].partition(":")[0]
    assert compose["services"]["web"]["environment"]["INSIDE_HOSTS"] == host
    secret = scrape["authorization"]["credentials_file"]
    assert compose["services"]["web"]["environment"]["METRICS_TOKEN_FILE"] == secret
    assert ":?" in compose["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
