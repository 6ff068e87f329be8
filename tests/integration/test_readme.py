# SPDX-License-Identifier: Apache-2.0
"""The README is true: its commands are run here, in the order in which a reader runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import yaml

from stream.rules.loader import parse_rules
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer
from tests.support.commands import output_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL: list[str] = [text for language, text in BLOCKS if language == "sh"]
(PYTHON,) = [text for language, text in BLOCKS if language == "python"]
(RULE,) = [text for language, text in BLOCKS if language == "yaml"]


def block(word: str) -> str:
    """The shell block which has the word."""
    (found,) = [text for text in SHELL if word in text]
    return found


def run(command: list[str], cluster: Cluster, text: str) -> str:
    """Run a block as it stands, but for the addresses."""
    text = text.replace("localhost:29092", cluster.bootstrap)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**cluster.environment, "PATH": path}
    return output_of([*command, text], environment, 60, ROOT)


@pytest.mark.integration
@pytest.mark.timeout(360)
async def test_the_first_event_and_the_first_offer(
    new_kafka: Callable[[], KafkaServer], new_redis: Callable[..., RedisServer], tmp_path: Path
) -> None:
    """On a broker of its own: the README's topics have no prefix."""
    kafka, redis = new_kafka(), new_redis("everysec")
    with Cluster(kafka.bootstrap, redis.url, "shadowpoints", tmp_path, prefix="") as cluster:
        cluster.start_worker()
        run(["bash", "-euc"], cluster, block("session.logged_in.v1"))
        await cluster.settled()
        run([sys.executable, "-c"], cluster, PYTHON)
        await cluster.settled()
        lines = run(["bash", "-euc"], cluster, block("shadow.offers"))
        (offer,) = map(orjson.loads, lines.splitlines())
        promised = re.search(r"offer of ([\d,]+)\s+points", README)
        assert promised
        assert offer["points"] == int(promised[1].replace(",", ""))
        cluster.stop_workers()


def test_the_rule_is_a_rule() -> None:
    default = yaml.safe_load((ROOT / "stream/rules/default.yaml").read_text("utf-8"))
    default["versions"][-1]["earn"] = yaml.safe_load(RULE)
    default["versions"][-1]["campaigns"] = []
    book = parse_rules(yaml.safe_dump(default, allow_unicode=True), "README.md")
    assert set(book.versions[-1].rules) == {"class_check_in"}


def test_the_rule_check_is_a_command() -> None:
    command = block("rules check").split()
    assert command[:3] == ["shadowpoints", "rules", "check"]
    arguments = [sys.executable, "-m", "stream.cli", *command[1:]]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_files_and_make_targets_exist() -> None:
    for path in re.findall(r"\]\(([\w./-]+)\)|`((?:tests|stream|schemas|docs)/[\w./-]+)`", README):
        assert (ROOT / (path[0] or path[1])).exists(), path
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+) ", README)) - {"and"} <= targets
    gate = (ROOT / ".ci/run").read_text("utf-8")
    assert "make test" in gate
    assert "make demo" in gate
