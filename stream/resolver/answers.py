# SPDX-License-Identifier: Apache-2.0
"""Ask WeChat what a planned call asks, and turn the reply into outcomes and records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from schemas import time_ms
from stream.config.settings import Settings
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, union_key
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Reply, Verdict
from stream.resolver.bind_status import BindStatuses
from stream.resolver.lookup_results import ApiCall, LookupOutcome
from stream.resolver.lookups import AnyLookup, Api, Lane, OrderLookup
from stream.resolver.result_events import result_records, shop_records
from stream.resolver.shop_orders import PaidOrder, read_after_sale, read_order
from stream.resolver.wechat_api import AFTER_SALE_GET, ORDER_GET
from stream.tables import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a call.

    ``outcomes`` has those of all its lookups if the verdict is ``OK``; ``records`` are to be
    published; ``calls`` are the calls of each interface that all processes made today.
    """

    verdict: Verdict
    calls: Mapping[Api, int]
    outcomes: Mapping[AnyLookup, LookupOutcome] = field(default_factory=dict)
    records: Sequence[Record] = ()


class Answers:
    """Asks for Union IDs, and for orders of shops."""

    def __init__(
        self,
        settings: Settings,
        caller: ApiCaller,
        statuses: BindStatuses,
        directory: Directory,
        now_ms: Callable[[], int],
    ) -> None:
        self._settings, self._caller, self._statuses = settings, caller, statuses
        self._directory, self._now_ms = directory, now_ms

    async def ask(self, call: ApiCall, within_s: float) -> Answer:
        """Make a call; no reply is one with the verdict ``TRANSIENT``."""
        if call.api.lane is not Lane.ORDERS:
            return await self._union_ids(call, within_s)
        [lookup] = call.lookups
        assert isinstance(lookup, OrderLookup)
        if call.api is Api.ORDER:
            return await self._order(lookup, within_s)
        return await self._after_sale(lookup, within_s)

    async def _union_ids(self, call: ApiCall, within_s: float) -> Answer:
        called_ms = self._now_ms()
        reply, found, calls = await self._caller.look_up(call, within_s)
        outcomes: dict[AnyLookup, LookupOutcome] = {
            lookup: LookupOutcome.BOUND if lookup.openid in found else LookupOutcome.NO_UNIONID
            for lookup in call.people
        }
        records = result_records(self._settings, call.api, call.people, found, called_ms)
        return Answer(reply.verdict, {call.api: calls}, outcomes, records)

    async def _order(self, lookup: OrderLookup, within_s: float) -> Answer:
        reply, calls = await self._detail(Api.ORDER, lookup.appid, lookup.number, within_s)
        answer = Answer(reply.verdict, {Api.ORDER: calls})
        if reply.verdict is not Verdict.OK:
            return answer
        found = await self._paid(read_order(reply.body, lookup.appid, lookup.number))
        if isinstance(found, LookupOutcome):
            return replace(answer, outcomes={lookup: found})
        records = shop_records(self._settings, found.paid, found.refunded)
        return replace(answer, outcomes={lookup: LookupOutcome.PUBLISHED}, records=records)

    async def _after_sale(self, lookup: OrderLookup, within_s: float) -> Answer:
        """Two calls: an after-sale does not name the payment, its order does.

        The payment is published with the refund, which would wait for it otherwise.
        """
        appid = lookup.appid
        reply, calls = await self._detail(Api.AFTER_SALE, appid, lookup.number, within_s)
        answer = Answer(reply.verdict, {Api.AFTER_SALE: calls})
        if reply.verdict is not Verdict.OK:
            return answer
        sale = read_after_sale(reply.body, lookup.number)
        if isinstance(sale, LookupOutcome):
            return replace(answer, outcomes={lookup: sale})
        reply, order_calls = await self._detail(Api.ORDER, appid, sale.order_id, within_s)
        answer = Answer(reply.verdict, {Api.AFTER_SALE: calls, Api.ORDER: order_calls})
        if reply.verdict is not Verdict.OK:
            return answer
        found = await self._paid(read_order(reply.body, appid, sale.order_id))
        if isinstance(found, LookupOutcome):
            return replace(answer, outcomes={lookup: found})
        records = shop_records(self._settings, found.paid, sale.of(found.paid))
        return replace(answer, outcomes={lookup: LookupOutcome.REFUNDED}, records=records)

    async def _detail(
        self, api: Api, appid: str, number: str, within_s: float
    ) -> tuple[Reply, int]:
        path, name = _DETAILS[api]
        return await self._caller.call(appid, api, path, {}, {name: number}, within_s)

    async def _paid(self, found: PaidOrder | LookupOutcome) -> PaidOrder | LookupOutcome:
        """The payment as it may be published: of nobody erased since, and with a Union ID only if
        the apps file says in which Open Platform account it is one.
        """
        if isinstance(found, LookupOutcome):
            return found
        paid = found.paid
        paid_ms, people = time_ms(paid.paid_at), [origin_key(*paid.origin)]
        member = self._directory.membership(paid.appid, paid_ms)
        if member is None:
            paid = paid.model_copy(update={"unionid": None})
        elif paid.unionid is not None:
            people.append(union_key(member.account, paid.unionid))
        if await self._statuses.is_erased(people, paid_ms):
            return LookupOutcome.ERASED
        return replace(found, paid=paid)


#: Interface -> its path, and the field with the number.
_DETAILS: Mapping[Api, tuple[str, str]] = {
    Api.ORDER: (ORDER_GET, "order_id"),
    Api.AFTER_SALE: (AFTER_SALE_GET, "after_sale_order_id"),
}
