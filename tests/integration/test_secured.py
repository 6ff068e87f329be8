# SPDX-License-Identifier: Apache-2.0
"""The whole path through TLS, users and the rights of docs/security.md, by settings alone."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from schemas import format_time, time_from_ms
from stream.config.client_security import kafka_options
from stream.config.settings import PREFIX, Settings, load_settings
from tests.conftest import unavailable
from tests.gateway.endpoints.build import TILL, signed
from tests.gateway.http import Said, ask
from tests.integration.gateway import Gateway, write_brand
from tests.services.process import ServiceUnavailable, free_ports
from tests.services.receiver import WebhookReceiver
from tests.services.secure import ADMIN, ADMIN_PASSWORD, Authority, SecureKafka, SecureRedis
from tests.services.wechat import WeChat
from tests.support import payloads
from tests.support.commands import SHADOWPOINTS, others, run, start
from tests.support.desk import page, signed_in
from tests.support.security_page import allow_in_kafka, allow_in_redis
from tests.wechat.pay.sealed import Platform
from tests.wechat.pay.shapes import SHAPES
from tests.wechat.push.build import APPID, event, sealed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]  # each right is a JVM

MARK = "s3cret"  # in every password
USERS = (
    "shadowpoints-worker", "shadowpoints-topics", "shadowpoints-operator", "shadowpoints-privacy",
    "shadowpoints-eraser", "shadowpoints-gateway", "shadowpoints-resolver",
    "shadowpoints-webhooks", "shadowpoints-desk", "till", "crm",
)  # fmt: skip
MINI_PROGRAM, MEI_THERE, MEI = "wx1a2b3c4d5e6f7a02", "oMiniProgramMei0000000000-1", "uMei0001"
MEI_UNION = f"union.abc-brand.{MEI}"
PAYMENTS = 5
RESOLVED_APPS = f"""
apps:
  - {{appid: {MINI_PROGRAM}, name: MP, kind: mini_program, open_account: abc-brand,
     secret_env: MP_SECRET}}
