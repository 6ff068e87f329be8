# SPDX-License-Identifier: Apache-2.0
"""All Redis keys.

All keys of a partition share the hash tag ``{<namespace>.<partition>}``: on Redis Cluster they
live in one slot, so that a commit is one atomic step there, too. The names are short
because every entity pays for them: ``{sp.7}:e:`` is nine bytes.

==========================  ==========  ========================================================
key                         type        meaning
==========================  ==========  ========================================================
``<ns>:partitions``         string      number of partitions, id of the erasure key, chosen once
``{<ns>.<p>}:m``            hash        the partition's own state: the ``META_*`` fields
``{<ns>.<p>}:x``            list        pending output, msgpack of ``base.Record``, oldest first
``{<ns>.<p>}:d``            sorted set  entity keys that want a tick, by due time in epoch ms
``{<ns>.<p>}:e:<entity>``   string      one entity's value, opaque here but for its pages' numbers
``{<ns>.<p>}:a:<n>:<e…>``   string      page n of the entity e…
``{<ns>.<p>}:w``            string      written to test whether Redis accepts writes
``<ns>:resume:<t>:<p>``     string      offset below which a halted source partition goes on
``<ns>:wechat:…``           string      the resolver's: `wechat_token_key` and those after it
==========================  ==========  ========================================================

The field names are written out again in ``lua/*.lua``; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

META_EPOCH = b"e"  # int; raised by every claim
META_GENERATION = b"g"  # int; consumer-group generation of the last claim
META_OWNER = b"o"  # who claimed last, for people only
META_CLAIM = b"r"  # id of the last claim request: its retry finds itself
META_STEP = b"k"  # int; number of the owner's last commit: its retry finds itself
META_STEP_FROM = b"l"  # int; sequence number of the first output of that commit
META_APPLIED = b"a"  # int; offset of the last applied record
META_APPLIED_FROM = b"b"  # int; first sequence number of the commit which reached that offset
META_CLOCK = b"t"  # int; the partition's clock, epoch ms
META_MARK = b"m"  # what the record at that offset, or the last before it, is known by
META_HEAD = b"h"  # int; sequence number of the oldest pending output
META_COUNTER = b"c:"  # prefix; int; a durable counter
META_NOTE = b"n:"  # prefix; what the owner noted of the partition, opaque here

META_FIELDS = (
    META_EPOCH,
    META_GENERATION,
    META_OWNER,
    META_CLAIM,
    META_STEP,
    META_STEP_FROM,
    META_APPLIED,
    META_APPLIED_FROM,
    META_CLOCK,
    META_MARK,
    META_HEAD,
    META_COUNTER,
    META_NOTE,
)

_NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class PartitionKeys:
    """The keys of one partition."""

    meta: str
    pending: str
    due: str
    entity_prefix: str
    page_prefix: str
    probe: str

    def page(self, key: str, number: int) -> str:
        """The Redis key of a page of an entity."""
        return f"{self.page_prefix}{number}:{key}"

    def entity(self, key: str) -> str:
        """The Redis key of an entity."""
        return self.entity_prefix + key


def partition_keys(namespace: str, partition: int) -> PartitionKeys:
    """The keys of a partition; raises ``ValueError`` for a namespace unfit for a hash tag."""
    tag = f"{{{_checked(namespace)}.{partition}}}"
    return PartitionKeys(f"{tag}:m", f"{tag}:x", f"{tag}:d", f"{tag}:e:", f"{tag}:a:", f"{tag}:w")


def partitions_key(namespace: str) -> str:
    """The key that holds the number of partitions."""
    return f"{_checked(namespace)}:partitions"


def resume_key(namespace: str, topic: str, partition: int) -> str:
    """The key that holds the offset up to which a halted source partition goes on."""
    return f"{_checked(namespace)}:resume:{topic}:{partition}"


def _checked(namespace: str) -> str:
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError("a namespace has 1 to 32 characters of A-Z, a-z, 0-9, '_' and '-'")
    return namespace


def wechat_token_key(namespace: str, appid: str) -> str:
    """The key of an app's access token, sealed."""
    return f"{_checked(namespace)}:wechat:token:{appid}"


def wechat_fetching_key(namespace: str, appid: str) -> str:
    """The key that exists while one process fetches an access token."""
    return f"{_checked(namespace)}:wechat:fetching:{appid}"


def wechat_forced_key(namespace: str, appid: str) -> str:
    """The key that exists for a while after a new access token was forced."""
    return f"{_checked(namespace)}:wechat:forced:{appid}"


def wechat_filling_key(namespace: str, appid: str, name: str) -> str:
    """The key that exists while a process lists what has changed in a shop, and a while after."""
    return f"{_checked(namespace)}:wechat:filling:{appid}:{name}"


def wechat_filled_key(namespace: str, appid: str, name: str) -> str:
    """The key of the time (ms) up to which a list of a shop's is done with."""
    return f"{_checked(namespace)}:wechat:filled:{appid}:{name}"


def wechat_calls_key(namespace: str, day: int, appid: str, api: str) -> str:
    """The number of calls of an interface for an app on a Shanghai day."""
    return f"{_checked(namespace)}:wechat:calls:{day}:{appid}:{api}"
