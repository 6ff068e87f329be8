# SPDX-License-Identifier: Apache-2.0
"""Members of years ago are loaded before the first payment, and nobody asks them to sign up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from schemas import binary_headers, encode_data, format_time
from stream.brand.directory import load_apps
from stream.cli import main
from stream.commands.members_csv import MemberLine, read_members
from stream.gateway.event_publisher import key_of
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.services.process import free_ports
from tests.worker.events import MINI_PROGRAM, openid, shopper, unionid

APPS, NOW_MS = load_apps(None), 1_784_000_000_000  # 2026-07-14
HEAD = "member_id,enrolled_at,unionid,open_account,appid,openid"
MEI = f"M-1,2024-05-20,{unionid(7)},abc-brand,,"


def read(*lines: str) -> list[MemberLine]:
    return list(read_members([line + "\n" for line in lines], APPS, NOW_MS))


def test_a_line_is_an_enrolment_of_its_true_date() -> None:
    (line,) = read(HEAD, MEI)
    assert line.event is not None
    assert (line.event.topic, line.event.type) == ("crm.enrolments", "member.enrolled.v1")
    assert format_time(line.event.time) == "2024-05-19T16:00:00.000Z"
    assert key_of(line.event) == f"union.abc-brand.{unionid(7)}"


def test_columns_stand_in_any_order_and_a_spreadsheet_may_have_written_them() -> None:
    (line,) = read(
        '\ufeffopenid, appid ,enrolled_at,"member_id"',
        "",
        f' {openid(7)},{MINI_PROGRAM},2019-11-03T18:22:05+08:00,"M-2"',
    )
    assert line.event is not None
    assert (line.number, key_of(line.event)) == (3, f"origin.{MINI_PROGRAM}.{openid(7)}")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("M-1,,u1,abc-brand,,", "enrolled_at must be an RFC 3339 time"),
        ("M-1,20.05.2024,u1,abc-brand,,", "enrolled_at must be an RFC 3339 time"),
        ("M-1,2024-05-20T08:00:00,u1,abc-brand,,", "enrolled_at must be an RFC 3339 time"),
        ("M-1,2009-05-20,u1,abc-brand,,", "enrolled_at must be an RFC 3339 time"),
        ("M-1,2026-07-16,u1,abc-brand,,", "in_future: "),
        ("M-1,2024-05-20,u1,abd-brand,,", "unknown_app: The open_account is not in the apps file"),
        ("M-1,2024-05-20,,,wx0,o1", "unknown_app: The appid is not in the apps file"),
        ("M-1,2024-05-20,u1,,,", "$.data: unionid and open_account must come together"),
        ("M-1,2024-05-20,,,,", "needs at least one of"),
        (",2024-05-20,u1,abc-brand,,", "$.data.member_id"),
        ("M-1,2024-05-20,u1", "It has 3 cells, the first line 6."),
    ],
)
def test_what_the_engine_would_refuse_is_reported_first(line: str, problem: str) -> None:
    bad, good = read(HEAD, line, MEI)
    assert bad.event is None
    assert problem in bad.problem
    assert (bad.number, good.number) == (2, 3)
    assert good.event is not None


@pytest.mark.parametrize(
    "head", ["", "member_id", "member_id,enrolled_at,phone", "member_id,member_id,enrolled_at"]
)
def test_the_first_line_names_the_columns(head: str) -> None:
    (line,) = read(head, MEI)
    assert line.event is None
    assert "columns" in line.problem


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    assert all(line.event is not None or line.problem for line in read(HEAD, *lines))


def test_a_member_of_years_ago_gets_no_offer_and_whoever_is_none_does() -> None:
    engine = LocalEngine(load_rules(None), APPS, partitions=2)
    (line,) = read(HEAD, MEI)
    assert line.event is not None
    headers = binary_headers(line.event.type, line.event.id, "urn:test", line.event.time)
    key, value = key_of(line.event).encode(), encode_data(line.event.data)
    engine.publish(line.event.topic, key, value, headers, NOW_MS)
    for who in (7, 8):
        for topic, event in shopper(who, NOW_MS):
            engine.publish(topic, None, event, (), NOW_MS)
    engine.settle()

    assert not engine.dead_letters
    offers = [dict(record.headers) for record in engine.outputs["shadow.offers"]]
    subjects = {h["ce_subject"].decode() for h in offers if h["ce_type"] != b"payout.issued.v1"}
    assert f"union.abc-brand.{unionid(8)}" in subjects
    assert not any(unionid(7) in subject or openid(7) in subject for subject in subjects)


def run(*args: str | Path, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["import", "members", *map(str, args)], env=env)


def test_a_check_publishes_nothing_and_reports_each_line(tmp_path: Path) -> None:
    path, report = tmp_path / "members.csv", tmp_path / "refused.txt"
    path.write_text(f"{HEAD}\n{MEI}\n" + f"M-2,soon,{unionid(8)},abc-brand,,\n" * 25, "utf-8")
    result = run(path, "--dry-run", "--report", report)
    assert result.exit_code == 1
    assert result.stdout == "1 members, 25 refused\n"
    assert f"{path}:3: refused: enrolled_at must be" in result.stderr
    assert "... and 5 more lines" in result.stderr
    assert len(report.read_text("utf-8").splitlines()) == 25
    assert unionid(8) not in result.output + report.read_text("utf-8")


def test_what_cannot_be_done_is_reported_in_sentences(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    good, binary = tmp_path / "good.csv", tmp_path / "members.xlsx"
    good.write_text(f"{HEAD}\n{MEI}\n", "utf-8")
    binary.write_bytes(b"PK\x03\x04\xff\xfe")
    for result, words in (
        (run(binary), "cannot be read"),
        (run(good, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}"), "cannot be asked"),
    ):
        assert result.exit_code == 1
        assert words in result.stderr
        assert "Traceback" not in result.stderr
