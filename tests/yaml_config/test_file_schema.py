# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas of rule and apps files agree with the models, and in both drafts."""

from __future__ import annotations

import json
import re
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from stream.yaml_config.file_schema import DRAFTS, file_name, shipped_schema
from stream.yaml_config.reader import Unparsable, parse
from tests.brand.test_apps_schema import APPS
from tests.rules.test_default import VERSION
from tests.support.file_schemas import ROOMS, wanted
from tests.yaml_config.test_problems import BASE, CASES, SECOND

DOCS = Path(__file__).parents[2] / "docs"
VALIDATORS = {"07": Draft7Validator, "2020-12": Draft202012Validator}
PACKAGES = {"rules": "stream.rules", "apps": "stream.brand"}

#: Mistakes of one value alone, but for these: they are in the text, in the calendar, or between
#: settings.
BETWEEN = {
    "duplicate name", "no such day", "year", "no such zone", "neither points nor rate",
    "points and rate", "first time, caps", "rate, first time", "rounding without rate",
    "rate without money", "base of an order", "caps fall", "caps fall past a gap", "same rule id",
    "pending until expired", "follow earns", "share earns", "needless permission", "list as name",
    "campaign of unknown rule", "campaign ends first", "same campaign id", "same benefit id",
    "steps fall", "same trigger", "blank text", "offer which becomes too long",
    "reason in one language", "version falls", "day falls", "caps of what a campaign takes",
    "caps of a campaign fall", "budget of what a campaign takes", "same block id",
    "invitation where nobody is asked", "same trigger of an invitation",
    "offer for a class without tiers",
}  # fmt: skip


def problems(name: str, text: str) -> bool:
    """Whether both drafts reject a file; they must agree."""
    tree = _as_json(parse(text, "f").tree)
    found = {
        draft: not VALIDATORS[draft](
            json.loads(shipped_schema(PACKAGES[name], name, draft))
        ).is_valid(tree)
        for draft in DRAFTS
    }
    assert len({*found.values()}) == 1, found
    return found["07"]


def _as_json(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _as_json(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_as_json(item) for item in tree]
    if isinstance(tree, Decimal):
        return float(tree)
    return tree if isinstance(tree, str | int) else None  # what cannot be read


def test_the_shipped_files_are_those_of_the_models() -> None:
    accept = "accept them with python -m tests.support.file_schemas"
    assert {path: path.read_text("utf-8") for path in wanted()} == wanted(), accept


@pytest.mark.parametrize("name", ROOMS)
@pytest.mark.parametrize("draft", DRAFTS)
def test_a_schema_is_one(name: str, draft: str) -> None:
    schema = json.loads(shipped_schema(PACKAGES[name], name, draft))
    VALIDATORS[draft].check_schema(schema)
    assert schema["$schema"] == VALIDATORS[draft].META_SCHEMA["$schema"]


@pytest.mark.parametrize(("name", "sample"), [("rules", "default.yaml"), ("apps", "apps.yaml")])
def test_the_samples_name_their_schema_and_keep_it(name: str, sample: str) -> None:
    text = (ROOMS[name] / sample).read_text("utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={file_name(name, '07')}\n")
    assert not problems(name, text)


@pytest.mark.parametrize("page", ["rules.md", "apps.md", "first-party.md"])
def test_the_examples_in_the_documentation_keep_it(page: str) -> None:
    found = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.M | re.S)
    assert found
    for example in found:
        if page == "rules.md":
            whole = example.startswith("versions:")
            example = example if whole else VERSION + textwrap.indent(example, "    ")
            assert not problems("rules", example)
        elif example.startswith("apps:"):
            assert not problems("apps", example)


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_rule_file_is_seen_if_one_value_shows_it(name: str) -> None:
    old, new, _ = CASES[name]
    try:
        assert problems("rules", (BASE + SECOND).replace(old, new, 1)) is (name not in BETWEEN)
    except Unparsable:
        assert name not in BETWEEN


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("apps:", "apps: []\nothers:", True),
        ("kind: payment", "kind: till", True),
        ("open_account: brand", "open_account: a.b", True),
        ("name: Till, ", "", True),
        ("wxb", "'wx b'", True),
        ("a.pem", "5", True),
        ("mall_appid: wxb", "mall_appid: wxc", False),
    ],
)
def test_a_wrong_apps_file_is_seen_if_one_value_shows_it(old: str, new: str, seen: bool) -> None:
    assert old in APPS
    assert not problems("apps", APPS)
    assert problems("apps", APPS.replace(old, new, 1)) is seen
