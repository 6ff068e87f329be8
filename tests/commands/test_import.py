# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.commands.import_ import _record
from stream.wechat.bill.bill_reader import BillReader
from tests.services.process import free_ports
from tests.wechat.bill.bills import OPENID, PAYMENT, REFUND, bill


def run(*args: str | Path, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["import", "tradebill", *map(str, args)], env=env)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "2026-03-01.csv.gz"
    path.write_bytes(gzip.compress(bill(PAYMENT, REFUND)))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "2026-03-02.csv"
    path.write_bytes(bill(PAYMENT | {"交易状态": "BARTER"}, REFUND | {"退款状态": "PROCESSING"}))
    return path


def test_a_check_publishes_nothing_and_needs_no_kafka(good: Path) -> None:
    result = run(good, "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout == "1 payment, 1 refund, 0 unsettled, 0 refused, 0 unbalanced\n"
    assert "published" not in result.output


def test_rows_that_are_rejected_are_reported_by_line(good: Path, bad: Path, tmp_path: Path) -> None:
    report = tmp_path / "refused.txt"
    result = run(good, bad, "--dry-run", "--report", report)
    assert result.exit_code == 1
    reported = report.read_text("utf-8").splitlines()
    assert len(reported) == 2
    assert reported[0].startswith(f"{bad}:2: refused: 交易状态 must be ")
    assert reported[1].startswith(f"{bad}:3: unsettled: The refund was not complete")
    assert all(line in result.stderr for line in reported)
    assert OPENID not in result.output + report.read_text("utf-8")


def test_a_bill_which_waits_for_a_refund_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_bytes(bill(REFUND | {"退款状态": "PROCESSING"}))
    assert run(path).exit_code == 0


def test_the_terminal_does_not_drown(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_bytes(b"x\n" * 500)
    result = run(path, "--dry-run")
    assert len([line for line in result.stderr.splitlines() if "refused" in line]) == 20
    assert "... and 481 more lines" in result.stderr


def test_what_is_too_old_is_reported_first(good: Path) -> None:
    result = run(good, "--dry-run", PAYMENT_HORIZON_DAYS="35")
    assert "2 events are older than 35 days" in result.stderr
    assert "too_late" in result.stderr


def test_what_cannot_be_done_is_reported_in_sentences(good: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(good.read_bytes()[:-6])
    for result, words in (
        (run(torn), "ended before"),
        (run(good, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}"), "cannot be asked"),
    ):
        assert result.exit_code == 1
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_payment_of_a_bill_has_the_key_which_the_gateway_gives_it() -> None:
    events = [line.event for line in BillReader().read(bill(PAYMENT, REFUND).split(b"\n"))]
    payment, refund = (event for event in events if event is not None)
    keys = [_record("wechat.pay", "urn:test", event).key for event in (payment, refund)]
    assert keys == [
        f"origin.{PAYMENT['公众账号ID']}.{OPENID}".encode(),
        f"tx.{REFUND['微信订单号']}".encode(),
    ]
