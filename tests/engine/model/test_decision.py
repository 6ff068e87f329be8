# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import OUTPUT_TOPICS
from stream.engine.model.decision import Channel, Decision


def test_the_channels_are_the_output_topics_but_for_exports() -> None:
    others = {"shadow.exports", "shadow.rules"}
    assert {f"shadow.{channel}" for channel in Channel} == set(OUTPUT_TOPICS) - others


def test_a_decision_publishes_and_counts_nothing_by_default() -> None:
    decision = Decision(None)
    assert (decision.outputs, dict(decision.counts), decision.due) == ((), {}, None)
    assert decision.changed
