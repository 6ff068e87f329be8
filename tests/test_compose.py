# SPDX-License-Identifier: Apache-2.0
"""The compose file and the image are valid, safe by default, and name only what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from stream.config.settings import Settings
from tests.conftest import unavailable
from tests.services.kafka import KafkaServer, stated_version

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
ONE_SHOT = {"topics", "sample"}
LONG_RUNNING = sorted(SERVICES.keys() - ONE_SHOT)
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def cli_calls() -> list[tuple[str, ...]]:
    """List the arguments of every call of our command, in commands and health checks."""
    calls = [SERVICES[name]["command"] for name in OURS]
    tests = [
        service["healthcheck"]["test"] for service in SERVICES.values() if "healthcheck" in service
    ]
    calls += [test[2:] for test in tests if test[1] == "shadowpoints"]
    return sorted({tuple(call) for call in calls})


def test_the_schema_of_compose_accepts_the_file() -> None:
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")

    done = run(*check, str(COMPOSE_FILE))

    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_compose_accepts_the_file() -> None:
    binary = shutil.which("docker-compose")
    if binary is None:
        unavailable("docker-compose is not installed")

    done = run(binary, "-f", str(COMPOSE_FILE), "config", "-q")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_the_broker_of_the_image_accepts_its_settings(
    kafka_server: KafkaServer, tmp_path: Path
) -> None:
    # The image turns KAFKA_A_B into the property a.b.
    environment = SERVICES["kafka"]["environment"]
    names = {name for name in environment if name.startswith("KAFKA_")} - {"KAFKA_HEAP_OPTS"}
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): environment[name] for name in names
    } | {"log.dirs": str(tmp_path / "data")}
    config = tmp_path / "server.properties"
    config.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), "utf-8")

    cluster = ("-t", environment["CLUSTER_ID"])
    done = kafka_server.java("kafka.tools.StorageTool", "format", *cluster, "-c", str(config))

    assert "Formatting" in done.stdout


@pytest.mark.parametrize("call", cli_calls(), ids=" ".join)
def test_every_command_and_option_exists(call: tuple[str, ...]) -> None:
    options = [word for word in call if word.startswith("--")]
    command = call[: call.index(options[0])] if options else call

    done = run(sys.executable, "-c", "from stream.cli import main; main()", *command, "--help")

    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


def test_every_variable_is_a_setting() -> None:
    variables = {name for service in OURS for name in SERVICES[service]["environment"]}
    ours = {name for name in variables if name.startswith("SHADOWPOINTS_")}
    fields = {f"SHADOWPOINTS_{field.upper()}" for field in Settings.model_fields}

    assert ours
    assert ours - fields == set()


def test_the_services_are_what_the_readme_says() -> None:
    workers = ["worker-1", "worker-2"]
    assert ["gateway", "privacy", "resolver", "sample", "topics", "webhooks", *workers] == OURS
    assert SERVICES["worker-1"] == SERVICES["worker-2"]
    assert SERVICES["privacy"] == SERVICES["worker-1"] | {"command": ["privacy"]}
    resolver = {"command": ["resolver"], "profiles": ["resolver"], "stop_grace_period": "15s"}
    assert SERVICES["resolver"] == SERVICES["worker-1"] | resolver
    gateway, own = SERVICES["gateway"], {"command", "environment", "ports"}
    assert {k: v for k, v in SERVICES["worker-1"].items() if k not in own} == {
        k: v for k, v in gateway.items() if k not in own
    }
    assert gateway["environment"].items() >= SERVICES["worker-1"]["environment"].items()
    receiver = {f"SHADOWPOINTS_WEBHOOK_{n}" for n in ("URL", "SECRET_FILE")}
    webhooks = SERVICES["webhooks"]["environment"]
    assert webhooks.keys() - SERVICES["worker-1"]["environment"].keys() == receiver
    hooked = resolver | {"command": ["webhooks"], "profiles": ["webhooks"]}
    assert SERVICES["webhooks"] == SERVICES["worker-1"] | hooked | {"environment": webhooks}
    assert SERVICES["sample"]["profiles"] == ["sample"]


def test_every_image_is_pinned() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert [image for image in images if not PINNED.fullmatch(image)] == []
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{stated_version()}"


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_long_running_services_are_probed_and_end_in_time(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_dependencies_are_waited_for(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        finished = other in ONE_SHOT
        expected = "service_completed_successfully" if finished else "service_healthy"
        assert wanted == {"condition": expected}, other


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_gateway_listens_where_its_port_is_published() -> None:
    gateway = SERVICES["gateway"]
    port = Settings.model_fields["gateway_port"].default

    assert gateway["environment"]["SHADOWPOINTS_GATEWAY_HOST"] == "0.0.0.0"
    assert gateway["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_redis_keeps_every_write() -> None:
    command = SERVICES["redis"]["command"]
    flags = dict(zip(command[1::2], command[2::2], strict=True))

    assert flags["--appendonly"] == "yes"
    assert flags["--appendfsync"] in {"always", "everysec"}
    assert flags["--maxmemory-policy"] == "noeviction"


def test_data_live_in_named_volumes() -> None:
    log_dirs = SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]

    assert SERVICES["kafka"]["volumes"] == [f"kafka-data:{log_dirs}"]
    assert SERVICES["redis"]["volumes"] == ["redis-data:/data"]
    assert COMPOSE["volumes"].keys() == {"kafka-data", "redis-data"}


def test_clients_find_the_broker_inside_and_outside() -> None:
    kafka = SERVICES["kafka"]
    advertised = dict(
        pair.split("://") for pair in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    worker = SERVICES["worker-1"]["environment"]

    assert worker["SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS"] == advertised["INTERNAL"]
    assert kafka["ports"] == ["127.0.0.1:29092:29092"]
    assert advertised["HOST"] == "localhost:29092"
    assert urlsplit(worker["SHADOWPOINTS_REDIS_URL"]).hostname in SERVICES
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_mounted_folders_exist_and_are_read_only() -> None:
    mounts = SERVICES["worker-1"]["volumes"]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert mode == "ro"
        assert (ROOT / source).is_dir()


def test_the_image_runs_our_command_as_an_unprivileged_user() -> None:
    final_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    users = re.findall(r"^USER (\S+)", final_stage, re.MULTILINE)

    assert [user for user in users if user not in {"root", "0"}] == users != []
    assert 'ENTRYPOINT ["shadowpoints"]' in final_stage
    assert "pip" not in final_stage


def test_the_image_installs_hashed_wheels() -> None:
    installs = re.findall(r"pip (?:wheel|install) (.+?)(?:\n|$)", DOCKERFILE)

    assert [line for line in installs if "requirements.lock" in line and "--require-hashes" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
