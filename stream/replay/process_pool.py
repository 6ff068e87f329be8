# SPDX-License-Identifier: Apache-2.0
"""A process pool whose processes keep state; methods are called by name."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import register
from types import MappingProxyType
from typing import Any, Protocol

from stream.process.failures import describe_failure


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# A process receives its arguments as a pickle, and a directory of apps holds such mappings.
register(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))


class ProcessFailed(Exception):
    """A process has failed or died; the text holds no personal data."""


class Pool(Protocol):
    """Processes that each hold one object."""

    @property
    def size(self) -> int: ...

    def call_all(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        """Call a method in every process, each with its own arguments; results in that order."""

    def call_any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Give each job to a free process; results as they come."""


class ProcessPool:
    """Spawned processes, not forked ones, so that it works the same on every platform.

    Each process calls ``make`` with its number and ``arguments``; they are sent as a pickle.
    """

    def __init__(self, size: int, make: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")
        self._connections: list[Connection] = []
        self._processes = []
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, make, number, *arguments), daemon=True
            )
            process.start()
            theirs.close()  # so that we notice when the process dies
            self._connections.append(ours)
            self._processes.append(process)

    @property
    def size(self) -> int:
        return len(self._connections)

    def call_all(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        for connection, args in zip(self._connections, arguments, strict=True):
            _send(connection, method, args)
        return [_receive(connection) for connection in self._connections]

    def call_any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        free, busy = [*self._connections], list[Connection]()
        for args in jobs:
            if not free:
                for ready in wait(busy):
                    assert isinstance(ready, Connection)
                    busy.remove(ready)
                    free.append(ready)
                    yield _receive(ready)
            connection = free.pop()
            _send(connection, method, args)
            busy.append(connection)
        for connection in busy:
            yield _receive(connection)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()  # ends the process
        for process in self._processes:
            process.join(5.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _send(connection: Connection, method: str, arguments: Sequence[Any]) -> None:
    try:
        connection.send((method, arguments))
    except OSError:
        raise ProcessFailed("A process has died; was there enough memory?") from None


def _receive(connection: Connection) -> Any:
    try:
        failure, result = connection.recv()
    except (EOFError, OSError):
        raise ProcessFailed("A process has died; was there enough memory?") from None
    if failure:
        raise ProcessFailed(f"A process has failed: {failure}")
    return result


def _serve(calls: Connection, make: Callable[..., Any], number: int, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    # The state is many small objects without cycles; collecting garbage takes long and finds none.
    gc.disable()
    held: Any = None
    with calls, suppress(EOFError, BrokenPipeError):
        while True:
            method, args = calls.recv()
            try:
                held = held or make(number, *arguments)
                result = getattr(held, method)(*args)
            except Exception as error:
                calls.send((describe_failure(error), None))
            else:
                calls.send((None, result))
