# SPDX-License-Identifier: Apache-2.0
"""Back-fill and changed openids, by command, on real servers and the stand-in for WeChat's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import orjson
import pytest

from stream.rules.loader import load_rules
from tests.integration.cluster import Cluster
from tests.integration.test_resolver import (
    MEI,
    MEI_OA,
    MINI_PROGRAM,
    OA,
    PROFILE,
    UNION,
    brand,
    brand_settings,
    consent,
    follow,
    payment,
)
from tests.services import wechat as api
from tests.services.wechat import WeChat
from tests.support import commands
from tests.support.snapshot import snapshot

__all__ = ["brand", "brand_settings"]
pytestmark = pytest.mark.integration


async def run(cluster: Cluster, *command: str | Path) -> tuple[int, str, str]:
    line = [*commands.SHADOWPOINTS, *map(str, command)]
    done = await asyncio.to_thread(commands.run, line, cluster.environment, 90)
    return done.returncode, done.stdout, done.stderr


async def binds(cluster: Cluster) -> dict[str, str]:
    await cluster.settled()
    assert await cluster.dead_letters() == []
    entities = await cluster.entities()
    return snapshot(entities, load_rules(), int(time.time() * 1000)).binds


async def test_followers_are_asked_for_a_hundred_at_a_time_and_once(
    brand: Cluster, wechat: WeChat, tmp_path: Path
) -> None:
    followers = [f"oFollower{number:04}" for number in range(230)]
    app = wechat.apps[OA]
    app.followers = followers
    app.unionids = {openid: f"u{openid}" for openid in followers[:220]}
    wechat.answer_code(api.BATCHGET, -1)
    wechat.answer_code(api.BATCHGET, 40003)  # of one batch an openid is refused
    brand.start_worker()

    code, printed, problems = await run(brand, "resolver", "backfill", OA)
    assert (code, printed) == (0, "220 bound, 10 no_unionid\n"), problems
    assert wechat.count(api.USER_GET) == 2
    assert wechat.count(api.BATCHGET) <= 5
    assert 0 < wechat.count(api.USER_INFO) <= 100
    assert len(await binds(brand)) == 220

    some = tmp_path / "openids"
    some.write_text("\n".join(followers[:3] + followers[-2:]))
    code, printed, problems = await run(brand, "resolver", "backfill", OA, "--openids", some)
    assert (code, printed) == (0, "3 known, 2 no_unionid\n"), problems
    assert followers[0] not in problems

    wechat.quotas[OA, api.BATCHGET] = 0
    code, printed, problems = await run(brand, "resolver", "backfill", OA, "--openids", some)
    assert (code, printed) == (1, "3 known\n")
    assert "WeChat has stopped answering (quota)" in problems


async def test_a_changed_openid_is_aliased(brand: Cluster, wechat: WeChat, tmp_path: Path) -> None:
    """The mini-program's payers as followers of the account it became."""
    former = [MEI, *(f"oFormer{number:03}" for number in range(120))]
    changed = {openid: f"oNew{number}" for number, openid in enumerate(former[1:])}
    changed = {MEI: MEI_OA} | changed
    del changed["oFormer007"]
    wechat.apps[OA].changed = {(MINI_PROGRAM, old): new for old, new in changed.items()}
    file = tmp_path / "openids"
    file.write_text("\n".join(former) + "\nno openid\n")
    brand.start_worker()
    await brand.publish([consent(MEI), payment(MEI, "4200000001"), follow(MEI_OA)])

    migration = ("changeopenid", "--from-appid", MINI_PROGRAM, "--to-appid", OA)
    wechat.answer_code(api.CHANGE_OPENID, -1)
    code, printed, problems = await run(brand, *migration, file)
    assert (code, printed) == (1, "published 120 changes of openids\n"), problems
    assert "line 122: no openid" in problems
    assert "line 9: no_follower" in problems
    assert "oFormer" not in problems
    assert wechat.count(api.CHANGE_OPENID) == 3
    found = await binds(brand)
    shared = found[f"origin.{MINI_PROGRAM}.{MEI}"]
    assert shared == found[f"origin.{OA}.{MEI_OA}"]

    # the same from a saved answer changes nothing; then her Union ID is found, for both
    results = [{"ori_openid": MEI, "new_openid": MEI_OA, "err_msg": "ok"}]
    saved = tmp_path / "answers.jsonl"
    saved.write_bytes(orjson.dumps({"errcode": 0, "result_list": results}) + b"\n")
    code, printed, problems = await run(brand, *migration, "--response", saved)
    assert (code, printed) == (0, "published 1 changes of openids\n"), problems
    openids = tmp_path / "followers"
    openids.write_text(MEI_OA)
    code, printed, problems = await run(brand, "resolver", "backfill", OA, "--openids", openids)
    assert (code, printed) == (0, "1 bound\n"), problems
    found = await binds(brand)
    assert found[f"origin.{MINI_PROGRAM}.{MEI}"] == found[f"origin.{OA}.{MEI_OA}"] == PROFILE
    assert PROFILE.endswith(UNION)

    other = ("changeopenid", "--from-appid", OA, "--to-appid", MINI_PROGRAM, file)
    code, printed, problems = await run(brand, *other)
    assert (code, printed) == (1, "published 0 changes of openids\n")
    assert "are not of one migration (63178)" in problems
