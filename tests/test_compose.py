"""docker-compose.yml, read as far as that goes without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.base import CLIContext
from celery.bin.worker import worker as celery_worker
from django.core.management import get_commands
from gunicorn.app.wsgiapp import WSGIApplication

from leaderboard.celery import app

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["web", "migrate", "worker", "worker-gpu", "beat"]
# Told to the services of the compose file, but read by Python itself and by the engine.
READ_ELSEWHERE = {"TMPDIR", "FEATHERWEIGHT_IMAGE"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@each_service
def test_nobody_is_root_or_can_become_it(service):
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service
    assert "cap_add" not in service


@each_service
def test_everybody_has_limits_and_no_way_to_the_engine(service):
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "docker.sock" not in str(service)
    mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
    assert mounted <= set(COMPOSE["volumes"])  # nothing of the host


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_whoever_stays_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"]


def test_only_the_web_is_reachable_and_only_from_this_machine():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


@pytest.mark.parametrize("name", ["worker", "worker-gpu", "beat", "postgres", "valkey"])
def test_what_runs_models_or_holds_data_cannot_reach_the_world(name):
    assert SERVICES[name]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_what_runs_models_is_shut_in_itself(name):
    worker = SERVICES[name]
    assert "ALLOW_WEAK_SANDBOX" not in str(COMPOSE)
    assert worker["tmpfs"] == ["/tmp"]  # noqa: S108
    assert not {"pid", "ipc", "userns_mode", "network_mode", "devices"} & set(worker)
    assert not [one for one in worker["security_opt"] if "unconfined" in one]


def test_secrets_have_no_defaults():
    secrets = re.findall(r"\$\{(\w*(?:SECRET|PASSWORD)\w*)([^}]*)\}", str(COMPOSE))
    assert {name for name, _ in secrets} == {"SECRET_KEY", "POSTGRES_PASSWORD"}
    assert all(rest.startswith(":?") for _, rest in secrets)


def test_the_settings_read_every_name_that_is_set():
    settings = (ROOT / "leaderboard" / "settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"(\w+)\"", settings))
    told = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert told - READ_ELSEWHERE <= read


def test_the_example_has_every_variable_and_no_other():
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_web_command_parses(monkeypatch):
    program, *arguments = words(SERVICES["web"]["command"])
    assert program == "gunicorn"
    monkeypatch.setattr("sys.argv", [program, *arguments])
    application = WSGIApplication()
    assert application.app_uri == "leaderboard.wsgi"
    assert application.cfg.threads == 8


@pytest.mark.parametrize(
    ("name", "queue"), [("worker", "cpu"), ("worker-gpu", "gpu"), ("beat", "site")]
)
def test_the_worker_commands_parse(name, queue):
    assert words(SERVICES[name]["command"])[:4] == ["celery", "-A", "leaderboard", "worker"]
    arguments = words(SERVICES[name]["command"])[4:]
    command_line = CLIContext(app=app, no_color=True, workdir=None)
    options = celery_worker.make_context("worker", arguments, obj=command_line).params
    assert options["queues"] == [queue]
    assert options["concurrency"] == 1
    assert bool(options["beat"]) == (name == "beat")


def test_the_migration_is_a_command_of_the_site():
    assert words(SERVICES["migrate"]["command"])[:2] == ["python", "manage.py"]
    assert SERVICES["migrate"]["command"][2] in get_commands()


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client")
def test_the_client_accepts_it(tmp_path):
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("the docker client has no compose")
    example = (ROOT / ".env.example").read_text()
    (tmp_path / "env").write_text(re.sub(r"=$", "=x", example, flags=re.MULTILINE))
    command = ["docker", "compose", "--env-file", str(tmp_path / "env"), "--profile", "gpu"]
    subprocess.run([*command, "config", "--quiet"], cwd=ROOT, check=True)


def words(command: list[str]) -> list[str]:
    """A command with the defaults of its variables in place, as the container would get it."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in command]
