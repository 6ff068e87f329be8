# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.gateway.replay_protection import ReplayProtection

NAMES, BODIES = st.sampled_from(["a", "b", "c"]), st.sampled_from([b"1", b"2"])


def test_the_same_again_is_no_replay_and_another_body_is() -> None:
    replays = ReplayProtection(window_ms=300)
    replays.remember("a", b"1", 1_000)

    assert not replays.is_replay("a", b"1", 1_299)
    assert replays.is_replay("a", b"2", 1_299)
    assert not replays.is_replay("b", b"2", 1_299)
    assert not replays.is_replay("a", b"2", 1_300)


def test_a_repetition_does_not_change_what_was_accepted_first() -> None:
    replays = ReplayProtection(window_ms=300)
    replays.remember("a", b"1", 1_000)
    replays.remember("a", b"2", 1_001)

    assert replays.is_replay("a", b"2", 1_002)


def test_a_name_is_known_for_as_long_whatever_the_body() -> None:
    replays = ReplayProtection(window_ms=300)
    replays.remember("a", b"1", 1_000)

    assert [name for name in "ab" if replays.is_known(name, 1_299)] == ["a"]
    assert not replays.is_known("a", 1_300)


def test_the_oldest_is_forgotten_first() -> None:
    replays = ReplayProtection(window_ms=300, remembered_max=2)
    for number, name in enumerate("abc"):
        replays.remember(name, b"1", 1_000 + number)

    assert [name for name in "abc" if replays.is_replay(name, b"2", 1_003)] == ["b", "c"]


@given(st.lists(st.tuples(NAMES, BODIES, st.integers(0, 200)), max_size=40))
def test_any_history_agrees_with_a_list(steps: list[tuple[str, bytes, int]]) -> None:
    replays, accepted, now_ms = ReplayProtection(window_ms=300), list[tuple[str, bytes, int]](), 0
    for name, body, pause_ms in steps:
        now_ms += pause_ms
        live = [b for n, b, at in accepted if n == name and at + 300 > now_ms]
        replay = replays.is_replay(name, body, now_ms)

        assert replay == bool(live and live[0] != body)
        if not replay:
            replays.remember(name, body, now_ms)
            if not live:
                accepted.append((name, body, now_ms))
