# SPDX-License-Identifier: Apache-2.0
"""docs/gateway.md agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

from stream.brand.apps_schema import judge_apps
from stream.config.settings import PREFIX, Settings
from stream.gateway.endpoint_app import STATUS
from stream.gateway.forwarder import ANSWER_BYTES_MAX, TRIES, Outcome
from stream.gateway.http_protocol import HEAD_BYTES_MAX, HEAD_WITHIN_S
from stream.gateway.metrics import GatewayMetrics
from stream.gateway.server import KEEP_ALIVE_S
from stream.wechat.push.delivery import BODY_BYTES_MAX
from stream.wechat.push.wanted import DECISIONS

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")


def test_the_example_of_a_forward_is_valid() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    _, model = judge_apps(example, "docs")
    assert model.apps[0].push is not None
    assert model.apps[0].push.forward_to


def test_the_limits_of_a_forward_are_as_documented() -> None:
    text = " ".join(PAGE.split())
    assert f"an answer has at most {ANSWER_BYTES_MAX // 1024} KiB" in text
    assert set(re.findall(r"`(\w+)`", PAGE.partition("deliveries handed on: ")[2][:250])) >= set(
        Outcome
    )
    assert [name for name in DECISIONS if name not in PAGE] == []
    assert f"up to {['one', 'two', 'three'][TRIES - 1]} tries" in text


def test_every_reason_stands_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    result = {
        (int(status), reason) for status, cell in rows for reason in re.findall("`(.+?)`", cell)
    }

    assert result == {(status, reason.value) for reason, status in STATUS.items()}


def test_every_limit_stands_with_its_default() -> None:
    result = dict(re.findall(rf"^\| `{PREFIX}(GATEWAY_\w+)` \| ([\d.,]+) \|", PAGE, re.MULTILINE))
    fields = Settings.model_fields
    limits = {name for name in fields if re.fullmatch(r"gateway_.*(_s|_max)", name)}

    assert {name.lower() for name in result} == limits
    for name, default in result.items():
        assert float(default.replace(",", "")) == fields[name.lower()].default


def test_the_other_limits_are_as_documented() -> None:
    assert f"of a push {BODY_BYTES_MAX:,} are read" in PAGE
    text = " ".join(PAGE.split())
    head = f"may have {HEAD_BYTES_MAX // 1024} KiB and must arrive in {HEAD_WITHIN_S:.0f} s"
    assert head in text
    assert f"kept for {KEEP_ALIVE_S} s" in text


def test_every_metric_is_documented() -> None:
    names = {family.name for family in GatewayMetrics().registry.collect()}
    result = PAGE.replace("`…_", "`shadowpoints_gateway_")

    assert [name for name in sorted(names) if name not in result] == []