"""


@dataclass(frozen=True)
class Secured:
    """Both servers, with the page's users; ``secrets`` has a password file for each."""

    kafka: SecureKafka
    redis: SecureRedis
    secrets: Path

    def environment(self, user: str, **variables: str) -> dict[str, str]:
        """The settings of somebody with this name in Kafka."""
        mine = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_USERNAME": user,
            "KAFKA_PASSWORD_FILE": str(self.secrets / user),
            "KAFKA_CA_FILE": str(self.kafka.authority.ca),
            "REDIS_URL": self.redis.url,
            "REDIS_USERNAME": "shadowpoints-worker",
            "REDIS_PASSWORD": password("shadowpoints-worker"),
            "REDIS_CA_FILE": str(self.redis.authority.ca),
            "PARTITIONS": "2",
            "SESSION_TIMEOUT_S": "6",
            "LOG_LEVEL": "DEBUG",
            **variables,
        }
        return {PREFIX + name: value for name, value in mine.items() if value}

    @property
    def redis_operator(self) -> dict[str, str]:
        """The variables of who may read Redis and not write it."""
        user = "shadowpoints-operator"
        return {"REDIS_USERNAME": user, "REDIS_PASSWORD": password(user)}

    def settings(self, user: str) -> Settings:
        return load_settings(self.environment(user))

    def kafka_options(self, user: str) -> dict[str, Any]:
        return {"bootstrap_servers": self.kafka.bootstrap, **kafka_options(self.settings(user))}

    def shadowpoints(self, command: Sequence[str], user: str, **variables: str) -> str:
        """Run a command to its end: its exit code and all that it said."""
        done = run([*SHADOWPOINTS, *command], others() | self.environment(user, **variables), 50)
        return f"{done.stdout}{done.stderr}exit code {done.returncode}"

    @contextmanager
    def running(
        self, command: str, log: Path, **variables: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run ``worker`` or ``privacy`` as the user of that name, until SIGTERM."""
        mine = self.environment(f"shadowpoints-{command}", **variables)
        started = start([*SHADOWPOINTS, command], others() | mine, log)
        try:
            yield started
        finally:
            started.terminate()
            started.wait(10)


def password(user: str) -> str:
    return f"{MARK}-of-{user}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Both servers, and topics made by the user who may make them."""
    directory, secrets = tmp_path_factory.mktemp("secured"), tmp_path_factory.mktemp("secrets")
    for user in USERS:
        (secrets / user).write_text(password(user) + "\n", "utf-8")
    with ExitStack() as stack:
        try:
            redis = stack.enter_context(SecureRedis())
            kafka = stack.enter_context(SecureKafka({user: password(user) for user in USERS}))
            allow_in_redis(
                redis,
                directory,
                worker=password("shadowpoints-worker"),
                operator=password("shadowpoints-operator"),
                resolver=password("shadowpoints-resolver"),
                desk=password("shadowpoints-desk"),
            )
        except ServiceUnavailable as reason:
            unavailable(str(reason))
        allow_in_kafka(kafka, directory)
        made = Secured(kafka, redis, secrets)
        said = made.shadowpoints(["topics", "create"], "shadowpoints-topics")
        assert said.count("created") == 15, said
        assert "exit code 0" in said
        yield made


def binary(type_: str, id_: str, at: str) -> list[tuple[str, bytes]]:
    headers = {"specversion": "1.0", "id": id_, "source": "urn:test", "type": type_, "time": at}
    return [(f"ce_{name}", value.encode()) for name, value in headers.items()]


def happened(days_ago: int) -> str:
    return format_time(time_from_ms(int(time.time() * 1000) - days_ago * 86_400_000 - 60_000))


async def publish(
    secured: Secured, user: str, topic: str, records: Sequence[tuple[dict[str, Any], Any]]
) -> None:
    async with AIOKafkaProducer(**secured.kafka_options(user), acks="all") as producer:
        for data, headers in records:
            key = dict(headers).get("ce_id")  # compacted topics want one
            await producer.send_and_wait(topic, orjson.dumps(data), key, headers=headers)


async def first_of(secured: Secured, user: str, group: str, topic: str) -> dict[str, Any]:
    """The first record of a topic, read in a consumer group."""
    consumer = AIOKafkaConsumer(
        topic, **secured.kafka_options(user), group_id=group, auto_offset_reset="earliest"
    )
    try:
        async with asyncio.timeout(60):
            await consumer.start()
            found: dict[str, Any] = orjson.loads((await consumer.getone()).value)
            return found
    finally:
        await consumer.stop()  # by hand: a start which is refused leaves connections open


async def test_everyone_works_with_their_rights_alone(secured: Secured, tmp_path: Path) -> None:
    mei = {"appid": MINI_PROGRAM, "openid": MEI_THERE, "unionid": MEI, "open_account": "abc-brand"}
    consent = {**mei, "text_version": "v1", "channel": "mini_program"}
    agreed = binary("consent.granted.v1", "c-1", happened(PAYMENTS))
    payments = [
        (payment(day), binary("payment.succeeded.v1", f"p-{day}", happened(day)))
        for day in range(PAYMENTS)
    ]
    log, its_log = tmp_path / "worker.log", tmp_path / "privacy.log"
    wish = binary("export.requested.v1", "e-1", happened(0))

    with secured.running("worker", log) as worker:
        await publish(secured, "crm", "privacy.requests", [(consent, agreed)])
        await publish(secured, "till", "wechat.pay", payments)
        try:
            offer = await first_of(secured, "crm", "crm", "shadow.offers")
        except TimeoutError:
            pytest.fail(log.read_text("utf-8")[-4_000:], pytrace=False)
        await publish(secured, "crm", "privacy.requests", [({"consumer_id": MEI_UNION}, wish)])
        with secured.running("privacy", its_log, **secured.redis_operator) as privacy:
            try:
                export = await first_of(secured, "crm", "crm", "shadow.exports")
            except TimeoutError:
                pytest.fail(its_log.read_text("utf-8")[-4_000:], pytrace=False)
        assert worker.poll() is None

    assert worker.returncode == privacy.returncode == 0
    assert offer["consumer_id"] == export["consumer_id"] == MEI_UNION
    assert offer["points"] >= 1200
    assert export["account"]["last_offer"]["points"] >= 1200
    said = log.read_text("utf-8") + its_log.read_text("utf-8")
    assert "[DEBUG]" in said
    assert [text for text in (MARK, MEI, MEI_THERE) if text in said] == []
    with secured.redis.admin() as admin:
        assert [e for e in admin.acl_log() if e["object"] != "client|setinfo"] == []


def test_whoever_erases_needs_no_other_rights(secured: Secured, tmp_path: Path) -> None:
    eraser, nobody = "shadowpoints-eraser", "union.abc-brand.uNobody0000000000000000001"
    with secured.running("worker", tmp_path / "worker.log"):
        trial = secured.shadowpoints(
            ["erase", nobody, "--dry-run"], eraser, **secured.redis_operator
        )
        erased = secured.shadowpoints(["erase", nobody, "--yes"], eraser, **secured.redis_operator)
        denied = secured.shadowpoints(["sweep"], "till", **secured.redis_operator)

    assert trial.startswith("Redis: 0 entities"), trial
    assert trial.endswith("exit code 0"), trial
    assert erased.startswith("0 messages to entities"), erased
    assert erased.endswith("exit code 0"), erased
    assert "Traceback" not in denied
    assert denied.endswith("exit code 1")


LOOKING_UP = f"""
clients:
  - {{id: {TILL.id}, name: Till, kind: till, key_env: TILL_KEY, types: [attendee.checked_in.v1],
     appids: [{APPID}], rights: [look_up]}}
"""


async def _look_up(gateway: Gateway, now_s: int) -> Said:
    """As soon as the worker has come far enough."""
    body = orjson.dumps({"appid": APPID, "openid": "oStranger"})
    async with asyncio.timeout(60):
        while True:
            nonce = f"nonce-{time.monotonic_ns()}"
            headers = signed(TILL, body, at_s=now_s, nonce=nonce)
            said = await ask(gateway.port, "/consumers/lookup", body, headers=headers)
            if said.status != 503:
                return said
            await asyncio.sleep(0.2)


def _all_published(secured: Secured) -> None:
    """Wait until the worker has published all that it decided: it may end after that."""
    for _ in range(30):
        said = secured.shadowpoints(
            ["dlq", "pending"], "shadowpoints-operator", **secured.redis_operator
        )
        if said.startswith("Nothing is pending"):
            return
        time.sleep(0.5)
    raise AssertionError(said)


async def test_the_gateway_writes_what_wechat_sends(
    secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in write_brand(tmp_path).items():
        if not name.startswith(PREFIX):
            monkeypatch.setenv(name, value)
    port, web_port = free_ports(2)
    settings = {
        "APPS": str(tmp_path / "apps.yaml"),
        "GATEWAY_PORT": str(port),
        "WEB_PORT": str(web_port),
        **secured.redis_operator,
    }
    with (tmp_path / "apps.yaml").open("a", encoding="utf-8") as apps:
        apps.write(LOOKING_UP)
    monkeypatch.setenv("TILL_KEY", TILL.keys[0].decode())
    now_s, log = int(time.time()), tmp_path / "gateway.log"
    with secured.running("gateway", log, **settings) as process:
        gateway = Gateway(process, port, web_port, log)
        await gateway.ready()
        paid = await gateway.pay(Platform(now_s=now_s).send(SHAPES["direct"]))
        followed = await gateway.push(sealed(event("subscribe", at=now_s), now_s))
        with secured.running("worker", tmp_path / "worker.log"):
            looked = await _look_up(gateway, now_s)
            await asyncio.to_thread(_all_published, secured)

    assert (paid.status, followed.status, looked.status) == (204, 200, 200)
    said = log.read_text("utf-8")
    assert MARK not in said
    assert "Redis" not in said  # it looked for an offer
    with secured.redis.admin() as admin:
        assert [e for e in admin.acl_log() if e["object"] != "client|setinfo"] == []


async def test_the_resolver_asks_and_publishes(
    secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wechat: WeChat
) -> None:
    apps, log, (web_port,) = tmp_path / "apps.yaml", tmp_path / "resolver.log", free_ports(1)
    apps.write_text(RESOLVED_APPS, "utf-8")
    monkeypatch.setenv("MP_SECRET", MARK)
    wechat.add_app(MINI_PROGRAM, MARK).unionids = {"oResolved": "uResolved"}
    paid = payment(0) | {"payer": {"openid": "oResolved"}, "transaction_id": "4200resolved"}
    wechat.paid(MINI_PROGRAM, "oResolved", "4200resolved")
    settings = {
        "APPS": str(apps),
        "WECHAT_API_URL": wechat.url,
        "WEB_PORT": str(web_port),
        "REDIS_USERNAME": "shadowpoints-resolver",
        "REDIS_PASSWORD": password("shadowpoints-resolver"),
    }
    with secured.running("resolver", log, **settings):
        await until(lambda: log.read_text("utf-8").count("Reading") == 6)
        headers = binary("payment.succeeded.v1", "resolved", happened(0))
        await publish(secured, "till", "wechat.pay", [(paid, headers)])
        await until(lambda: b'outcome="bound"' in metrics_page(web_port))

    said = log.read_text("utf-8")
    assert MARK not in said
    assert "Redis does not answer" not in said  # nor refuses


async def test_webhooks_are_delivered_and_become_dead_letters(
    secured: Secured, tmp_path: Path
) -> None:
    log, (web_port,) = tmp_path / "webhooks.log", free_ports(1)
    event = binary("offer.lapsed.v1", "lapsed-1", happened(0))
    headers = [*event, ("ce_subject", MEI_UNION.encode())]
    await publish(secured, "shadowpoints-worker", "shadow.offers", [({}, headers)])
    with WebhookReceiver() as receiver:
        receiver.reply({MEI_UNION: 410})
        settings = {
            "WEBHOOK_URL": receiver.url,
            "WEBHOOK_SECRET_FILE": str(receiver.secret_file),
            "WEB_PORT": str(web_port),
            "REDIS_USERNAME": "",
            "REDIS_PASSWORD": "",
        }
        with secured.running("webhooks", log, **settings):
            await until(lambda: "Reading" in log.read_text("utf-8"))
            await until(lambda: b'outcome="webhook_refused"' in metrics_page(web_port))
    said = log.read_text("utf-8")
    assert not re.search(f"{MARK}|{MEI}|whsec_|/in", said)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def metrics_page(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
        content: bytes = page.read()
    return content


def payment(day: int) -> dict[str, Any]:
    transaction = f"42000000002026112200000000{day:02}"
    return payloads.payment(happened(day), transaction, MEI_THERE, 1850, appid=MINI_PROGRAM)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("shadowpoints-worker", "wechat.pay"),
        ("shadowpoints-worker", "privacy.requests"),
        ("shadowpoints-worker", "shadow.exports"),
        ("shadowpoints-privacy", "privacy.requests"),
        ("shadowpoints-gateway", "crm.enrolments"),
        ("shadowpoints-resolver", "wechat.shop"),
        ("shadowpoints-resolver", "privacy.requests"),
        ("shadowpoints-gateway", "shadow.resolved"),
        ("shadowpoints-webhooks", "shadow.offers"),
        ("till", "privacy.requests"),
        ("till", "shadow.resolved"),
        ("crm", "wechat.pay"),
        ("crm", "shadow.offers"),
        ("shadowpoints-operator", "shadow.resolved"),
        ("shadowpoints-topics", "wechat.pay"),
    ],
)
async def test_nobody_writes_what_is_not_theirs(secured: Secured, user: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(secured, user, topic, [({}, [])])


async def test_nobody_reads_what_is_not_theirs(secured: Secured) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await first_of(secured, "crm", "crm", "shadow.ledger")
    with pytest.raises(GroupAuthorizationFailedError):
        await first_of(secured, "crm", "shadowpoints", "shadow.offers")


WORKER, CREATE = ["worker"], ["topics", "create"]
LOCKED_OUT = "does not accept the user name and the password"
OTHER_CA = "certificate which cannot be verified"


@pytest.mark.parametrize(
    ("command", "variables", "sentence"),
    [
        (WORKER, {"KAFKA_PASSWORD": f"{MARK}-no", "KAFKA_PASSWORD_FILE": ""}, LOCKED_OUT),
        (CREATE, {"KAFKA_PASSWORD": f"{MARK}-no", "KAFKA_PASSWORD_FILE": ""}, LOCKED_OUT),
        (CREATE, {"KAFKA_USERNAME": "nobody"}, LOCKED_OUT),
        (CREATE, {"KAFKA_SASL_MECHANISM": "PLAIN"}, "does not take this SASL mechanism"),
        (WORKER, {"KAFKA_CA_FILE": "{other}"}, OTHER_CA),
        (CREATE, {"KAFKA_CA_FILE": ""}, OTHER_CA),
        (WORKER, {"REDIS_PASSWORD": f"{MARK}-no"}, "Redis does not let this user in"),
        (WORKER, {"REDIS_CA_FILE": "{other}"}, "certificate of Redis cannot be verified"),
        (
            WORKER,
            {
                "REDIS_URL": "rediss://shadowpoints-worker:" + MARK + "-no@{redis}/0",
                "REDIS_USERNAME": "",
                "REDIS_PASSWORD": "",
            },
            "Redis does not let this user in",
        ),
    ],
)
def test_what_is_refused_is_reported_in_a_sentence_without_a_secret(
    secured: Secured, tmp_path: Path, command: list[str], variables: dict[str, str], sentence: str
) -> None:
    words = {"other": Authority(tmp_path / "tls").ca, "redis": f"127.0.0.1:{secured.redis.port}"}
    said = secured.shadowpoints(
        command,
        "shadowpoints-worker",
        **{name: value.format(**words) for name, value in variables.items()},
    )
    assert sentence in said
    assert said.endswith("exit code 1")
    assert "Traceback" not in said
    assert MARK not in said


def test_a_listener_which_wants_tls_is_not_reached_without(secured: Secured) -> None:
    said = secured.shadowpoints(
        ["topics", "check"], "shadowpoints-worker", KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        KAFKA_CA_FILE="",
    )  # fmt: skip
    assert "KAFKA_SECURITY_PROTOCOL is the listener's" in said
    assert said.endswith("exit code 1")


def test_who_may_not_make_topics_reads_so(secured: Secured) -> None:
    create = ["topics", "create"]
    said = secured.shadowpoints(create, "shadowpoints-worker", TOPIC_PREFIX="elsewhere.")
    assert "Topic elsewhere.wechat.pay was not created: TopicAuthorizationFailedError" in said
    assert said.endswith("exit code 1")


def test_who_may_not_see_configurations_is_warned(secured: Secured) -> None:
    said = secured.shadowpoints(["topics", "check"], "shadowpoints-worker")
    assert said == "all topics are as they must be\nexit code 0"
    said = secured.shadowpoints(["topics", "check"], "shadowpoints-topics")
    assert said.startswith("The configuration of 15 topics may not be described")
    assert "topics create --print" in said
    assert said.endswith("exit code 1")


def test_the_operator_lists_dead_letters(secured: Secured) -> None:
    said = secured.shadowpoints(["dlq", "list"], "shadowpoints-operator")
    assert said.endswith("exit code 0"), said
    said = secured.shadowpoints(["dlq", "list"], "till")
    assert said.endswith("exit code 1")
    assert "Traceback" not in said


def test_the_operator_lists_pending_output_and_the_worker_drops_it(secured: Secured) -> None:
    operator, worker = "shadowpoints-operator", "shadowpoints-worker"
    said = secured.shadowpoints(["dlq", "pending"], operator, **secured.redis_operator)
    assert said == "Nothing is pending.\nexit code 0"
    drop = ["dlq", "drop", "0:1", "--yes"]
    said = secured.shadowpoints(drop, worker)
    assert said == "Nothing is pending under 0:1.\nexit code 1"
    said = secured.shadowpoints(drop, operator, **secured.redis_operator)
    assert said.startswith("Redis does not allow this user")


def test_the_operator_verifies_but_cannot_work(secured: Secured) -> None:
    operator, redis = "shadowpoints-operator", secured.redis_operator
    said = secured.shadowpoints(["verify"], operator, **redis)
    assert said.endswith("exit code 0"), said
    said = secured.shadowpoints(["export", MEI_UNION], operator, **redis)
    assert said.endswith("exit code 0"), said
    # Kafka's rights for the worker's user, Redis' for the operator's: it ends, and says why.
    said = secured.shadowpoints(["worker"], "shadowpoints-worker", **redis)
    assert "Redis does not allow this user" in said
    assert not said.endswith("exit code 0")


async def test_the_desk_only_reads(secured: Secured, tmp_path: Path) -> None:
    user, (port,), token = "shadowpoints-desk", free_ports(1), tmp_path / "token"
    token.write_text("a-token-of-the-desk")
    own = {"REDIS_USERNAME": user, "REDIS_PASSWORD": password(user), "DESK_PORT": str(port)}
    with secured.running("desk", tmp_path / "desk.log", **own, DESK_TOKEN_FILE=str(token)):
        async with signed_in(f"http://127.0.0.1:{port}", token.read_text()) as browser:
            for path in ("/", "/rules", "/letters", "/health"):
                await page(browser, path)
            assert "Timeline" in await page(browser, "/person", who=MEI_UNION)


def test_the_demo_runs_on_secured_servers(secured: Secured) -> None:
    """As administrators of both: its topics and keys have names of their own."""
    command = ["demo", "--consumers=20", "--events=80", "--kafka", secured.kafka.bootstrap]
    said = secured.shadowpoints(
        [*command, "--redis", secured.redis.url],
        ADMIN,
        KAFKA_PASSWORD_FILE="",
        KAFKA_PASSWORD=ADMIN_PASSWORD,
        REDIS_USERNAME=ADMIN,
        REDIS_PASSWORD=ADMIN_PASSWORD,
    )
    assert said.endswith("exit code 0"), said


def test_what_lists_the_settings_shows_no_value(secured: Secured) -> None:
    for command in (["settings"], ["--help"], ["worker", "--help"], ["privacy", "--help"]):
        said = secured.shadowpoints(command, "shadowpoints-worker")
        assert said.endswith("exit code 0")
        assert MARK not in said
