"""Settings: environment variables ``SHADOWPOINTS_*``, checked together before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from stream.access import PREFIX, AccessSettings, File
from stream.runtime.topics import TopicNames

__all__ = ["PREFIX", "Settings", "SettingsInvalid", "load_settings"]


class SettingsInvalid(Exception):
    """The environment cannot be used; ``problems`` has a sentence for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(AccessSettings):
    """One deployment. The unit of a number is the last word of its name, else it is a count."""

    namespace: str = Field(
        "shadowpoints",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Consumer group, prefix of the Redis keys, part of the ce_source.",
    )
    topic_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]{0,64}$", description="Put before every topic name."
    )
    partitions: int = Field(
        8, ge=1, le=1024, description="Partitions of every topic; chosen once, for ever."
    )
    replication_factor: int = Field(
        1, ge=1, le=9, description="Copies of each partition, for `topics create`."
    )
    check_topics: bool = Field(
        True, description="Whether a worker checks the topics at start (the demo's broker: no)."
    )
    rules: File = Field(None, description="Rule file (YAML); the shipped sample if empty.")
    apps: File = Field(None, description="Directory of apps (YAML); the shipped sample if empty.")
    horizon_days: int = Field(
        35, ge=35, le=366, description="Days within which a repeated event is recognised."
    )
    payment_horizon_days: int = Field(
        366, ge=35, le=1830, description="The same for payments and refunds, in days."
    )
    idle_days: int = Field(
        730,
        ge=0,
        le=36_500,
        description="Days without any event after which an unclaimed account ends; 0 is never.",
    )
    web_port: int = Field(
        0, ge=0, le=65535, description="Health and metrics on 127.0.0.1; 0 is no web server."
    )
    gateway_host: str = Field(
        "127.0.0.1", min_length=1, description="Address on which the gateway listens, without TLS."
    )
    gateway_port: int = Field(8000, ge=1, le=65535, description="Its port.")
    gateway_answer_within_s: float = Field(
        4.0, ge=0.5, le=4.8, description="Seconds to answer a delivery; WeChat hangs up after 5."
    )
    gateway_body_bytes_max: int = Field(
        131_072, ge=4_096, le=262_144, description="Bytes of a request's body."
    )
    gateway_requests_max: int = Field(
        1024, ge=1, le=100_000, description="Requests in work at once; one more is answered 503."
    )
    gateway_connections_max: int = Field(
        2048, ge=1, le=100_000, description="Connections, idle ones too; one more is answered 503."
    )
    gateway_unacknowledged_max: int = Field(
        4096, ge=1, le=1_000_000, description="Events on their way to Kafka at once."
    )
    gateway_offer_within_s: float = Field(
        2.0,
        ge=0.0,
        le=4.0,
        description="Seconds for which a reply waits for a live offer; 0 is no offers in replies.",
    )
    wechat_api_url: str = Field(
        "https://api.weixin.qq.com",
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?$",
        description="Where WeChat's interfaces are; without TLS on this machine alone.",
    )
    resolver_calls_at_once: int = Field(
        16, ge=1, le=1_000, description="Calls of WeChat's interfaces on their way at once."
    )
    resolver_calls_per_s: int = Field(
        50, ge=1, le=10_000, description="Calls in a second, of one interface for one app."
    )
    resolver_daily_calls_max: int = Field(
        500_000, ge=1, le=10**9, description="Calls in a day, of one interface for one app."
    )
    resolver_waiting_max: int = Field(
        20_000, ge=100, le=1_000_000, description="Questions which wait at once, of either kind."
    )
    resolver_patience_s: int = Field(
        86_400,
        ge=60,
        le=604_800,
        description="Seconds until a question without a window of WeChat's is given up.",
    )
    session_timeout_s: float = Field(
        8.0, ge=6.0, le=300.0, description="Seconds until a silent worker's partitions move on."
    )
    heartbeat_interval_s: float = Field(
        2.0,
        gt=0.0,
        le=60.0,
        description="Seconds between heartbeats, a third of the above at most.",
    )
    rebalance_timeout_s: float = Field(
        10.0, ge=5.0, le=300.0, description="Seconds a worker may take to hand over partitions."
    )
    commit_interval_s: float = Field(
        1.0, gt=0.0, le=60.0, description="Seconds between commits of the source offsets."
    )
    poll_records_max: int = Field(
        4000, ge=1, le=1_000_000, description="Records of all partitions taken in one fetch."
    )
    fetch_wait_s: float = Field(
        1.5, gt=0.0, le=30.0, description="Seconds for which a fetch waits where there is nothing."
    )
    dead_letter_share_max: float = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description="Share of dead letters among the latest 1,000 source records (200 at least) "
        "above which a worker ends; 1 is no limit.",
    )
    tick_interval_s: float = Field(
        5.0, gt=0.0, le=3600.0, description="Seconds between looks for what is due."
    )
    tick_limit: int = Field(
        500, ge=1, le=100_000, description="Entities which one tick settles in a partition."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe level which is logged; clients of Kafka: INFO."
    )

    @property
    def topics(self) -> TopicNames:
        return TopicNames(self.topic_prefix)

    @model_validator(mode="after")
    def _ends_after_the_horizon(self) -> Self:
        # Before that, an event of an ended account could come again and count as new.
        least = max(self.horizon_days, self.payment_horizon_days) + 62
        if 0 < self.idle_days < least:
            raise ValueError(
                f"{PREFIX}IDLE_DAYS must be 0, or at least {least}: 62 more than the horizons"
            )
        return self

    @model_validator(mode="after")
    def _beats_often_enough(self) -> Self:
        if self.heartbeat_interval_s * 3 > self.session_timeout_s:
            raise ValueError(
                f"{PREFIX}HEARTBEAT_INTERVAL_S must be a third of {PREFIX}SESSION_TIMEOUT_S at most"
            )
        return self


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; raises :class:`SettingsInvalid` with all problems.

    ``environ`` names variables to use instead of the process's own.
    """
    variables = os.environ if environ is None else environ
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(PREFIX)
    }
    unknown = sorted(set(given) - set(Settings.model_fields))
    problems = [
        f"{PREFIX}{name.upper()} is not a setting; known are: {_known()}." for name in unknown
    ]
    try:
        settings = Settings.model_validate({k: v for k, v in given.items() if k not in unknown})
    except ValidationError as error:
        raise SettingsInvalid(problems + _sentences(error)) from None
    if problems:
        raise SettingsInvalid(problems)
    return settings


def _known() -> str:
    return ", ".join(PREFIX + name.upper() for name in Settings.model_fields)


def _sentences(error: ValidationError) -> list[str]:
    """What is wrong with which variable; never its value, which may hold a password."""
    sentences = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        text = problem["msg"].removeprefix("Value error, ")
        where = f"{PREFIX}{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
        for line in text.splitlines():
            sentences.append(f"{where}{line[0].lower() if where else line[0]}{line[1:]}.")
    return sentences
