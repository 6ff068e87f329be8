"""Bugs to plant: small, realistic, each a change of the real source text.

A change whose old text is not found exactly once is out of date, which the tests report.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """In ``file``, ``old`` becomes ``new``."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One planted bug. ``quick``: found within a few seeds, so that ``make test`` plants it."""

    name: str
    edits: tuple[Edit, ...]
    quick: bool = False


def _one(name: str, file: str, old: str, new: str, *, quick: bool = False) -> Mutant:
    return Mutant(name, (Edit(file, old, new),), quick)


_COMMIT = "        answers = await self._tables.commit(commits)\n"

MUTANTS: tuple[Mutant, ...] = (
    _one(
        "duplicates are known by event id, not by business key",
        "stream/engine/account.py",
        "key = marker(fact.key)",
        "key = marker(fact.event_id)",
        quick=True,
    ),
    _one(
        "a commit is taken from whoever sends it",
        "stream/tables/memory.py",
        "if not partition.epoch or partition.epoch != commit.epoch:",
        "if not partition.epoch:",
    ),
    _one(
        "the offset is stored before the state",
        "stream/runtime/rewarder.py",
        _COMMIT,
        "        from dataclasses import replace\n"
        "        await self._tables.commit(\n"
        "            [replace(c, writes={}, outputs=(), counts={}) for c in commits]\n"
        "        )\n"
        "        commits = [replace(c, expected_offset=c.applied_offset) for c in commits]\n"
        + _COMMIT,
    ),
    _one(
        "output is published before the commit",
        "stream/runtime/rewarder.py",
        _COMMIT,
        "        await self._publish([r for c in commits for r in c.outputs])\n" + _COMMIT,
        quick=True,
    ),
    _one(
        "a claim does not publish what its predecessor left",
        "stream/runtime/rewarder.py",
        "await self._publish([record for claim in claims.values() for record in claim.pending])",
        "pass",
    ),
    _one(
        "runs fetched before a rebalance are applied after it",
        "stream/runtime/rewarder.py",
        "if owned is None or owned.generation != run.generation:",
        "if owned is None:",
    ),
    _one(
        "a restored store goes unnoticed where nothing happens",
        "stream/runtime/rewarder.py",
        "if stored.get(partition) != (owned.epoch, owned.applied_offset)",
        "if partition not in stored",
    ),
    _one(
        "a partition's clock goes back with a slow worker's",
        "stream/runtime/step.py",
        "self.clock_ms = max(self.clock_ms, letter.record.timestamp)",
        "self.clock_ms = letter.record.timestamp",
    ),
    _one(
        "a duplicate in the same run erases when its account is due",
        "stream/runtime/step.py",
        "            if decision.changed:\n",
        "            if decision.changed or key in self.changed:\n",
    ),
    Mutant(
        "an offer is not revised when its points fall",
        (
            Edit("stream/engine/offers.py", "return fewer or sooner or", "return sooner or"),
            Edit(
                "stream/engine/offers.py",
                "return live.points != told.points or",
                "return live.points > told.points or",
            ),
        ),
        quick=True,
    ),
    _one(
        "a bind does not withdraw the origin's own offer",
        "stream/engine/account.py",
        '        outputs.append(withdraw(account.told, cause, "superseded"))\n',
        "        pass\n",
    ),
    _one(
        "of several refunds the last alone is taken off",
        "stream/engine/payment.py",
        "order = sum(refund[0] for refund in self.refunds.values())",
        "order = [refund[0] for refund in self.refunds.values()][-1]",
    ),
    _one(
        "refunds which waited for their payment are forgotten",
        "stream/engine/decide.py",
        "    outputs += map(_to_payer, payment.standing(cause.id))\n",
        "    outputs += map(_to_payer, [] if parked else payment.standing(cause.id))\n",
        quick=True,
    ),
    _one(
        "the payment undoes a refund which was there before it",
        "stream/engine/tally.py",
        "held = a if a.rank > b.rank else b",
        "held = b",
    ),
    Mutant(
        "caps hold for each origin, not for the consumer",
        (
            Edit(
                "stream/engine/tally.py",
                "    cells: Cells = {}\n    for touch in _every_touch(account.strands):\n",
                "    each: dict[int, Cells] = {}\n"
                "    strands = list(account.strands.values())\n"
                "    for key, touch in merged_touches(account.strands).items():\n"
                "        number = [key in strand.touches for strand in strands].index(True)\n",
            ),
            Edit(
                "stream/engine/tally.py",
                "                _add(touch, t, cells)\n",
                "                _add(touch, t, each.setdefault(number, {}))\n",
            ),
            Edit(
                "stream/engine/tally.py",
                "    for grant in grants(cells, used, book):\n",
                "    some = ((c, g) for c in each.values() for g in grants(c, used, book))\n"
                "    for cells, grant in some:\n",
            ),
        ),
        quick=True,
    ),
    _one(
        "a touch of an earlier day is added to the latest day",
        "stream/engine/sums.py",
        "if (known is not None and day < known.day) or 0 < expires <= as_of:",
        "if 0 < expires <= as_of:",
    ),
    _one(
        "of two binds the first to arrive wins",
        "stream/engine/origin.py",
        "return min(unions, key=lambda union: (origin.evidence[union].precedence, union))",
        "return next(iter(unions))",
        quick=True,
    ),
    _one(
        "earlier evidence for a known bind is not passed on",
        "stream/engine/routing.py",
        "return holds(proof, Evidence(fact.time, fact.event_id, fact.type, subject.epoch))",
        "return proof is not None",
    ),
    _one(
        "a changed openid knows what its kin know when they meet, and never more",
        "stream/engine/origin.py",
        "    if before[1] != origin.evidence.get(message.claim):\n",
        "    if False:\n",
    ),
    _one(
        "kin do not pass on what they hear",
        "stream/engine/kin.py",
        "    shared = dict(origin.shared)\n",
        "    shared = {}\n",
    ),
    _one(
        "who was told apart is still followed",
        "stream/engine/kin.py",
        "    if any(union in shared and _is_of_kinship(shared[union]) for union in vetoed):\n",
        "    if False:\n",
    ),
    _one(
        "a mall and a shop both have the payment",
        "stream/engine/payment.py",
        "        for origin, payment in sorted(self.others.items()):\n",
        "        for origin, payment in ():\n",
    ),
    _one(
        "of two reports of a payment the first is kept",
        "stream/engine/payment.py",
        "key=lambda origin: (_is_hearsay(payers[origin]), origin)",
        "key=lambda origin: origin != self.origin",
    ),
    _one(
        "an app which has moved is still in its former account",
        "stream/engine/state.py",
        "        return -self.epoch, self\n",
        "        return 0, self\n",
    ),
    _one(
        "a strand joins as often as it is told to",
        "stream/engine/account.py",
        "    strand.attached.append(message.generation)\n",
        "",
    ),
    _one(
        "an origin leaves with everything, not with its own",
        "stream/engine/account.py",
        "moved = difference(account.posted, rest)",
        "moved = difference(account.posted, type(rest)())",
    ),
    _one(
        "what happened before enrolment and arrives after it is not paid",
        "stream/engine/ledger.py",
        "due = {tally.enrolment.member_id: tally.payable} if tally.enrolment else {}",
        "due = {tally.enrolment.member_id: tally.payable} if tally.enrolment else {}\n"
        "        due = dict(posted.paid) or due",
    ),
    _one(
        "entry ids are random",
        "stream/engine/ledger.py",
        'entry_id = digest("entry", cause.key, self.account.entries, cause.id, kind)',
        'entry_id = __import__("uuid").uuid4().hex',
        quick=True,
    ),
    _one(
        "a fall waits for the cool-down, too",
        "stream/engine/offers.py",
        "        if not _must_revise(told, live, cause.as_of):\n",
        "        if cause.as_of < quiet_until or not _must_revise(told, live, cause.as_of):\n",
    ),
    _one(
        "an answer that changes nothing undoes a deletion in the same run",
        "stream/runtime/step.py",
        "self.entities[key] = decision.state if decision.changed else state",
        "self.entities[key] = decision.state",
    ),
    _one(
        "nobody remembers who was erased",
        "stream/engine/erasure.py",
        "    return [Send(key, mark), Send(key, erase)]\n",
        "    return [Send(key, erase)]\n",
        quick=True,
    ),
    _one(
        "who was erased is remembered after the erasure only",
        "stream/engine/erasure.py",
        "    return [Send(key, mark), Send(key, erase)]\n",
        "    return [Send(key, erase), Send(key, mark)]\n",
    ),
    _one(
        "an erased account takes in what comes late",
        "stream/engine/account.py",
        "    if account.erased is not None and forgets(account.erased, fact.time):\n",
        "    if False:\n",
    ),
    _one(
        "after an erasure silence is consent",
        "stream/engine/tally.py",
        "t = Tally(opt_in=account.erased is not None and account.erased.asked)",
        "t = Tally()",
    ),
    _one(
        "the ledger does not hear of what is erased",
        "stream/engine/erasure.py",
        '    ledger.entry("expiry", rest.balance - account.posted.balance)\n',
        "",
        quick=True,
    ),
    _one(
        "a profile's origins are not told of its erasure",
        "stream/engine/account.py",
        "            outputs.append(tell_origin(origin, account.erased, cause.key))\n",
        "            pass\n",
    ),
    _one(
        "an erased origin keeps why it was bound",
        "stream/engine/origin.py",
        "    origin.evidence = {u: e for u, e in origin.evidence.items() if e.time > erased.at}\n",
        "",
    ),
    _one(
        "an account of which nothing is left is kept",
        "stream/engine/account.py",
        "    over = is_over(decision.state, cause.key)\n",
        "    over = False\n",
    ),
    _one(
        "a repeated fact reaches a profile by an outdated binding",
        "stream/engine/decide.py",
        "    if _may_be_from_before(account, message):\n",
        "    if False:\n",
    ),
    _one(
        "members end by idleness, too",
        "stream/engine/account.py",
        "    if not (result.seen and book.idle_days) or result.enrolment is not None:\n",
        "    if not (result.seen and book.idle_days):\n",
    ),
)
