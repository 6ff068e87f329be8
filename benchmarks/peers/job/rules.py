# SPDX-License-Identifier: Apache-2.0
"""The rules of ``benchmarks/rules.yaml`` as a programmer would write them down."""

from __future__ import annotations

from typing import Final

VERSION: Final = 1
THRESHOLD: Final = 1000
LIFETIME_MS: Final = 30 * 86_400_000
POINTS_PER_YUAN: Final = 10

#: touchpoint -> rule
RULE: Final = {
    "purchase": "till_purchase",
    "login": "visit",
    "page_view": "page_view",
    "product_view": "product_view",
    "check_in": "class_check_in",
}
#: touchpoint -> points of one
POINTS: Final = {"login": 5, "page_view": 1, "product_view": 2, "check_in": 100}
#: rule -> most points a day
CAP: Final = {
    "till_purchase": 500,
    "visit": 5,
    "page_view": 10,
    "product_view": 20,
    "class_check_in": 200,
}
#: from points, id, text by language
BENEFITS: Final = (
    (1000, "welcome_coffee", {"zh-CN": "现磨咖啡一杯", "en": "a fresh coffee"}),
    (1500, "half_price_month", {"zh-CN": "首月会员半价", "en": "half price for the first month"}),
)
TEXT: Final = {
    "zh-CN": "立即注册，领取 {points} 积分！您已累计：{reasons}。另赠：{benefits}。",
    "en": "Sign up now for {points} points: {reasons}. On top: {benefits}.",
}
REASONS: Final = {
    "zh-CN": {
        "purchase": "{count} 次消费",
        "check_in": "{count} 次到场签到",
        "login": "{count} 次访问小程序",
    },
    "en": {
        "purchase": "purchases: {count}",
        "check_in": "check-ins: {count}",
        "login": "visits: {count}",
    },
}
#: appid -> Open Platform account
APPS: Final = {"wx1a2b3c4d5e6f7a01": "abc-brand", "wx1a2b3c4d5e6f7a02": "abc-brand"}
