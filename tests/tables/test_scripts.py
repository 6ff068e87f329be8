# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

from stream.tables import Commit, Record, Write
from stream.tables.keys import partition_keys
from stream.tables.scripts import SCRIPTS, commit_call

KEYS = partition_keys("sp", 7)


def test_a_script_is_called_by_the_digest_redis_computes() -> None:
    for script in SCRIPTS:
        assert script.sha == hashlib.sha1(script.source.encode()).hexdigest()
        assert script.call(["k"], [1, b"a"]) == ["EVALSHA", script.sha, 1, "k", 1, b"a"]


def test_the_arguments_of_a_commit_are_in_the_order_of_the_script() -> None:
    commit = Commit(
        partition=7,
        epoch=3,
        expected_offset=10,
        applied_offset=20,
        clock_ms=1_000,
        writes={
            "a": Write(b"1"),
            "b": Write(b"", due_ms=5, ttl_s=60, pages={0: b"page", 3: None}),
            "c": Write(None, due_ms=5, ttl_s=60),
        },
        outputs=[Record("t", b"k", b"v")],
        published_before=4,
        counts={"applied": 2},
        mark="19:ab",
        notes={"rules": b"r"},
        wakes={"d": 7},
    )
    command = commit_call(KEYS, commit, step=9)
    assert command[:3] == ["EVALSHA", SCRIPTS[1].sha, 8]
    assert command[3:9] == ["{sp.7}:m", "{sp.7}:x", "{sp.7}:d", *map(KEYS.entity, "abc")]
    assert command[9:11] == ["{sp.7}:a:0:b", "{sp.7}:a:3:b"]
    assert command[11:18] == [3, 9, 10, 20, 1_000, 4, "19:ab"]
    assert command[18:23] == [len("{sp.7}:e:"), 1, 1, 1, 3]
    assert command[23:29] == ["applied", 2, "rules", b"r", 7, "d"]
    assert command[29:38] == [b"1", b"", b"", b"", 5, 60, b"", b"", b"0"]
    assert command[38:40] == [b"page", b""]
    assert len(command) == 41
