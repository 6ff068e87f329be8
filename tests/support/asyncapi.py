# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.asyncapi``: write docs/asyncapi.yaml again."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from schemas import CONTRACTS, Contract, Reason, dead_letter
from schemas.envelope import ATTRIBUTES, DESCRIPTIONS, REQUIRED
from schemas.erased import RECORD_ERASED
from schemas.generate import documents
from schemas.topics import TOPIC_RESOLVED, TOPIC_SHOP
from stream.addressing.topics import TopicNames

COMMAND: Final = "python -m tests.support.asyncapi"
ROOT: Final = Path(__file__).parents[2]
PATH: Final = ROOT / "docs" / "asyncapi.yaml"
DEAD_LETTER: Final = "dead_letter"

_NAMES: Final = TopicNames()
_READ: Final = (*_NAMES.sources, *_NAMES.hints)
_DESCRIPTION: Final = (
    "Every topic with the types of its events. Names are without a deployment's prefix. Each event"
    " is a CloudEvent 1.0; headers are those of binary mode, in which all output comes. What is"
    " read may be in structured mode, too. docs/events.md has the rules of both."
)
_TEXTS: Final = {
    TOPIC_RESOLVED: "the engine's own log, in a form of its own. Nobody else reads or writes it.",
    TOPIC_SHOP: "hints that an order of a WeChat Shop changed; the resolver asks WeChat about it.",
}
_TOPICS_LINE: Final = re.compile(r"Topics? (?P<topics>``.+?``): (?P<text>.+)")
_CE: Final = "ce_"
_CONTENT_TYPE: Final = {"type": "string", "const": "application/json"}
_KEY: Final = "The event's id, and on shadow.rules its subject; a tombstone's: the id to forget."
_SEQUENCE: Final = (
    "On offers, ledger, identity and traits: rises within a partition, orders as text."
)


def document() -> dict[str, Any]:
    """The document, fit for JSON and YAML."""
    topics = {name: _channel(name, config) for name, config in _NAMES.all().items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "shadowpoints",
            "version": version("shadowpoints"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": topics,
        "operations": dict(_operation(name) for name, topic in topics.items() if topic["messages"]),
        "components": {
            "messages": {name: _message(contract) for name, contract in sorted(CONTRACTS.items())}
            | {DEAD_LETTER: _dead_letter()},
            "messageTraits": {"read": _read(), "written": _written()},
        },
    }


def _channel(topic: str, config: dict[str, str]) -> dict[str, Any]:
    types = sorted(c.type for c in CONTRACTS.values() if topic in c.topics)
    names = [DEAD_LETTER] if topic == _NAMES.dead_letters else types
    settings: dict[str, Any] = {k: int(v) if v.isdecimal() else v for k, v in config.items()}
    if policy := config.get("cleanup.policy"):
        settings["cleanup.policy"] = policy.split(",")
    return {
        "address": topic,
        "description": " ".join(_descriptions(topic)),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": settings, "bindingVersion": "0.5.0"}},
    }


def _descriptions(topic: str) -> list[str]:
    """What the modules of the contracts say of a topic in their first lines."""
    docs = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) for file in _contracts())
    lines = filter(None, (_TOPICS_LINE.match(doc or "") for doc in docs))
    found = [_sentence(line["text"]) for line in lines if f"``{topic}``" in line["topics"]]
    return found or [_sentence(_TEXTS[topic])]


def _contracts() -> list[Path]:
    return sorted((ROOT / "schemas").glob("*.py"))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _operation(topic: str) -> tuple[str, dict[str, Any]]:
    """As the product sees it."""
    action = "receive" if topic in _READ else "send"
    return f"{action}.{topic}", {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}


def _message(contract: Contract) -> dict[str, Any]:
    name = contract.type
    text = documents()[name].get("description")
    trait = "written" if contract.direction == "out" else "read"
    return {
        "name": name,
        **({"summary": text.split("\n")[0]} if text else {}),
        "headers": {"type": "object", "properties": {"ce_type": {"const": name}}},
        # the value of a tombstone is null
        "payload": {"type": "null"}
        if name == RECORD_ERASED
        else {"$ref": f"../schemas/json/{name}.json"},
        "traits": [{"$ref": f"#/components/messageTraits/{trait}"}],
    }


def _read() -> dict[str, Any]:
    properties = {
        "content-type" if name == "datacontenttype" else _CE + name: {
            "type": "string",
            "pattern": f"^({pattern})$",
            "description": DESCRIPTIONS[name],
        }
        for name, pattern in ATTRIBUTES.items()
    }
    required = [_CE + name for name in REQUIRED]
    return {"headers": {"type": "object", "required": required, "properties": properties}}


def _written() -> dict[str, Any]:
    headers = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "The same whenever the event comes again."},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "Whom or what the event is about."},
        "ce_sequence": {"type": "string", "pattern": "^[0-9]{19}$", "description": _SEQUENCE},
        "content-type": _CONTENT_TYPE,
    }
    return {
        "headers": {
            "type": "object",
            "required": [_CE + name for name in REQUIRED],
            "properties": headers,
        },
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "description": _KEY,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _dead_letter() -> dict[str, Any]:
    text = {"type": "string"}
    headers: dict[str, Any] = {
        dead_letter.TOPIC: text,
        dead_letter.PARTITION: {"type": "string", "pattern": "^[0-9]+$"},
        dead_letter.OFFSET: {"type": "string", "pattern": "^[0-9]+$"},
        dead_letter.CONNECTOR_NAME: {"const": dead_letter.CONNECTOR},
        dead_letter.STAGE: text,
        dead_letter.REASON: {"enum": [reason.value for reason in Reason]},
        dead_letter.MESSAGE: text,
        dead_letter.KEY: {**text, "description": "The original key, its bytes untouched."},
        dead_letter.SHORTENED: text,
        dead_letter.NO_VALUE: text,
    }
    optional = {dead_letter.OFFSET, *dead_letter.ADDED}
    return {
        "name": DEAD_LETTER,
        "summary": "The original value and headers, and why the record was not taken.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": [name for name in headers if name not in optional],
            "properties": headers,
        },
    }


def wanted() -> str:
    """The text of the file."""
    plain = orjson.loads(orjson.dumps(document()))  # YAML would name what stands in two places
    head = f"# Written by {COMMAND}.\n"
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    PATH.write_text(wanted(), "utf-8")
