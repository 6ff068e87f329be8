from __future__ import annotations

from schemas import OUTPUT_TOPICS
from stream.engine.decision import Channel, Decision


def test_every_channel_is_an_output_topic_and_the_reverse() -> None:
    assert {f"shadow.{channel}" for channel in Channel} == set(OUTPUT_TOPICS)


def test_a_decision_says_and_counts_nothing_unless_told_to() -> None:
    decision = Decision(None)
    assert (decision.outputs, dict(decision.counts), decision.due) == ((), {}, None)
    assert decision.changed
