# SPDX-License-Identifier: Apache-2.0
"""Read the settings from environment variables ``SHADOWPOINTS_*``, and check them together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from stream.addressing.topics import TopicNames
from stream.config.connections import (
    PREFIX,
    ConnectionSettings,
    File,
    ReceiverUrl,
    ReportFile,
)

__all__ = ["PREFIX", "Settings", "SettingsInvalid", "load_settings"]


class SettingsInvalid(Exception):
    """The environment cannot be used; ``problems`` has a sentence for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(ConnectionSettings):
    """Settings of a deployment. A number's unit is the last word of its name, if it has one."""

    namespace: str = Field(
        "shadowpoints",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="Consumer group, prefix of the Redis keys, part of the ce_source.",
    )
    topic_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]{0,64}$", description="Prefix of every topic name."
    )
    own_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="Second prefix, of the topics that the engine writes.",
    )
    partitions: int = Field(
        8,
        ge=1,
        le=1024,
        description="Partitions of the topics that the engine writes; chosen once.",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "gzip",
        description="Compression of published records: none, gzip, snappy, lz4 or zstd. Readers "
        "of the outputs need the codec; all have gzip.",
    )
    clock_skew_max_s: float = Field(
        300.0,
        ge=1.0,
        le=86_400.0,
        description="Seconds by which a worker's clock may differ from the brokers' clocks.",
    )
    replication_factor: int = Field(
        1, ge=1, le=9, description="Copies of each partition, for `topics create`."
    )
    check_topics: bool = Field(
        True, description="Whether a process checks its topics at start (not on the demo's broker)."
    )
    rules: File = Field(None, description="Rule file (YAML); the shipped sample if empty.")
    apps: File = Field(None, description="File of apps (YAML); the shipped sample if empty.")
    horizon_days: int = Field(
        35, ge=35, le=366, description="Days within which a repeated event is recognised."
    )
    payment_horizon_days: int = Field(
        366,
        ge=35,
        le=1830,
        description="Days within which a repeated payment or refund is recognised.",
    )
    retention_days: int = Field(
        800,
        ge=35,
        le=3660,
        description="Days for which each touchpoint is kept; longer if its points live longer.",
    )
    idle_days: int = Field(
        730,
        ge=0,
        le=36_500,
        description="Days without events after which an unclaimed account ends; 0 is never.",
    )
    web_port: int = Field(
        0, ge=0, le=65535, description="Port of health and metrics; 0 is no server."
    )
    web_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address of health and metrics; 0.0.0.0 lets in Prometheus and probes.",
    )
    ready_lag_max: int = Field(
        0,
        ge=0,
        le=10**12,
        description="A worker with more waiting records is not ready; 0 is no limit.",
    )
    gateway_host: str = Field(
        "127.0.0.1", min_length=1, description="Address on which the gateway listens, without TLS."
    )
    gateway_port: int = Field(8000, ge=1, le=65535, description="Port of the gateway.")
    gateway_answer_within_s: float = Field(
        4.0, ge=0.5, le=4.8, description="Seconds to answer a delivery; WeChat hangs up after 5."
    )
    gateway_body_bytes_max: int = Field(
        131_072, ge=4_096, le=262_144, description="Maximum bytes of a request's body."
    )
    gateway_requests_max: int = Field(
        1024, ge=1, le=100_000, description="Maximum concurrent requests; further ones get 503."
    )
    gateway_connections_max: int = Field(
        2048,
        ge=1,
        le=100_000,
        description="Maximum connections, idle ones too; further ones get 503.",
    )
    gateway_unacknowledged_max: int = Field(
        4096, ge=1, le=1_000_000, description="Maximum events being published to Kafka."
    )
    gateway_forwards_max: int = Field(
        256,
        ge=1,
        le=100_000,
        description="Maximum deliveries being handed on to one forward_to; further ones get 502.",
    )
    gateway_session_events_per_s: float = Field(
        2.0,
        gt=0.0,
        le=10_000.0,
        description="Events per second that an SDK may report of one person; bursts of 60 s.",
    )
    gateway_client_events_per_s: float = Field(
        500.0,
        gt=0.0,
        le=100_000.0,
        description="Events per second of a client, of an SDK those of all people; bursts of 60 s.",
    )
    gateway_lookup_age_max_s: float = Field(
        10.0,
        gt=0.0,
        le=300.0,
        description="Seconds that an answer of /consumers/lookup may be behind Kafka, else 503.",
    )
    gateway_offer_within_s: float = Field(
        2.0,
        ge=0.0,
        le=4.0,
        description="Seconds for which a reply waits for an offer or invitation; 0: for neither.",
    )
    wechat_api_url: str = Field(
        "https://api.weixin.qq.com",
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?$",
        description="Base URL of WeChat's API; without TLS only on this machine.",
    )
    resolver_calls_at_once: int = Field(
        16, ge=1, le=1_000, description="Maximum concurrent calls to WeChat's API."
    )
    resolver_calls_per_s: int = Field(
        50, ge=1, le=10_000, description="Maximum calls per second, of one interface for one app."
    )
    resolver_daily_calls_max: int = Field(
        500_000, ge=1, le=10**9, description="Maximum calls per day, of one interface for one app."
    )
    resolver_waiting_max: int = Field(
        20_000, ge=100, le=1_000_000, description="Maximum waiting lookups, of either kind."
    )
    resolver_patience_s: int = Field(
        86_400,
        ge=60,
        le=604_800,
        description="Seconds until a lookup is given up for which WeChat sets no time limit.",
    )
    webhook_url: ReceiverUrl = Field(
        None, description="Receiver of the webhooks; without TLS only on this machine."
    )
    webhook_secret_file: File = Field(
        None, description="File with the secrets that sign webhooks, whsec_..., one a line."
    )
    webhook_ca_file: File = Field(
        None, description="CA of the receiver (PEM); the system's if empty, for https."
    )
    webhook_timeout_s: float = Field(
        10.0, ge=0.5, le=60.0, description="Seconds within which the receiver must reply."
    )
    webhook_give_up_s: int = Field(
        259_200,
        ge=1,
        le=2_592_000,
        description="Seconds after which an event that was not taken becomes a dead letter.",
    )
    webhook_requests_max: int = Field(
        32, ge=1, le=1_000, description="Maximum concurrent requests to the receiver."
    )
    webhook_waiting_max: int = Field(
        2_000,
        ge=1_000,
        le=100_000,
        description="Maximum events of a partition that wait; then it is read no further.",
    )
    desk_host: str = Field(
        "127.0.0.1", min_length=1, description="Address on which the desk listens, without TLS."
    )
    desk_port: int = Field(8090, ge=1, le=65535, description="Port of the desk.")
    desk_token_file: File = Field(
        None, description="File with the token that opens the desk, 16 characters at least."
    )
    desk_replay_token_file: File = Field(
        None,
        description="File with the second token, for replays at the desk; no replays if empty.",
    )
    desk_report: ReportFile = Field(
        None, description="report.json of `report write`, from which the desk shows figures."
    )
    session_timeout_s: float = Field(
        8.0, ge=6.0, le=300.0, description="Seconds until a silent worker loses its partitions."
    )
    heartbeat_interval_s: float = Field(
        2.0,
        gt=0.0,
        le=60.0,
        description="Seconds between heartbeats; at most a third of session_timeout_s.",
    )
    rebalance_timeout_s: float = Field(
        10.0, ge=5.0, le=300.0, description="Seconds a worker may take to hand over partitions."
    )
    commit_interval_s: float = Field(
        1.0, gt=0.0, le=60.0, description="Seconds between commits of the source offsets."
    )
    poll_records_max: int = Field(
        4000,
        ge=1,
        le=1_000_000,
        description="Maximum records of one fetch, all partitions together.",
    )
    fetch_wait_s: float = Field(
        1.5, gt=0.0, le=30.0, description="Seconds for which a fetch waits for records."
    )
    dead_letter_share_max: float = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description="A source partition is halted if more than this share of its latest 1,000 "
        "records (at least 200) are dead letters; 1 is no limit.",
    )
    tick_interval_s: float = Field(
        5.0, gt=0.0, le=3600.0, description="Seconds between searches for entities that are due."
    )
    tick_limit: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Maximum entities that one tick evaluates in a partition.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="Lowest level that is logged; for clients of Kafka and Redis at least INFO.",
    )

    @property
    def topics(self) -> TopicNames:
        return TopicNames(self.topic_prefix, self.own_prefix)

    @model_validator(mode="after")
    def _ends_after_the_horizon(self) -> Self:
        # Earlier, a repeated event of an ended account could count as new.
        least = max(self.horizon_days, self.payment_horizon_days) + 62
        if 0 < self.idle_days < least:
            raise ValueError(
                f"{PREFIX}IDLE_DAYS must be 0, or at least {least}: 62 more than the horizons"
            )
        return self

    @model_validator(mode="after")
    def _keeps_what_it_recognises(self) -> Self:
        longest = max(self.horizon_days, self.payment_horizon_days)
        if self.retention_days < longest:
            raise ValueError(
                f"{PREFIX}RETENTION_DAYS must be at least {longest}: the longer of the horizons"
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
    problems = [_unknown(name) for name in unknown]
    try:
        settings = Settings.model_validate({k: v for k, v in given.items() if k not in unknown})
    except ValidationError as error:
        raise SettingsInvalid(problems + _sentences(error)) from None
    if problems:
        raise SettingsInvalid(problems)
    return settings


def _unknown(name: str) -> str:
    near = get_close_matches(name, Settings.model_fields, 1)
    meant = f"; {PREFIX}{near[0].upper()} is" if near else ""
    listed = "`shadowpoints settings` lists all of them"
    return f"{PREFIX}{name.upper()} is not a setting{meant}: {listed}."


def _sentences(error: ValidationError) -> list[str]:
    """What is wrong with each variable; never its value, which may be a password."""
    sentences = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        text = problem["msg"].removeprefix("Value error, ")
        where = f"{PREFIX}{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
        for line in text.splitlines():
            sentences.append(f"{where}{line[0].lower() if where else line[0]}{line[1:]}.")
    return sentences
