# SPDX-License-Identifier: Apache-2.0
"""Sentences about nudges in a rule file."""

from __future__ import annotations

from stream.language.message import Message

FOLLOWS_NOTHING = Message(
    "follows nothing; add 'after' and 'wait', or 'before_offer_ends_hours'",
    "没有说明在什么之后提醒；请加上 after 和 wait，或 before_offer_ends_hours",
)
HOURS_OR_DAYS = Message("needs either 'hours' or 'days'", "需要 hours 或 days，只能写其中一个")
CLOCK_WITHOUT_DAYS = Message(
    "belongs to 'days'; a wait of hours ends by itself: remove it",
    "只能与 days 搭配；按小时等待时不需要钟点：请删去",
)
NOT_BEFORE_OFFER_ENDS = Message(
    "does not go with 'before_offer_ends_hours', which says when; remove it",
    "不能与 before_offer_ends_hours 同时使用，后者已经说明了时间；请删去",
)
NO_OFFERS_END = Message(
    "needs offers, of which this version has none; add 'offers'",
    "需要邀约，而这个版本没有；请加上 offers",
)
DAYS_WITHOUT_MOST = Message(
    "says in how many days, and not how many; add 'most'",
    "写了多少天，却没有写最多几次；请加上 most",
)
LIMITS_NOTHING = Message(
    "limits nothing: this version has no nudges", "没有可限制的内容：这个版本没有任何提醒"
)
EACH_IS_THE_LATEST = Message(
    "changes nothing: the nudge is void once the same happens again, so the latest one counts",
    "没有作用：同样的事再次发生时提醒就作废，所以总是以最近一次为准",
)
