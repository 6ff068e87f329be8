# SPDX-License-Identifier: Apache-2.0
"""Find the people whom a record names: a record on an output topic, or a dead letter.

The engine writes the outputs and names people plainly there. Others wrote the bytes of a dead
letter, which may not be JSON: every word in it that may be an id is tried as one, within limits.
It does not find an id in another encoding, one that is glued to other letters, and one beyond the
limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, product
from typing import Any, Final

import orjson

from schemas import parse_time, time_ms
from schemas.dead_letter import PREFIX
from schemas.registry import SOURCES
from schemas.source import Source
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, union_key
from stream.kafka.record_batches import InputRecord

#: The shortest word that is tried without a label: WeChat's openids and Union IDs have 28
#: characters, transaction ids as many, and short words are everywhere.
WORD_CHARS_MIN: Final = 16
WORDS_MAX: Final = 400  # different ones of a dead letter, and as many with labels
PAIRS_MAX: Final = 4_000  # of a dead letter: words as ids within each app and account

_PUSH_LABEL: Final = "fromusername"  # in a push of WeChat's, before it is an event
_CONSUMER: Final = re.compile(rb"(?:union|origin)\.[A-Za-z0-9_-]{1,128}\.[A-Za-z0-9_-]{1,128}")
_WORD: Final = re.compile(rb"[A-Za-z0-9_-]{%d,}" % WORD_CHARS_MIN)
_WORD_CHARS_MAX: Final = 300  # an appid, a separator and an id; longer ones are no ids


def labels_of(sources: Sequence[Source]) -> list[str]:
    """What the fields are called that name a person or a payment, as patterns.

    A label may have anything before it, so one that ends with another one is left out.
    """
    names = {name for s in sources for name in (*s.people, s.payment) if name} | {_PUSH_LABEL}
    least = {n for n in names if not any(n != other and n.endswith(other) for other in names)}
    return sorted(name.replace("_", "_?") for name in least)


_LABELLED: Final = re.compile(
    rb"(?i:%s)[^A-Za-z0-9_-]{1,20}(?:CDATA\[)?([A-Za-z0-9_-]{1,128})"
    % "|".join(labels_of(SOURCES)).encode()
)
_APPID: Final = re.compile(r"wx[0-9a-f]{16}")


def people_in_output(record: InputRecord) -> set[str]:
    """Keys of the people named in the subject and in the body."""
    value = record.value or b""
    found = _consumers([subject_of(record), value])
    if b'"openid"' in value:
        found.update(_origins(_json(value)))
    return found


def subject_of(output: InputRecord) -> bytes:
    """The key of the person or the payment it is about; empty where it does not say."""
    return next((v or b"" for name, v in output.headers if name == "ce_subject"), b"")


def said_at(output: InputRecord) -> int:
    """When the engine wrote it, in ms: by its own clock, or else when it was published."""
    for name, value in output.headers:
        if name == "ce_time":
            with suppress(ValueError):
                return time_ms(parse_time((value or b"").decode()))
    return output.timestamp


class DeadLetterSearch:
    """Reads dead letters; tries each word as an id in the apps and accounts of ``directory``."""

    def __init__(self, directory: Directory) -> None:
        listed = directory.open_account_by_appid
        former = (move.account for move in directory.moves.values())
        self._accounts = sorted({*listed.values(), *former})
        self._appids = sorted({*listed, *directory.appids})

    def words(self, record: InputRecord) -> list[str]:
        """Every word that may be the id of a person or of a payment."""
        texts = _texts(record)
        labelled = islice(_labelled(texts), WORDS_MAX)
        words = list(dict.fromkeys([*labelled, *_unlabelled(texts)]))
        return [*words, *self._parts(words)]

    def people(self, record: InputRecord, words: Sequence[str]) -> set[str]:
        """Keys of all whom these words of the record may name, or whom it names plainly."""
        named = [word for word in words if word in self._appids or _APPID.fullmatch(word)]
        appids = dict.fromkeys([*named, *self._appids])
        origins = (origin_key(*pair) for pair in product(appids, words))
        unions = (union_key(*pair) for pair in product(self._accounts, words))
        found = _consumers(_texts(record))
        found.update(islice(unions, PAIRS_MAX), islice(origins, PAIRS_MAX))
        return found

    def _parts(self, words: Iterable[str]) -> Iterator[str]:
        """The parts beside an appid within one word: a producer's key may join them."""
        for word in words:
            for appid in self._appids:
                before, within, after = word.partition(appid)
                if within:
                    yield from filter(None, (before[:-1], after[1:]))


def _texts(record: InputRecord) -> list[bytes]:
    """What the producer sent, and the same with the escapes of JSON resolved."""
    headers = [value or b"" for name, value in record.headers if not name.startswith(PREFIX)]
    value = record.value or b""
    texts = [value, record.key or b"", *headers]
    if b"\\u" in value:
        with suppress(orjson.JSONEncodeError):  # nested too deep
            texts.append(orjson.dumps(_json(value)))
    return texts


def _labelled(texts: Iterable[bytes]) -> Iterator[str]:
    for text in texts:
        for match in _LABELLED.finditer(text):
            yield match[1].decode()


def _unlabelled(texts: Iterable[bytes]) -> Iterator[str]:
    seen: set[bytes] = set()
    for text in texts:
        for match in _WORD.finditer(text):
            if len(word := match[0]) <= _WORD_CHARS_MAX and word not in seen:
                if len(seen) == WORDS_MAX:
                    return
                seen.add(word)
                yield word.decode()


def _consumers(texts: Iterable[bytes]) -> set[str]:
    return {match.decode() for text in texts for match in _CONSUMER.findall(text)}


def _origins(body: Any) -> Iterator[str]:
    """Pairs of appid and openid at any depth."""
    todo = [body]
    while todo:
        match todo.pop():
            case dict() as fields:
                appid, openid = fields.get("appid"), fields.get("openid")
                if isinstance(appid, str) and isinstance(openid, str):
                    yield origin_key(appid, openid)
                todo.extend(fields.values())
            case list() as items:
                todo.extend(items)


def _json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
