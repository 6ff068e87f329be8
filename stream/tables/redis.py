"""Tables in Redis: one pipeline per call, one script per partition and commit."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry as ClientRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from stream.tables.base import (
    NOTHING_APPLIED,
    Claim,
    Commit,
    Committed,
    Fenced,
    TablesUnavailable,
    View,
)
from stream.tables.checks import check_commits, check_partition
from stream.tables.keys import (
    META_APPLIED,
    META_CLOCK,
    META_COUNTER,
    META_EPOCH,
    PartitionKeys,
    partition_keys,
    partitions_key,
)
from stream.tables.preflight import check_server
from stream.tables.retry import Retry, error_code, passing, unverified
from stream.tables.scripts import (
    SCRIPTS,
    Command,
    claim_answer,
    claim_call,
    commit_answer,
    commit_call,
)
from stream.tables.wire import PackedConnection, PackedSSLConnection

SCAN_COUNT = 1000
PAGE_ENTITIES = 200

_UNANSWERED: Final = object()


class RedisTables:
    """State of all partitions in one Redis, or in a Redis Cluster with ``cluster=True``.

    Every call waits for Redis as long as it takes and tells ``on_retry`` of each failed try;
    cancel the task to give up. ``open`` gives up by itself, after ``open_timeout_s``; the scan
    of ``entities`` is not retried.
    A reply which no retry can change raises ``TablesUnavailable``. No error and no log line
    names a key or a value.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        partitions: int,
        *,
        cluster: bool = False,
        require_aof: bool = True,
        socket_timeout_s: float = 5.0,
        open_timeout_s: float = 30.0,
        on_retry: Callable[[Exception], None] | None = None,
        client_options: Mapping[str, Any] | None = None,
        secret_id: str = "",
    ) -> None:
        self._client = _client(url, cluster, socket_timeout_s, client_options or {})
        self._namespace = namespace
        self._secret_id = secret_id
        self._keys = [partition_keys(namespace, number) for number in range(partitions)]
        self._require_aof = require_aof
        self._open_timeout_s = open_timeout_s
        self._retry = Retry(on_retry)
        self._steps = itertools.count(1)

    async def open(self) -> None:
        """Connect, check the server, load the scripts, settle what is chosen once."""
        try:
            async with asyncio.timeout(self._open_timeout_s):
                await self._retry(self._try_open, self._recover)
        except TimeoutError:
            raise TablesUnavailable(
                f"Redis did not serve within {self._open_timeout_s:g} s: check its address, that "
                "it runs, and whether it wants TLS (rediss://); the log tells the last error"
            ) from None
        except RedisError as error:
            raise _refused(error) from None

    async def close(self) -> None:
        await self._client.aclose()

    async def ready(self) -> bool:
        try:
            await self._client.ping()
        except (RedisError, RedisClusterException, OSError):
            return False
        return True

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        request = secrets.token_hex(8)
        replies = await self._run(
            [claim_call(self._of(p), generation, owner, request) for p in partitions]
        )
        granted = {p: reply for p, reply in zip(partitions, replies, strict=True) if reply}
        # A second round trip, not a part of the script, which would copy it all through Lua:
        # from the claim on nobody else can change the list. If yet another owner claims, this
        # one reads what it may publish twice, but never commit.
        lists = await self._run([["LRANGE", self._of(p).pending, 0, -1] for p in granted])
        return {
            partition: claim_answer(reply, records)
            for (partition, reply), records in zip(granted.items(), lists, strict=True)
        }

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
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
        commands: list[Command] = []
        if keys:
            commands.append(["MGET", *[mine.entity(key) for key in keys]])
            commands.append(["ZMSCORE", mine.due, *keys])
        # The clock last, so that no value is of a later time.
        *found, clock_ms = await self._run([*commands, ["HGET", mine.meta, META_CLOCK]])
        values, scores = found or ([], [])
        return View(
            int(clock_ms or 0),
            {k: v for k, v in zip(keys, values, strict=True) if v is not None},
            {k: int(float(s)) for k, s in zip(keys, scores, strict=True) if s is not None},
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
                raise _refused(error) from None
        return replies

    async def _recover(self, error: Exception) -> None:
        if isinstance(error, NoScriptError):
            await self._load_scripts()
        elif isinstance(self._client, RedisCluster):
            await self._client.aclose()  # the next command asks the cluster for its nodes anew
        else:
            # After a fail-over the old connections lead to the old primary.
            await self._client.connection_pool.disconnect(inuse_connections=False)

    async def _load_scripts(self) -> None:
        for script in SCRIPTS:
            await self._client.script_load(script.source)

    async def _try_open(self) -> None:
        for ask in await self._servers():
            await check_server(
                ask,
                cluster=isinstance(self._client, RedisCluster),
                require_aof=self._require_aof,
            )
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
                    "this Redis is no cluster: open it with cluster=False; or it is one, and this "
                    "user must be allowed CLUSTER SLOTS"
                ) from None
            raise
        return [node.execute_command for node in client.get_primaries()]

    async def _settle_choices(self) -> None:
        key, wanted = partitions_key(self._namespace), len(self._keys)
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
    """The part in common of the two clients' pipelines."""

    def execute_command(self, *args: str | bytes | int) -> object: ...

    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...


def _client(
    url: str, cluster: bool, socket_timeout_s: float, more: Mapping[str, Any]
) -> Redis | RedisCluster:
    options: dict[str, Any] = {
        **more,
        "protocol": 2,
        "socket_timeout": socket_timeout_s,
        "socket_connect_timeout": socket_timeout_s,
    }
    if cluster:
        return RedisCluster.from_url(url, **options)
    # No retries inside the client: there would be two back-offs, one within the other.
    connection = PackedSSLConnection if url.startswith("rediss:") else PackedConnection
    return Redis.from_url(
        url, retry=ClientRetry(NoBackoff(), 0), connection_class=connection, **options
    )


async def _told(scan: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A scan which says in a sentence that it could not go on."""
    try:
        async for key in scan:
            yield key
    except (RedisError, RedisClusterException, OSError) as error:
        raise TablesUnavailable(
            f"Redis did not answer during a scan ({type(error).__name__}); run it again"
        ) from None


def _refused(error: RedisError) -> TablesUnavailable:
    if unverified(error):
        return TablesUnavailable(
            "The certificate of Redis cannot be verified: the CA which signed it must be known "
            "here, and the host name must be one which it names"
        )
    return TablesUnavailable(
        f"Redis refused a command ({error_code(error)}): check the user name, the password, "
        "the user's permissions, and that nothing else writes under the same namespace"
    )
