"""Processes which do their parts of one thing: asked by method name, answering in turn."""

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

from stream.runtime.dead_letters import describe_failure


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# Directories hold some; a process gets what it works by as a pickle.
register(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))


class MemberFailed(Exception):
    """A process has failed or died; the text names nobody."""


class Team(Protocol):
    """Members do what they are asked, several at a time."""

    @property
    def size(self) -> int: ...

    def each(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        """Ask all, each with its own arguments; answers in their order."""

    def any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Give jobs to whoever is free; answers as they come."""


class Processes:
    """Started afresh, not forked, so that it works the same everywhere.

    ``make`` is called in each process with its number; it and ``arguments`` travel by pickle.
    """

    def __init__(self, size: int, make: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")
        self._members: list[Connection] = []
        self._processes = []
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, make, number, *arguments), daemon=True
            )
            process.start()
            theirs.close()  # so that its end is noticed
            self._members.append(ours)
            self._processes.append(process)

    @property
    def size(self) -> int:
        return len(self._members)

    def each(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        for member, args in zip(self._members, arguments, strict=True):
            _ask(member, method, args)
        return [_answer(member) for member in self._members]

    def any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        free, busy = [*self._members], list[Connection]()
        for args in jobs:
            if not free:
                for ready in wait(busy):
                    assert isinstance(ready, Connection)
                    busy.remove(ready)
                    free.append(ready)
                    yield _answer(ready)
            member = free.pop()
            _ask(member, method, args)
            busy.append(member)
        for member in busy:
            yield _answer(member)

    def close(self) -> None:
        for member in self._members:
            member.close()  # tells them to end
        for process in self._processes:
            process.join(5.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _ask(member: Connection, method: str, arguments: Sequence[Any]) -> None:
    try:
        member.send((method, arguments))
    except OSError:
        raise MemberFailed("A process has died; was there enough memory?") from None


def _answer(member: Connection) -> Any:
    try:
        failure, answer = member.recv()
    except (EOFError, OSError):
        raise MemberFailed("A process has died; was there enough memory?") from None
    if failure:
        raise MemberFailed(f"A process has failed: {failure}")
    return answer


def _serve(asked: Connection, make: Callable[..., Any], number: int, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process which started us ends us
    # What is held is many small objects without cycles; looking through them takes for ever.
    gc.disable()
    member: Any = None
    with asked, suppress(EOFError, BrokenPipeError):
        while True:
            method, args = asked.recv()
            try:
                member = member or make(number, *arguments)
                answer = getattr(member, method)(*args)
            except Exception as error:
                asked.send((describe_failure(error), None))
            else:
                asked.send((None, answer))
