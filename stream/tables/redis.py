# SPDX-License-Identifier: Apache-2.0
"""Tables in Redis: one pipeline per call, one script per partition and commit."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from redis.asyncio import (
    Redis,
    RedisCluster,
)
from redis.exceptions import (
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from stream.tables.base import (
    NOTHING_APPLIED,
    RESUME_KEPT_S,
    Claim,
    Commit,
    Committed,
    Fenced,
    Pending,
    TablesUnavailable,
    View,
)
from stream.tables.checks import check_commits, check_partition
from stream.tables.keys import (
    META_APPLIED,
    META_CLOCK,
    META_COUNTER,
    META_EPOCH,
    META_HEAD,
    META_NOTE,
    PartitionKeys,
    partition_keys,
    partitions_key,
    resume_key,
)
from stream.tables.pieces import PAGED, join, numbers_of
from stream.tables.preflight import Wanted, check_server, evicted, server_of, warn_of
from stream.tables.refusals import STUCK, error_code, why_refused, why_waiting
from stream.tables.retry import Retry, passing
from stream.tables.scripts import (
    SCRIPTS,
    Command,
    claim_answer,
    claim_call,
    commit_answer,
    commit_call,
    drop_call,
    notes_of,
    pending_answer,
)
from stream.tables.wire import connect

SCAN_COUNT = 1000
PAGE_ENTITIES = 200

_UNANSWERED: Final = object()

_log = logging.getLogger(__name__)


class RedisTables:
    """State of all partitions in one Redis, or in a Redis Cluster with ``cluster=True``.

    With ``append_only`` a server without its append-only file is refused. With ``read_only``
    nothing is written, so that a user without the right to write will do.

    Every call waits for Redis as long as it takes and calls ``on_retry`` after each failed try;
    cancel the task to give up. ``open`` gives up by itself, after ``open_timeout_s``; the scan
    of ``entities`` is not retried.
    A reply that no retry can change raises ``TablesUnavailable``. No error and no log line
    names a key or a value.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        partitions: int,
        *,
        cluster: bool = False,
        append_only: bool = True,
        socket_timeout_s: float = 5.0,
        open_timeout_s: float = 30.0,
        on_retry: Callable[[Exception], None] | None = None,
        client_options: Mapping[str, Any] | None = None,
        secret_id: str = "",
        read_only: bool = False,
    ) -> None:
        self._client = connect(
            url, cluster=cluster, timeout_s=socket_timeout_s, **(client_options or {})
        )
        self._namespace = namespace
        self._secret_id, self._read_only = secret_id, read_only
        self._keys = [partition_keys(namespace, number) for number in range(partitions)]
        self._wanted = Wanted(cluster, append_only)
        self._evicted: dict[str, int] = {}  # by run id of a server: keys evicted when first seen
        self._claimed: set[int] = set()
        self._open_timeout_s = open_timeout_s
        self._retry = Retry(on_retry)
        self._steps = itertools.count(1)

    async def open(self) -> None:
        """Connect, check the server, load the scripts, compare what is chosen once."""
        try:
            async with asyncio.timeout(self._open_timeout_s):
                await self._retry(self._try_open, self._recover)
        except TimeoutError:
            raise TablesUnavailable(
                f"Redis did not serve within {self._open_timeout_s:g} s: check its address, that "
                "it runs, and whether it wants TLS (rediss://); the log has the last error"
            ) from None
        except RedisError as error:
            raise TablesUnavailable(why_refused(error)) from None

    async def close(self) -> None:
        await self._client.aclose()

    async def ready(self) -> bool:
        try:
            await self._client.ping()
        except (RedisError, RedisClusterException, OSError):
            return False
        return True

    async def trouble(self) -> str:
        try:
            await self._look()
            await self._probe()
        except (RedisError, RedisClusterException, OSError) as error:
            if not passing(error):
                return why_refused(cast(RedisError, error))
            return why_waiting(error) if error_code(error) in STUCK else "Redis does not answer"
        except TablesUnavailable as unfit:
            return str(unfit)
        return ""

    async def check(self) -> None:
        try:
            await self._look()
        except (RedisError, RedisClusterException, OSError):
            return  # its users wait for it, and log that
        except TablesUnavailable as unfit:
            _log.error("%s", unfit)
            raise

    async def _look(self) -> None:
        """Raises ``TablesUnavailable`` for a server that is no longer fit."""
        for ask in await self._servers():
            server = await server_of(ask)
            check_server(server, self._wanted)
            if server.run not in self._evicted:  # restarted, or promoted
                self._evicted[server.run] = server.evicted_keys
                warn_of(server, self._wanted)
            elif keys := server.evicted_keys - self._evicted[server.run]:
                raise TablesUnavailable(evicted(keys, "since this process has known it"))

    async def _probe(self) -> None:
        """Write a test value in each partition; raises the error that a commit would get."""
        keys = [self._keys[number].probe for number in self._claimed]
        if not keys:
            await self._client.ping()
            return
        pipeline = cast(_Pipeline, self._client.pipeline(transaction=False))
        for key in keys:
            pipeline.execute_command("SET", key, "")
        for reply in await pipeline.execute(raise_on_error=False):
            if isinstance(reply, Exception):
                raise reply

    async def resume(self, topic: str, partition: int, before: int) -> None:
        key = resume_key(self._namespace, topic, partition)
        await self._run([["SET", key, before, "EX", RESUME_KEPT_S]])

    async def resumed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        found = await self._run([["GET", resume_key(self._namespace, *place)] for place in places])
        return {
            place: int(before)
            for place, before in zip(places, found, strict=True)
            if before is not None
        }

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        request = secrets.token_hex(8)
        replies = await self._run(
            [claim_call(self._of(p), generation, owner, request) for p in partitions]
        )
        granted = {p: reply for p, reply in zip(partitions, replies, strict=True) if reply}
        self._claimed.update(granted)
        # A second round trip, not a part of the script, which would copy it all through Lua:
        # from the claim on no one else can change the list. If yet another owner claims, this
        # one reads what it may publish twice, but never commit.
        lists = await self._run([["LRANGE", self._of(p).pending, 0, -1] for p in granted])
        metas = await self._run([["HGETALL", self._of(p).meta] for p in granted])
        return {
            partition: claim_answer(partition, reply, records, notes_of(meta))
            for (partition, reply), records, meta in zip(granted.items(), lists, metas, strict=True)
        }

    async def pending(self, partition: int) -> list[Pending]:
        keys = self._of(partition)
        while True:  # a commit in between would shift the numbers
            before, records, after = await self._run(
                [
                    ["HGET", keys.meta, META_HEAD],
                    ["LRANGE", keys.pending, 0, -1],
                    ["HGET", keys.meta, META_HEAD],
                ]
            )
            if before == after:
                return pending_answer(partition, int(before or 0), records)

    async def drop_pending(self, partition: int, sequence: int) -> bool:
        (dropped,) = await self._run([drop_call(self._of(partition), sequence)])
        return bool(dropped)

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        found = await self.heads(wanted)
        of = {key: self._of(p) for p, keys in wanted.items() for key in keys if key in found}
        return await self._with_pages(found, of)

    async def _with_pages(
        self, found: dict[str, bytes], of: Mapping[str, PartitionKeys]
    ) -> dict[str, bytes]:
        """Join values with their pages; a value that changes meanwhile is read again."""
        paged = [key for key, value in found.items() if value.startswith(PAGED)]
        while paged:
            names = [[of[k].page(k, number) for number in numbers_of(found[k])] for k in paged]
            replies = await self._run(
                [
                    ["MGET", of[key].entity(key), *pages]
                    for key, pages in zip(paged, names, strict=True)
                ]
            )
            again = []
            for key, (head, *pages) in zip(paged, replies, strict=True):
                if head is None:
                    del found[key]
                elif head != found[key] or None in pages:
                    found[key] = head
                    again.append(key)
                else:
                    found[key] = join(head, pages)
            paged = [key for key in again if found[key].startswith(PAGED)]
        return found

    async def heads(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        asked = [(self._of(number).entity_prefix, keys) for number, keys in wanted.items() if keys]
        replies = await self._run(
            [["MGET", *[prefix + key for key in keys]] for prefix, keys in asked]
        )
        return {
            key: value
            for (_, keys), values in zip(asked, replies, strict=True)
            for key, value in zip(keys, values, strict=True)
            if value is not None
        }

    async def due(self, partition: int, now_ms: int, limit: int) -> list[str]:
        keys = self._of(partition)
        command: Command = ["ZRANGE", keys.due, "-inf", now_ms, "BYSCORE"]
        (members,) = await self._run([[*command, "LIMIT", 0, max(limit, 0)]])
        return [member.decode() for member in members]

    async def due_after(self, partition: int, after_ms: int, limit: int) -> list[str]:
        keys = self._of(partition)
        command: Command = ["ZRANGE", keys.due, after_ms + 1, "+inf", "BYSCORE"]
        (members,) = await self._run([[*command, "LIMIT", 0, max(limit, 0)]])
        return [member.decode() for member in members]

    async def next_due(self, partitions: Sequence[int]) -> dict[int, int]:
        replies = await self._run(
            [["ZRANGE", self._of(p).due, 0, 0, "WITHSCORES"] for p in partitions]
        )
        return {
            partition: int(float(reply[1]))
            for partition, reply in zip(partitions, replies, strict=True)
            if reply
        }

    async def positions(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        fields = (META_EPOCH, META_APPLIED)
        replies = await self._run([["HMGET", self._of(p).meta, *fields] for p in partitions])
        return {
            partition: (int(epoch), NOTHING_APPLIED if applied is None else int(applied))
            for partition, (epoch, applied) in zip(partitions, replies, strict=True)
            if epoch is not None
        }

    async def notes(self, partitions: Sequence[int], name: str) -> dict[int, bytes]:
        field = META_NOTE + name.encode()
        replies = await self._run([["HMGET", self._of(p).meta, field] for p in partitions])
        found = zip(partitions, replies, strict=True)
        return {partition: note for partition, (note,) in found if note is not None}

    async def commit(self, commits: Sequence[Commit]) -> list[Committed | Fenced]:
        check_commits(commits, len(self._keys))
        steps = self._steps
        replies = await self._run(
            [commit_call(self._keys[c.partition], c, next(steps)) for c in commits]
        )
        return [commit_answer(c, reply) for c, reply in zip(commits, replies, strict=True)]

    async def counts(self, partitions: Sequence[int]) -> dict[str, int]:
        totals: dict[str, int] = {}
        for meta in await self._run([["HGETALL", self._of(p).meta] for p in partitions]):
            for field, count in meta.items():
                if field.startswith(META_COUNTER):
                    name = field[len(META_COUNTER) :].decode()
                    totals[name] = totals.get(name, 0) + int(count)
        return totals

    async def entities(self, partition: int) -> dict[str, bytes]:
        """All entities of a partition.

        Scans the whole server, so it is slow; what is written meanwhile may be missing.
        """
        values: dict[str, bytes] = {}
        async for page in self.scan_entities(partition):
            values.update(page.values)
        return values

    async def scan_entities(self, partition: int) -> AsyncIterator[View]:
        keys = self._of(partition)
        options: dict[str, Any] = {"match": keys.entity_prefix + "*", "count": SCAN_COUNT}
        if isinstance(self._client, RedisCluster):
            options["target_nodes"] = self._client.get_node_from_key(keys.meta)
        page: list[str] = []
        async for key in _told(self._client.scan_iter(**options)):
            page.append(key.decode()[len(keys.entity_prefix) :])
            if len(page) == PAGE_ENTITIES:
                yield await self.view(partition, page)
                page = []
        if page:
            yield await self.view(partition, page)

    async def view(self, partition: int, keys: Sequence[str]) -> View:
        mine = self._of(partition)
        values = await self.load({partition: keys})
        scored: list[Command] = [["ZMSCORE", mine.due, *keys]] if keys else []
        # The clock last, so that no value is of a later time.
        *scores, clock_ms = await self._run([*scored, ["HGET", mine.meta, META_CLOCK]])
        return View(
            int(clock_ms or 0),
            values,
            {k: int(float(s)) for k, s in zip(keys, *scores, strict=True) if s is not None}
            if scores
            else {},
        )

    def _of(self, partition: int) -> PartitionKeys:
        check_partition(partition, len(self._keys))
        return self._keys[partition]

    async def _run(self, commands: Sequence[Command]) -> list[Any]:
        """Replies to all commands, in order, in one round trip when nothing goes wrong.

        A retry sends what has no reply yet, so every command must stand being run twice.
        """
        replies: list[Any] = [_UNANSWERED] * len(commands)

        async def attempt() -> None:
            open_ = [at for at, reply in enumerate(replies) if reply is _UNANSWERED]
            pipeline = cast(_Pipeline, self._client.pipeline(transaction=False))
            for at in open_:
                pipeline.execute_command(*commands[at])
            failure: Exception | None = None
            results = await pipeline.execute(raise_on_error=False)
            for at, result in zip(open_, results, strict=True):
                if not isinstance(result, Exception):
                    replies[at] = result
                elif failure is None or not passing(result):
                    failure = result
            if failure is not None:
                raise failure

        if commands:
            try:
                await self._retry(attempt, self._recover)
            except RedisError as error:
                raise TablesUnavailable(why_refused(error)) from None
        return replies

    async def _recover(self, error: Exception) -> None:
        if isinstance(error, NoScriptError):
            await self._load_scripts()
        elif isinstance(self._client, RedisCluster):
            await self._client.aclose()  # the next command asks the cluster for its nodes again
        else:
            # After a fail-over the old connections lead to the old primary.
            await self._client.connection_pool.disconnect(inuse_connections=False)

    async def _load_scripts(self) -> None:
        for script in SCRIPTS:
            await self._client.script_load(script.source)

    async def _try_open(self) -> None:
        await self._look()
        if not self._read_only:
            await self._load_scripts()
        await self._settle_choices()

    async def _servers(self) -> list[Callable[..., Awaitable[object]]]:
        client = self._client
        if isinstance(client, Redis):
            return [client.execute_command]
        try:
            await client.initialize()
        except RedisClusterException as error:
            if "Cluster mode is not enabled" in str(error):
                raise TablesUnavailable(
                    "this Redis is no cluster: set SHADOWPOINTS_REDIS_CLUSTER=false; or it is one, "
                    "and its user must be allowed CLUSTER SLOTS (docs/security.md)"
                ) from None
            raise
        return [node.execute_command for node in client.get_primaries()]

    async def _settle_choices(self) -> None:
        key, wanted = partitions_key(self._namespace), len(self._keys)
        if not self._read_only:
            await self._client.set(key, f"{wanted} {self._secret_id}".rstrip(), nx=True)
        known = await self._client.get(key)
        stored, _, secret_id = (known.decode() if isinstance(known, bytes) else "").partition(" ")
        if stored and int(stored) != wanted:
            raise TablesUnavailable(
                f"the namespace {self._namespace!r} was made for {int(stored)} partitions and "
                f"cannot be used with {wanted}: the number of partitions is chosen once"
            )
        if stored and secret_id != self._secret_id:
            raise TablesUnavailable(
                f"the namespace {self._namespace!r} was made with another erasure key (or with "
                "none): it is chosen once, or whoever was erased would not be recognised"
            )


class _Pipeline(Protocol):
    """The common part of the two clients' pipelines."""

    def execute_command(self, *args: str | bytes | int) -> object: ...

    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...


async def _told(scan: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A scan whose failure is a sentence."""
    try:
        async for key in scan:
            yield key
    except (RedisError, RedisClusterException, OSError) as error:
        raise TablesUnavailable(
            f"Redis did not answer during a scan ({type(error).__name__}); run it again"
        ) from None
