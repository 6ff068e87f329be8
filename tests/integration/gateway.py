# SPDX-License-Identifier: Apache-2.0
"""The gateway as a real process beside a deployment, with a brand's secrets in its environment."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from stream.commands.health_client import ask as ask_health
from stream.config.settings import PREFIX
from tests.gateway.http import Said, ask
from tests.integration.cluster import Cluster
from tests.services.process import free_ports
from tests.support import commands
from tests.wechat.pay.sealed import (
    API_V3_KEY,
    CERTIFICATE_SERIAL,
    PUBLIC_KEY_ID,
    certificate_pem,
    public_key_pem,
)
from tests.wechat.pay.shapes import CARD_ID, MCHID, MINI_PROGRAM, PROVIDER, PROVIDER_MCHID
from tests.wechat.push.build import APPID, ENCODING_AES_KEY, ORIGINAL_ID, TOKEN, Sent

MINI_ORIGINAL_ID: Final = "gh_abc0000002"
APPS: Final = f"""
apps:
  - appid: {APPID}
    name: Official Account
    kind: official_account
    original_id: {ORIGINAL_ID}
    open_account: abc-brand
    push: {{token_env: OA_TOKEN, aes_key_env: OA_AES_KEY}}
  - appid: {MINI_PROGRAM}
    name: Mini-program
    kind: mini_program
    original_id: {MINI_ORIGINAL_ID}
    open_account: abc-brand
    push: {{token_env: OA_TOKEN, aes_key_env: OA_AES_KEY}}
  - appid: {PROVIDER}
    name: Payment service provider
    kind: service_provider
merchants:
  - mchid: "{MCHID}"
    name: Tills
    api_v3_key_env: API_V3_KEY
    keys:
      - {{serial: {PUBLIC_KEY_ID}, file: public.pem}}
      - {{serial: {CERTIFICATE_SERIAL}, file: platform.pem}}
    card_appids: {{{CARD_ID}: {APPID}}}
    mall_appid: {MINI_PROGRAM}
    coupon_appid: {APPID}
    mall_consent_text: mall-2026-01
  - mchid: "{PROVIDER_MCHID}"
    name: Provider
    api_v3_key_env: API_V3_KEY
    keys:
      - {{serial: {PUBLIC_KEY_ID}, file: public.pem}}
"""
#: One by its value, the others in files, as both may be.
IN_ENVIRONMENT: Final = {"OA_TOKEN": TOKEN}
IN_FILES: Final = {"OA_AES_KEY": ENCODING_AES_KEY, "API_V3_KEY": API_V3_KEY.decode()}


def write_brand(directory: Path, forward_to: str = "") -> dict[str, str]:
    """The apps file with keys and secrets beside it; the variables which name them.

    ``forward_to`` is the address to which the first merchant's notifications also go.
    """
    merchant = f'  - mchid: "{MCHID}"\n'
    to = f"    forward_to: {forward_to}\n" if forward_to else ""
    (directory / "apps.yaml").write_text(APPS.replace(merchant, merchant + to), "utf-8")
    (directory / "public.pem").write_bytes(public_key_pem())
    (directory / "platform.pem").write_bytes(certificate_pem())
    files = {}
    for name, secret in IN_FILES.items():
        path = directory / name.lower()
        path.write_text(secret + "\n", "utf-8")
        files[f"{name}_FILE"] = str(path)
    return {PREFIX + "APPS": str(directory / "apps.yaml"), **IN_ENVIRONMENT, **files}


@dataclass
class Gateway:
    """A running process."""

    process: subprocess.Popen[bytes]
    port: int
    web_port: int
    log: Path

    async def pay(self, sent: Any, mchid: str = MCHID) -> Said:
        return await ask(self.port, f"/wechat/pay/{mchid}", sent.body, headers=sent.headers)

    async def push(self, sent: Sent, app: str = APPID) -> Said:
        return await ask(self.port, f"/wechat/push/{app}?{urlencode(sent.query)}", sent.body)

    async def is_at_work(self) -> bool:
        metrics = await ask(self.web_port, "/metrics", method="GET")
        return b"shadowpoints_gateway_requests 0.0" not in metrics.body

    async def why_unready(self) -> str | None:
        return await asyncio.to_thread(ask_health, self.web_port)

    async def ready(self) -> None:
        async with asyncio.timeout(60):
            while await self.why_unready():
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.1)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def start(environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Not ready yet."""
    return commands.start([*commands.SHADOWPOINTS, "gateway"], environment, log)


@asynccontextmanager
async def gateway(
    cluster: Cluster, variables: dict[str, str], **settings: str
) -> AsyncIterator[Gateway]:
    """Ready to take deliveries; killed at the end if it still runs."""
    port, web_port = free_ports(2)
    mine = {"GATEWAY_PORT": str(port), "WEB_PORT": str(web_port), **settings}
    environment = cluster.environment | variables
    environment |= {PREFIX + name: value for name, value in mine.items()}
    log = cluster.logs / f"gateway-{port}.log"
    process = start(environment, log)
    started = Gateway(process, port, web_port, log)
    try:
        await started.ready()
        yield started
    finally:
        process.kill()
        process.wait()
