# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.gateway.metrics import GatewayMetrics
from stream.wechat.delivery_result import RejectReason


def test_what_is_under_way_is_looked_up_when_asked() -> None:
    metrics, under_way = GatewayMetrics(), [3, 7]
    metrics.watch(lambda: under_way[0], lambda: under_way[1])
    under_way[0] = 4

    text = metrics.text().decode()

    assert "shadowpoints_gateway_requests 4.0" in text
    assert "shadowpoints_gateway_unacknowledged 7.0" in text


def test_rejections_are_counted_by_endpoint_and_reason() -> None:
    metrics = GatewayMetrics()
    metrics.rejected("pay", RejectReason.STALE)

    line = 'shadowpoints_gateway_rejections_total{endpoint="pay",reason="stale"} 1.0'
    assert line in metrics.text().decode()


def test_events_of_batches_are_counted_by_client_and_outcome() -> None:
    metrics = GatewayMetrics()
    metrics.count_event("sdk", "in_future")

    line = 'shadowpoints_gateway_events_total{client="sdk",outcome="in_future"} 1.0'
    assert line in metrics.text().decode()
