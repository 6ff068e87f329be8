# SPDX-License-Identifier: Apache-2.0
"""The receiver of webhooks that docs/webhooks.md shows, as a process that can be killed.

    python -m tests.services.receiver

``faults.json`` in its directory has statuses to reply with, by subject; ``requests.log`` gets the
id of each request that was verified.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import sys
from base64 import b64encode
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.services.process import LOOPBACK, Server, free_ports

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = f"whsec_{b64encode(b'secret of the receiver!!').decode()}"
_BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class WebhookReceiver(Server):
    """Keeps its events over restarts."""

    name = "receiver"
    start_timeout_s = 60.0
    stop_timeout_s = 5.0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}/in"

    def _prepare(self) -> None:
        (self._port,) = free_ports(1)
        self.secret_file = self.directory / "secret"
        self.secret_file.write_text(SECRET)
        self.reply({})

    def _command(self) -> list[str]:
        variables = (f"WEBHOOK_SECRET={SECRET}", f"PORT={self._port}", f"PYTHONPATH={ROOT}")
        return ["env", *variables, sys.executable, "-m", "tests.services.receiver"]

    def _ready(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self._port), 1).close()
        except OSError:
            return False
        return True

    def reply(self, statuses: Mapping[str, int]) -> None:
        """Reply so to events with these subjects, and take all others."""
        new = self.directory / "faults.new"
        new.write_text(json.dumps(statuses))
        new.rename(self.directory / "faults.json")

    def events(self) -> list[dict[str, Any]]:
        """All that it took, in order."""
        try:
            with sqlite3.connect(self.directory / "events.db") as db:
                return [json.loads(e) for (e,) in db.execute("SELECT event FROM events")]
        finally:
            db.close()

    def requests(self) -> list[str]:
        """The ids of all requests that it replied to."""
        log = self.directory / "requests.log"
        return log.read_text().split() if log.exists() else []


def main() -> None:
    """Run the page's receiver, with faults."""
    (source,) = _BLOCK.findall((ROOT / "docs" / "webhooks.md").read_text("utf-8"))
    page: dict[str, Any] = {"__name__": "page"}
    exec(compile(source, "docs/webhooks.md", "exec"), page)

    receiver: Any = page["Receiver"]

    class Faulty(receiver):  # type: ignore[misc]
        def take(self, body: bytes) -> int:
            with Path("requests.log").open("a") as log:
                log.write(f"{self.headers['webhook-id']}\n")
            faults = json.loads(Path("faults.json").read_text())
            status = faults.get(json.loads(body)["subject"])
            return int(super().take(body) if status is None else status)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    class Listening(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Nothing: clients are killed."""

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Listening((LOOPBACK, int(os.environ["PORT"])), Faulty).serve_forever()


if __name__ == "__main__":
    main()
