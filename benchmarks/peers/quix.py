# SPDX-License-Identifier: Apache-2.0
"""Quix Streams with its own state: RocksDB with changelog topics, at least once, as is its default.

Producers key by openid, so that a partition's state can hold who an origin is and what it has paid.
A state belongs to one topic, hence all source topics go to ``arrivals`` first; ``concat`` would
spare that, but its alignment of times over all topics was seen to cost more. ``to_topic`` keys
anew by consumer for the accounts. Values are kept as bytes (``set_bytes``): Quix's JSON is spared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found]
from quixstreams.models import (  # type: ignore[import-not-found]
    SerializationContext,
    Serializer,
)

from benchmarks.peers.job.decode import decode
from benchmarks.peers.job.earn import apply
from benchmarks.peers.job.post import Output
from benchmarks.peers.job.state import Message, dump, load_message
from benchmarks.peers.job.stitch import key_of, stitch
from benchmarks.peers.place import Place

place = Place.here()
app = Application(
    broker_address=place.bootstrap,
    consumer_group=place.group,
    auto_offset_reset="earliest",
    state_dir=place.directory,
    commit_interval=1.0,
    auto_create_topics=True,
    loglevel="WARNING",
    consumer_extra_config={
        "session.timeout.ms": place.session_timeout_s * 1000,
        "max.poll.interval.ms": place.session_timeout_s * 1000,
    },
    producer_extra_config={"enable.idempotence": True},  # else a retry may break the order
)


class _Out:
    """What a callback yields: where it goes, under which key, with which headers."""

    __slots__ = ("headers", "key", "topic", "value")

    def __init__(self, topic: Any, key: str, value: bytes, headers: list[Any]) -> None:
        self.topic, self.key, self.value, self.headers = topic, key, value, headers


class _Bytes(Serializer):  # type: ignore[misc]
    """The job has written the bytes already."""

    def __call__(self, value: _Out, ctx: SerializationContext) -> bytes:
        return value.value


def topic(name: str) -> Any:
    """Bytes as they are: the job reads and writes them."""
    return app.topic(
        name,
        key_deserializer="str",
        key_serializer="str",
        value_deserializer="bytes",
        value_serializer=_Bytes(),
    )


arrivals = topic(f"{place.group}.arrivals")
keyed = topic(place.keyed)
outputs = {name: topic(place.output(name)) for name in ("ledger", "offers")}


def _message(message: Message) -> _Out:
    return _Out(keyed, message.to, dump(message), [])


def _output(out: Output) -> _Out:
    return _Out(outputs[out.topic], out.subject, out.value, out.headers)


def forward(value: bytes, key: str, timestamp: int, headers: Any) -> _Out:
    """To the one topic which has the state of stage 1."""
    return _Out(arrivals, key, value, headers)


def identify(value: bytes, key: str, timestamp: int, headers: Any, state: State) -> Iterable[_Out]:
    """Stage 1: decode, look up, forward by consumer."""
    event = decode(value, dict(headers))
    messages, writes = stitch(event, state.get_bytes(key_of(event)))
    for name, content in writes:
        state.set_bytes(name, content)
    return [_message(message) for message in messages]


def reward(value: bytes, key: str, timestamp: int, headers: Any, state: State) -> Iterable[_Out]:
    """Stage 2: one account at a time."""
    message = load_message(value)
    account, published, onward = apply(state.get_bytes("a"), message, timestamp)
    state.set_bytes("a", dump(account))
    return [*map(_output, published), *map(_message, onward)]


def publish(frame: Any) -> None:
    """Send each to its topic."""
    frame = frame.set_headers(lambda out, key, timestamp, headers: out.headers)
    frame.to_topic(lambda out, key, timestamp, headers: out.topic, key=lambda out: out.key)


def main() -> None:
    """Each source topic has its own state, so all go to one topic first."""
    for name in place.sources:
        frame = app.dataframe(topic(name))
        publish(frame.apply(forward, metadata=True))
    publish(app.dataframe(arrivals).apply(identify, stateful=True, metadata=True, expand=True))
    accounts = app.dataframe(keyed)
    publish(accounts.apply(reward, stateful=True, metadata=True, expand=True))
    app.run()


if __name__ == "__main__":
    main()
