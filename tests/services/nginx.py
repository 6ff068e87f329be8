# SPDX-License-Identifier: Apache-2.0
"""A real nginx with a configuration of ``ops/nginx``, on ports of its own."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.services.process import LOOPBACK, Server, ServiceUnavailable, free_ports

OPS = Path(__file__).parents[2] / "ops" / "nginx"
#: All that nginx would write is in its own directory.
_MAIN = """{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {http}
}}
"""


class Nginx(Server):
    """``text`` is the http block's content; ``ports``, by what stands in it, replace its ports.

    ``listens`` is the port in the text on which it listens.
    """

    name: ClassVar[str] = "nginx"
    start_timeout_s: ClassVar[float] = 60.0
    stop_timeout_s: ClassVar[float] = 5.0

    def __init__(self, text: str, listens: int, ports: Mapping[int, int]) -> None:
        binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if binary is None:
            raise ServiceUnavailable("nginx is not installed")
        super().__init__()
        self._binary, self._text, self._listens, self._ports = binary, text, listens, ports
        self.port = 0

    def _prepare(self) -> None:
        (self.port,) = free_ports(1)
        http = self._text
        for written, used in {**self._ports, self._listens: self.port}.items():
            if f":{written};" not in http and f":{written} " not in http:
                raise RuntimeError(f"the configuration has no port {written}")
            http = http.replace(f":{written};", f":{used};")
        user = "user root;" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(_MAIN.format(user=user, http=http), "utf-8")

    def _command(self) -> list[str]:
        return [self._binary, "-p", str(self.directory), "-c", "nginx.conf"]

    def _ready(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1.0).close()
        except OSError:
            return False
        return True
