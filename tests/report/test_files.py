# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
from pathlib import Path

import orjson

from stream.report.files import documents, write_all
from stream.report.table import Column, Kind, Missing, Table, label, number

TABLE = Table(
    "offers",
    (label("month"), number("made"), Column("acceptance", Kind.SHARE)),
    (("2026-03", 120, 1 / 3), ("2026-04", Missing.HIDDEN, Missing.NOT_YET)),
)


def test_a_number_that_is_missing_is_null_and_empty(tmp_path: Path) -> None:
    write_all(tmp_path / "report", documents([TABLE], "2026-05-01T00:00:00+08:00"))

    assert orjson.loads((tmp_path / "report/report.json").read_bytes()) == {
        "as_of": "2026-05-01T00:00:00+08:00",
        "people_min": 20,
        "tables": {
            "offers": [
                {"month": "2026-03", "made": 120, "acceptance": 0.3333},
                {"month": "2026-04", "made": None, "acceptance": None},
            ]
        },
    }
    with (tmp_path / "report/offers.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["month", "made", "acceptance"],
            ["2026-03", "120", "0.3333"],
            ["2026-04", "", ""],
        ]
