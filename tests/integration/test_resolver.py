# SPDX-License-Identifier: Apache-2.0
"""The resolver on real servers: who paid is bound while WeChat's window is open."""

from __future__ import annotations

import asyncio
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.commands.health_client import ask
from stream.rules.loader import load_rules
from tests.integration.cluster import Cluster, Source
from tests.services import wechat as api
from tests.services.kafka import KafkaServer
from tests.services.process import Server, free_ports
from tests.services.redis import RedisServer
from tests.services.wechat import WeChat
from tests.support import commands, payloads
from tests.support.snapshot import snapshot

pytestmark = pytest.mark.integration

OA, MINI_PROGRAM = "wx1a2b3c4d5e6f7a01", "wx1a2b3c4d5e6f7a02"
MEI, LI = "oMiniProgramMei0000000000-1", "oMiniProgramLi00000000000-1"
MEI_OA = "oOfficialMei00000000000000_1"
UNION = "uMei0001"
PROFILE = f"union.abc-brand.{UNION}"
APPS = f"""
apps:
  - {{appid: {OA}, name: OA, kind: official_account, open_account: abc-brand,
     secret_env: OA_SECRET}}
  - {{appid: {MINI_PROGRAM}, name: MP, kind: mini_program, open_account: abc-brand,
     secret_env: MP_SECRET}}
"""


class Service:
    """The resolver as a process."""

    def __init__(self, cluster: Cluster, log: Path) -> None:
        (self.port,) = free_ports(1)
        environment = cluster.environment | {"SHADOWPOINTS_WEB_PORT": str(self.port)}
        self.log = log
        self.process = commands.start([*commands.SHADOWPOINTS, "resolver"], environment, log)

    def metrics(self) -> dict[str, float]:
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as page:
            lines = page.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(number) for name, _, number in pairs}

    def until(self, name: str, least: float = 1, within_s: float = 120) -> dict[str, float]:
        end = time.monotonic() + within_s
        while True:
            try:
                found = self.metrics()
            except OSError:
                found = {}
            if found.get(name, 0) >= least:
                return found
            assert time.monotonic() < end, (name, found, self.log.read_text())
            time.sleep(0.1)

    def ready(self) -> None:
        """Wait until it reads: the group has placed its partitions."""
        end = time.monotonic() + 40
        while "Reading" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log.read_text()


