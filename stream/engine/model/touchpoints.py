# SPDX-License-Identifier: Apache-2.0
"""The touchpoints that a rule can name (``schemas.touchpoints``), and which earn nothing."""

from __future__ import annotations

from schemas.touchpoints import LABELS, Touchpoint

__all__ = ["LABELS", "UNREWARDABLE", "Touchpoint"]

#: Touchpoints which WeChat forbids to reward (rewarded sharing and rewarded follows:
#: 微信外部链接内容管理规范 2.1.2, 公众平台运营规范 3.3.1). They may trigger offers.
UNREWARDABLE = frozenset({Touchpoint.FOLLOW, Touchpoint.SHARE})
