# SPDX-License-Identifier: Apache-2.0
"""Checks of both tables before they change anything, and the reasons for refusing a commit.

A Lua script is not rolled back when one of its commands fails, so a number that Redis would refuse
has to be found before the script runs. All of these are mistakes of the caller and raise
``ValueError``; no message names an entity.
"""

from __future__ import annotations

from collections.abc import Sequence

from stream.tables.base import Commit

INTEGER_MAX = 2**53  # beyond it a Lua number and a sorted-set score are no longer exact
TTL_MAX_S = 100 * 366 * 86_400


def check_partition(partition: int, partitions: int) -> None:
    """Raises for a partition outside 0 … partitions - 1."""
    if not 0 <= partition < partitions:
        raise ValueError(f"partition {partition} is not one of {partitions}")


def check_commits(commits: Sequence[Commit], partitions: int) -> None:
    """Raises for values that would fail half-way; each partition at most once per call."""
    if len({commit.partition for commit in commits}) < len(commits):
        raise ValueError("one call commits one step of a partition")
    for commit in commits:
        _check_commit(commit, partitions)


def _check_commit(commit: Commit, partitions: int) -> None:
    check_partition(commit.partition, partitions)
    if not commit.expected_offset <= commit.applied_offset <= INTEGER_MAX:
        raise ValueError("the applied offset of a partition never goes back")
    if not 0 <= commit.clock_ms <= INTEGER_MAX:
        raise ValueError("a partition's clock is in milliseconds since 1970")
    if not 0 <= commit.published_before <= INTEGER_MAX:
        raise ValueError("a sequence number is not negative")
    if any(abs(increment) > INTEGER_MAX for increment in commit.counts.values()):
        raise ValueError("a counter's increment is out of range")
    if any(not 0 <= due_ms <= INTEGER_MAX for due_ms in commit.wakes.values()):
        raise ValueError("a due time is out of range")
    if commit.wakes.keys() & commit.writes.keys():
        raise ValueError("what is written says itself when it is due")
    for write in commit.writes.values():
        due_ms, ttl_s = write.due_ms, write.ttl_s
        if due_ms is not None and not -INTEGER_MAX <= due_ms <= INTEGER_MAX:
            raise ValueError("a due time is out of range")
        if ttl_s is not None and not 0 < ttl_s <= TTL_MAX_S:
            raise ValueError("a time to live has at least one second and at most a century")


def other_owner(partition: int) -> str:
    """Why a commit under an old epoch is refused."""
    return f"another owner has claimed partition {partition}"


def other_offset(commit: Commit, applied_offset: int) -> str:
    """Why a commit that continues from another state is refused."""
    return (
        f"partition {commit.partition} stands at offset {applied_offset}, "
        f"and this commit continues from {commit.expected_offset}"
    )
