# SPDX-License-Identifier: Apache-2.0
"""Secured Kafka and Redis: TLS by a CA of their own, users, and nothing allowed.

The administrators are ``ADMIN`` with its password; every other user is made by the test.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import redis

from tests.services.kafka import KafkaServer
from tests.services.process import LOOPBACK, ServiceUnavailable, free_ports
from tests.services.redis import RedisServer

ADMIN: Final = "admin"
ADMIN_PASSWORD: Final = "admin-secret-7f3a"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required"
_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """A certificate authority in a directory: ``ca`` is its certificate."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("openssl")
        if program is None:
            raise ServiceUnavailable("openssl is not installed")
        directory.mkdir(exist_ok=True)
        self._openssl, self._directory = program, directory
        self.ca, self._ca_key = directory / "ca.pem", directory / "ca.key"
        usage = "keyUsage=critical,keyCertSign,cRLSign"
        self._run(
            *("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=test CA", "-addext", usage),
            *("-keyout", str(self._ca_key), "-out", str(self.ca)),
        )

    def certificate(self, name: str) -> tuple[Path, Path]:
        """A certificate for this machine's loopback, and its key (PEM)."""
        certificate, key = (self._directory / f"{name}.{kind}" for kind in ("pem", "key"))
        request, extensions = (self._directory / f"{name}.{kind}" for kind in ("csr", "ext"))
        extensions.write_text(
            f"subjectAltName=DNS:localhost,IP:{LOOPBACK}\n"
            "extendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\n",
            "utf-8",
        )
        subject = ("-subj", f"/CN={name}")
        self._run("req", "-new", *_KEY, *subject, "-keyout", str(key), "-out", str(request))
        self._run(
            *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(extensions)),
            *("-CA", str(self.ca), "-CAkey", str(self._ca_key), "-CAcreateserial"),
            *("-out", str(certificate)),
        )
        return certificate, key

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True, timeout=30)


class SecureKafka(KafkaServer):
    """One listener, SASL_SSL with SCRAM-SHA-512; whatever no ACL allows is denied.

    ``passwords`` are those of the users which exist besides the administrator.
    """

    def __init__(self, passwords: Mapping[str, str]) -> None:
        super().__init__()
        self.authority = Authority(self.directory / "tls")
        self._passwords = {ADMIN: ADMIN_PASSWORD, **passwords}
        certificate, key = self.authority.certificate("broker")
        self._keystore = self.directory / "tls" / "broker.keystore.pem"
        self._keystore.write_text(key.read_text("utf-8") + certificate.read_text("utf-8"), "utf-8")
        self.admin_properties = self.directory / "admin.properties"
        self._write_admin_properties()

    def tool(self, main_class: str) -> list[str]:
        """The command line of one of Kafka's own tools; short runs start faster half compiled."""
        java, *options = self._jvm(heap_mib=128)
        return [java, "-XX:TieredStopAtLevel=1", *options, main_class]

    def _write_admin_properties(self) -> None:
        properties = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": _login(ADMIN, ADMIN_PASSWORD),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.ca),
        }
        lines = (f"{name}={value}\n" for name, value in properties.items())
        self.admin_properties.write_text("".join(lines), "utf-8")

    def _properties(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        listener = "listener.name.sasl_ssl"
        return super()._properties() | {
            "listeners": f"SASL_SSL://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"SASL_SSL://{self.bootstrap}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SSL",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            f"{listener}.scram-sha-512.sasl.jaas.config": _login(ADMIN, ADMIN_PASSWORD),
            "listener.name.controller.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.ca),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:CN=broker",
        }

    def _format_options(self) -> list[str]:
        options: list[str] = []
        for name, password in self._passwords.items():
            options += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        return options

    def _client_options(self) -> dict[str, str]:
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": ADMIN,
            "sasl.password": ADMIN_PASSWORD,
            "ssl.ca.location": str(self.authority.ca),
        }


def _login(name: str, password: str) -> str:
    return f'{_SCRAM} username="{name}" password="{password}";'


class SecureRedis(RedisServer):
    """TLS alone, and an administrator with a name; ``default`` is for the test to switch off."""

    def __init__(self) -> None:
        super().__init__("everysec")
        self.authority = Authority(self.directory / "tls")
        self._certificate = self.authority.certificate("redis")

    @property
    def url(self) -> str:
        return f"rediss://{LOOPBACK}:{self._port}/0"

    @property
    def port(self) -> int:
        return self._port

    def admin(self) -> redis.Redis:
        """A client which may do everything."""
        return redis.Redis.from_url(
            self.url,
            username=ADMIN,
            password=ADMIN_PASSWORD,
            ssl_ca_certs=str(self.authority.ca),
            socket_timeout=5.0,
            decode_responses=True,
        )

    def _prepare(self) -> None:
        (self._port,) = free_ports(1)

    def _command(self) -> list[str]:
        certificate, key = self._certificate
        options = [
            *("--port", "0", "--tls-port", str(self._port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
            *("--tls-ca-cert-file", str(self.authority.ca)),
            *("--user", ADMIN, "on", f">{ADMIN_PASSWORD}", "~*", "&*", "+@all"),
        ]
        return [*super()._command(), *options]

    def _ready(self) -> bool:
        try:
            with self.admin() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
