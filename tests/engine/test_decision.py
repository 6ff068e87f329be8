from __future__ import annotations

from schemas import OUTPUT_TOPICS
from stream.engine.decision import Channel, Decision


def test_the_channels_are_the_output_topics_but_for_exports() -> None:
    assert {f"shadow.{channel}" for channel in Channel} == set(OUTPUT_TOPICS) - {"shadow.exports"}


def test_a_decision_says_and_counts_nothing_unless_told_to() -> None:
    decision = Decision(None)
    assert (decision.outputs, dict(decision.counts), decision.due) == ((), {}, None)
    assert decision.changed
