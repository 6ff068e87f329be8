"""From an event to the question it raises: which origin, by which interface, until when.

getPaidUnionId answers within 5 minutes after a payment in a mini-program; user/info and its
batchget answer about followers of an Official Account at any time. No other interface leads from an
openid to a Union ID. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas import Event, time_ms
from schemas import official_account as oa
from schemas.answers import OPENID_CHANGED, UNIONID_RESOLVED
from schemas.pay import PAYMENT_SUCCEEDED, DirectPayment, PartnerPayment

#: getPaidUnionId's window after ``success_time``.
PAID_WINDOW_MS: Final = 300_000


class Api(StrEnum):
    """WeChat's interfaces in order of urgency; the words are those of ``unionid.resolved.v1``."""

    PAID = "get_paid_unionid"
    INFO = "user_info"
    BATCH = "batchget"


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose Union ID is wanted. ``since_ms`` is when the event happened, ``by_ms`` resolve-by."""

    api: Api
    appid: str
    openid: str
    since_ms: int
    by_ms: int
    transaction_id: str = ""

    @property
    def origin(self) -> tuple[str, str]:
        """``(appid, openid)``"""
        return self.appid, self.openid

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two asks the same."""
        return self.appid, self.openid, self.transaction_id


#: What is no sign of a follower, or is an answer itself.
_NO_REASON: Final = frozenset({oa.ACCOUNT_UNFOLLOWED, UNIONID_RESOLVED, OPENID_CHANGED})


def ask_of(event: Event, kinds: Mapping[str, str], patience_ms: int) -> Ask | None:
    """The question an event raises, if it raises one.

    ``kinds`` are those of the directory, by appid, for the apps which can be asked for.
    ``patience_ms`` is how long a question without a window of WeChat's may wait.
    """
    data: Any = event.data
    if event.type == PAYMENT_SUCCEEDED:
        return _of_payment(data, kinds, patience_ms)
    origin = getattr(data, "origin", None)
    if origin is None or event.type in _NO_REASON or getattr(data, "unionid", None):
        return None
    appid, openid = origin
    if kinds.get(appid) != "official_account":
        return None
    api = Api.INFO if event.type == oa.ACCOUNT_FOLLOWED else Api.BATCH
    return Ask(api, appid, openid, event.time_ms, event.time_ms + patience_ms)


def _of_payment(data: Any, kinds: Mapping[str, str], patience_ms: int) -> Ask | None:
    """A mall's payment is left out: it was not made in the app which the event names."""
    if not isinstance(data, DirectPayment | PartnerPayment):
        return None
    appid, openid = data.origin
    at = time_ms(data.success_time)
    match kinds.get(appid):
        case "mini_program":
            return Ask(Api.PAID, appid, openid, at, at + PAID_WINDOW_MS, data.transaction_id)
        case "official_account":
            return Ask(Api.BATCH, appid, openid, at, at + patience_ms)
        case _:
            return None
