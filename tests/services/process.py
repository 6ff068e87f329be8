# SPDX-License-Identifier: Apache-2.0
"""One server as a child process: started, probed until ready, stopped, killed, frozen, restarted.

All methods block; an async test calls them through `asyncio.to_thread` where that matters.
"""

from __future__ import annotations

import atexit
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

LOOPBACK = "127.0.0.1"
_PROBE_INTERVAL_S = 0.05
_START_TRIES = 3
_LOG_TAIL_BYTES = 4_000
# Outlives a test run which is itself killed with SIGKILL: a line says that all is well, the end of
# the pipe without one that the run is dead. $1 is the server's process id, $2 its directory.
_WATCH = 'read line || { kill -9 "$1"; rm -rf -- "$2"; }'


class ServiceUnavailable(Exception):
    """This machine lacks what the server needs; the message names it."""


def free_ports(count: int) -> list[int]:
    """Distinct unused loopback ports below the kernel's ephemeral range.

    Below it, so that no outgoing connection takes a port while its server is down.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Server(ABC):
    """A server with its own temporary directory, kept over restarts and removed by `close`."""

    name: ClassVar[str]
    start_timeout_s: ClassVar[float]
    stop_timeout_s: ClassVar[float]
    running: ClassVar[list[Server]] = []

    def __init__(self) -> None:
        """Raise `ServiceUnavailable` (from subclasses) when the machine cannot run this server."""
        self.directory = Path(tempfile.mkdtemp(prefix=f"shadowpoints-{self.name}-"))
        self.log_path = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @abstractmethod
    def _prepare(self) -> None:
        """Pick ports and write configuration; repeated when a first start fails."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool:
        """Say whether clients are served; connection errors count as not yet."""

    def start(self) -> Self:
        """Return once clients are served; raise RuntimeError with the log's end otherwise."""
        if self._process is not None:
            raise RuntimeError(f"{self.name} runs already")
        # A port may be taken between its choice and its use. Once data exist, ports are kept.
        tries = 1 if self._prepared else _START_TRIES
        for attempt in range(1, tries + 1):
            if not self._prepared:
                self._prepare()
            try:
                self._launch()
                break
            except RuntimeError:
                if attempt == tries:
                    raise
        self._prepared = True
        return self

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def _launch(self) -> None:
        with self.log_path.open("ab") as log:
            # Its own session: Ctrl-C reaches pytest alone, which then stops servers in order.
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        Server.running.append(self)
        self._watch = subprocess.Popen(
            ["sh", "-c", _WATCH, "sh", str(self._process.pid), str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_timeout_s
        while not self._ready():
            if process.poll() is not None:
                raise RuntimeError(
                    f"{self.name} exited with {process.returncode} at start\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name} was not ready after {self.start_timeout_s} s\n{self.log_tail()}"
                )
            time.sleep(_PROBE_INTERVAL_S)

    def stop(self) -> None:
        """Ask it to end, force it after `stop_timeout_s`; nothing happens when it is down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        self.resume()  # a frozen process cannot act on SIGTERM
        process.send_signal(how)
        try:
            process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._watch is not None:
            self._watch.communicate(b"\n")
        self._process = self._watch = None
        Server.running.remove(self)

    def restart(self) -> None:
        """Stop and start on the same data and ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Thaw it after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(what)

    def close(self) -> None:
        """Stop it and remove its data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self) -> str:
        """Return the last part of what it printed."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(max(0, self.log_path.stat().st_size - _LOG_TAIL_BYTES))
            return log.read().decode("utf-8", "replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    """Catch what no fixture closed, such as a server started by hand in a debugger."""
    for server in list(Server.running):
        server.close()