@pytest.fixture
def brand_settings(
    wechat: WeChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What a deployment needs whose WeChat is the stand-in."""
    apps = tmp_path / "apps.yaml"
    apps.write_text(APPS, "utf-8")
    for name, appid in (("OA_SECRET", OA), ("MP_SECRET", MINI_PROGRAM)):
        secret = f"secretof{appid}"
        wechat.add_app(appid, secret)
        monkeypatch.setenv(name, secret)
    wechat.apps[MINI_PROGRAM].unionids = {MEI: UNION, LI: "uLi00001"}
    wechat.apps[OA].unionids = {MEI_OA: UNION}
    wechat.apps[OA].followers = [MEI_OA]
    return {"APPS": str(apps), "WECHAT_API_URL": wechat.url}


@pytest.fixture
def brand(brand_settings: dict[str, str], new_cluster: Callable[..., Cluster]) -> Cluster:
    """One deployment."""
    return new_cluster(**brand_settings)


@pytest.fixture
def start(brand: Cluster, tmp_path: Path) -> Iterator[Callable[[], Service]]:
    """Give a starter of resolvers."""
    services: list[Service] = []

    def started() -> Service:
        service = Service(brand, tmp_path / f"resolver-{len(services)}.log")
        services.append(service)
        service.ready()
        return service

    yield started
    for service in services:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()


def event(type_: str, id_: str, data: dict[str, Any], ago_s: float = 0) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    return payloads.document(type_, id_, at, data, "urn:example:test")


def payment(openid: str, transaction_id: str, ago_s: float = 1) -> Source:
    paid = event("payment.succeeded.v1", transaction_id, {}, ago_s)
    paid["data"] = payloads.payment(paid["time"], transaction_id, openid, 1850, appid=MINI_PROGRAM)
    return "wechat.pay", None, orjson.dumps(paid), []


def consent(openid: str) -> Source:
    data = {
        "appid": MINI_PROGRAM,
        "openid": openid,
        "text_version": "v1",
        "channel": "mini_program",
    }
    given = event("consent.granted.v1", f"c-{openid}", data, ago_s=400)
    return "privacy.requests", None, orjson.dumps(given), []


def follow(openid: str) -> Source:
    data = {"appid": OA, "openid": openid}
    return (
        "wechat.official-account",
        None,
        orjson.dumps(event("account.followed.v1", "f", data)),
        [],
    )


def balances(entities: dict[str, bytes]) -> dict[str, int]:
    return snapshot(entities, load_rules(), int(time.time() * 1000)).balances


async def test_a_payer_is_bound_inside_the_window_and_a_late_one_is_missed(
    brand: Cluster, start: Callable[[], Service], wechat: WeChat
) -> None:
    brand.start_worker()
    service = start()
    await brand.publish([consent(MEI), consent(LI)])
    wechat.paid(MINI_PROGRAM, MEI, "4200000001")
    wechat.answer_code(api.PAID_UNIONID, -1)  # busy at first
    wechat.answer_status(api.PAID_UNIONID, 502)
    await brand.publish([payment(MEI, "4200000001")])
    service.until('shadowpoints_resolver_lookups_total{api="get_paid_unionid",outcome="bound"}')
    await brand.settled()
    assert await brand.dead_letters() == []
    assert balances(await brand.entities()) == {PROFILE: 231 + 200}

    # WeChat is slow until Li's window has ended, two seconds from now
    wechat.paid(MINI_PROGRAM, LI, "4200000002")
    wechat.be_slow(api.PAID_UNIONID, 10, times=3)
    await brand.publish([payment(LI, "4200000002", ago_s=298)])
    name = 'shadowpoints_resolver_missed_total{api="get_paid_unionid",reason="late_answer"}'
    service.until(name)
    await brand.publish([payment(LI, "4200000003", ago_s=301)])  # WeChat's fifth retry, say
    name = 'shadowpoints_resolver_missed_total{api="get_paid_unionid",reason="late_event"}'
    metrics = service.until(name)
    await brand.settled()
    origin = f"origin.{MINI_PROGRAM}.{LI}"
    assert balances(await brand.entities()).keys() == {PROFILE, origin}

    assert metrics["shadowpoints_resolver_bind_rate"] == 0.5
    assert 0 < metrics['shadowpoints_resolver_bind_latency_seconds{quantile="0.99"}'] < 60
    left = f'{{api="get_paid_unionid",appid="{MINI_PROGRAM}"}}'
    assert metrics[f"shadowpoints_resolver_quota_left{left}"] < 500_000
    service.stop()
    log = service.log.read_text()
    assert MEI not in log
    assert LI not in log
    assert "secretof" not in log


async def test_a_follower_is_bound_and_what_a_crash_left_is_asked_again(
    brand: Cluster, start: Callable[[], Service], wechat: WeChat
) -> None:
    brand.start_worker()
    first = start()
    wechat.paid(MINI_PROGRAM, MEI, "4200000001")
    wechat.be_slow(api.PAID_UNIONID, 60)
    await brand.publish([consent(MEI), payment(MEI, "4200000001")])
    end = time.monotonic() + 30
    while not wechat.count(api.PAID_UNIONID):
        assert time.monotonic() < end, first.log.read_text()
        await asyncio.sleep(0.05)
    first.process.kill()
    first.process.wait()

    second = start()
    second.until('shadowpoints_resolver_lookups_total{api="get_paid_unionid",outcome="bound"}')
    await brand.publish([follow(MEI_OA)])
    second.until('shadowpoints_resolver_lookups_total{api="user_info",outcome="bound"}')
    await brand.settled()
    found = snapshot(await brand.entities(), load_rules(), int(time.time() * 1000))
    one, other = f"origin.{MINI_PROGRAM}.{MEI}", f"origin.{OA}.{MEI_OA}"
    assert found.binds == {one: PROFILE, other: PROFILE}
    # the token is the first one's; who is bound is not asked for
    assert wechat.counted()[api.STABLE_TOKEN] == 2
    wechat.paid(MINI_PROGRAM, MEI, "4200000009")
    await brand.publish([payment(MEI, "4200000009")])
    second.until('shadowpoints_resolver_lookups_total{api="get_paid_unionid",outcome="known"}')
    assert wechat.counted()[api.PAID_UNIONID] == 2
    second.stop()


@pytest.mark.timeout(480)
@pytest.mark.parametrize("away", ["redis", "kafka"])
async def test_with_a_server_away_it_waits(
    away: str,
    brand_settings: dict[str, str],
    new_kafka: Callable[[], KafkaServer],
    new_redis: Callable[..., RedisServer],
    wechat: WeChat,
    tmp_path: Path,
) -> None:
    kafka, redis = new_kafka(), new_redis("everysec")
    server: Server = redis if away == "redis" else kafka
    with Cluster(kafka.bootstrap, redis.url, "away", tmp_path, 2, brand_settings) as cluster:
        service = Service(cluster, tmp_path / "resolver.log")
        service.ready()
        server.kill()
        end = time.monotonic() + 15
        while time.monotonic() < end:
            assert service.process.poll() is None, service.log.read_text()
            await asyncio.sleep(0.5)
        problem = ask(service.port)
        assert problem is not None
        assert away.capitalize() in problem

        await asyncio.to_thread(server.restart)
        wechat.paid(MINI_PROGRAM, MEI, "4200000001")
        await cluster.publish([payment(MEI, "4200000001")])
        bound = 'shadowpoints_resolver_lookups_total{api="get_paid_unionid",outcome="bound"}'
        service.until(bound)
        assert ask(service.port) is None
        service.stop()
