# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import os
import re
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.replay.exported import wrap
from tests.worker.events import shopper

pytestmark = pytest.mark.slow

NOW_MS = 1_784_000_000_000


def run(*args: str | Path, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["replay", *map(str, args)], env=env)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Events of three people, and a line which is none."""
    path = tmp_path / "events.jsonl"
    lines = [value for person in range(3) for _, value in shopper(person, NOW_MS)]
    path.write_bytes(b"\n".join([*lines, b'{"id": "oSecret"']))
    return path


def test_a_replay_says_what_would_be_and_ends_well(events: Path, tmp_path: Path) -> None:
    balances = tmp_path / "balances.jsonl"

    result = run(events, "--balances", balances, "--processes", "2")

    assert result.exit_code == 0, result.stderr
    assert "1 dead" in result.stdout
    assert f"{events}:" in result.stdout
    assert "malformed_json: The value is not JSON" in result.stdout
    assert "oSecret" not in result.output
    people = [orjson.loads(line) for line in balances.read_bytes().splitlines()]
    assert len([p for p in people if p["consumer_id"].startswith("union.") and p["offer"]]) == 3


def test_another_rule_file_and_another_date(events: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    shipped = files("stream.rules").joinpath("default.yaml").read_text("utf-8")
    higher = shipped.replace("threshold_points: 1200", "threshold_points: 999999")
    rules.write_text(higher, "utf-8")
    packed = tmp_path / "events.gz"
    packed.write_bytes(gzip.compress(events.read_bytes()))
    before = "2026-01-01T00:00:00+08:00"

    def summary(*more: str | Path) -> dict[str, dict[str, int]]:
        result = run(packed, "--json", "--processes", "1", *more)
        assert result.exit_code == 0, result.stderr
        found: dict[str, dict[str, int]] = orjson.loads(result.stdout)
        return found

    as_shipped, changed, early = summary(), summary("--rules", rules), summary("--as-of", before)

    assert as_shipped["points"] == changed["points"]
    assert as_shipped["offers"]["live"] > changed["offers"]["live"] == 0
    assert early["events"]["left_out"] == early["events"]["read"] - 1
    assert early["points"]["balance"] == 0


def test_a_version_that_judges_no_event_is_named(events: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    shipped = files("stream.rules").joinpath("default.yaml").read_text("utf-8")
    second = shipped[shipped.index("  - version: 2") :]
    third = second.replace("version: 2", "version: 3").replace("2026-07-01", "2027-01-01")
    rules.write_text(shipped + third, "utf-8")

    result = run(events, "--rules", rules, "--processes", "1")

    assert "version 3 judged no event: it is in force from 2027-01-01" in result.stderr
    assert "version 2 judged" not in result.stderr
    assert "judged" not in run(events, "--processes", "1").stderr


def test_what_cannot_be_done_is_reported_in_sentences(events: Path, tmp_path: Path) -> None:
    broken = tmp_path / "rules.yaml"
    broken.write_text("versions: []\n", "utf-8")
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(events.read_bytes())[:-4])
    nowhere = tmp_path / "no" / "balances"

    missing = run(tmp_path / "none.jsonl")
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr
    for result, words in (
        (run(events, "--rules", broken), str(broken)),
        (run(torn, "--processes", "1"), "ended before"),
        (run(events, "--processes", "1", "--balances", nowhere), str(nowhere)),
        (run(events, RULES=str(broken)), str(broken)),
    ):
        assert result.exit_code == 1
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_nothing_read_is_an_error_and_says_why(tmp_path: Path) -> None:
    empty, others = tmp_path / "empty.jsonl", tmp_path / "others.jsonl"
    empty.write_bytes(b"")
    others.write_bytes(wrap("abc.wechat.pay", "{}", 1) + b"\n" + wrap("shadow.ledger", "{}", 1))

    nothing, foreign = (run(path, "--processes", "1") for path in (empty, others))

    assert nothing.stdout.startswith("0 events: none\n")
    assert (nothing.exit_code, foreign.exit_code) == (1, 1)
    for result in (nothing, foreign):
        assert "no event was read" in result.stderr
    for topic in ("abc.wechat.pay", "shadow.ledger"):
        assert f"1 lines are of the topic {topic}, on which no events come" in foreign.stderr
    assert "abc.wechat.pay" not in run(others, "--processes", "1", TOPIC_PREFIX="abc.").stderr


def test_old_and_new_rules_side_by_side(tmp_path: Path) -> None:
    events, old, new = tmp_path / "events.jsonl", tmp_path / "old.yaml", tmp_path / "new.yaml"
    people = (value for person in range(30) for _, value in shopper(person, NOW_MS))
    events.write_bytes(b"\n".join(people))
    shipped = files("stream.rules").joinpath("default.yaml").read_text("utf-8")
    old.write_text(shipped, "utf-8")
    higher = re.sub(r"threshold_points: \d+", "threshold_points: 999999", shipped)
    new.write_text(higher, "utf-8")
    page = tmp_path / "page"

    result = run(
        events, "--rules", new, "--against", old, "--write", page, "--by", "week",
        "--point-worth", "0.01", "--lang", "zh", "--processes", "2", "--json",
    )  # fmt: skip

    assert result.exit_code == 0, result.stderr
    found = orjson.loads(result.stdout)
    assert found["offers"]["live"] == 0
    assert found["against"]["offers"]["live"] == 30
    assert found["points"] == found["against"]["points"]
    tables = orjson.loads((page / "report.json").read_bytes())["tables"]
    overview = {row["measure"]: (row["old"], row["new"]) for row in tables["effect_overview"]}
    assert overview["live"] == (30, 0)
    assert overview["offers_made"] == (30, 0)
    points, _ = overview["points"]
    assert overview["cost_yuan"] == (points / 100, points / 100)
    assert "新旧规则对比" in (page / "report.html").read_text("utf-8")
    assert (page / "effect_rules.csv").read_text("utf-8").startswith("rule,old_points,new_points,")


def test_a_draft_judges_the_past_as_if(events: Path) -> None:
    old = files("stream.rules").joinpath("default.yaml")
    since = ("--apply-version", "1", "--from", "2020-01-01T00:00:00+08:00")
    result = run(events, "--rules", str(old), *since, "--processes", "1", "--json")
    assert result.exit_code == 0, result.stderr
    names = orjson.loads(result.stdout)["points"]["by_rule"]
    assert names
    assert {name.rpartition("@")[2] for name in names} == {"1"}

    unknown = run(events, "--apply-version", "9", *since[2:], "--processes", "1")
    assert (unknown.exit_code, "There is no version 9" in unknown.stderr) == (1, True)
    for neither in (run(), run(events, "--from-kafka")):
        assert (neither.exit_code, "one of the two" in neither.stderr) == (2, True)
    for alone in (("--apply-version", "1"), ("--point-worth", "0.01"), ("--write", "x")):
        assert run(events, *alone).exit_code == 2
    assert run(events, "--against", str(old), "--point-worth", "0").exit_code == 2
