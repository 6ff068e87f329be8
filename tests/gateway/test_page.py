"""docs/gateway.md says what the gateway does."""

from __future__ import annotations

import re
from pathlib import Path

from stream.gateway.entrance import STATUS
from stream.gateway.metrics import GatewayMetrics
from stream.gateway.protocol import HEAD_BYTES_MAX, HEAD_WITHIN_S
from stream.gateway.server import KEEP_ALIVE_S
from stream.settings import PREFIX, Settings
from stream.wechat.push.delivery import BODY_BYTES_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")


def test_every_reason_stands_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    told = {
        (int(status), reason) for status, cell in rows for reason in re.findall("`(.+?)`", cell)
    }

    assert told == {(status, reason.value) for reason, status in STATUS.items()}


def test_every_limit_stands_with_its_default() -> None:
    told = dict(re.findall(rf"^\| `{PREFIX}(GATEWAY_\w+)` \| ([\d.,]+) \|", PAGE, re.MULTILINE))
    fields = Settings.model_fields
    limits = {name for name in fields if re.fullmatch(r"gateway_.*(_s|_max)", name)}

    assert {name.lower() for name in told} == limits
    for name, default in told.items():
        assert float(default.replace(",", "")) == fields[name.lower()].default


def test_the_other_limits_are_as_told() -> None:
    assert f"of a push {BODY_BYTES_MAX:,} are read" in PAGE
    assert (
        f"may have {HEAD_BYTES_MAX // 1024} KiB and must be there in {HEAD_WITHIN_S:.0f} s" in PAGE
    )
    assert f"kept for {KEEP_ALIVE_S} s" in " ".join(PAGE.split())


def test_every_metric_is_told() -> None:
    names = {family.name for family in GatewayMetrics().registry.collect()}
    told = PAGE.replace("`…_", "`shadowpoints_gateway_")

    assert [name for name in sorted(names) if name not in told] == []
