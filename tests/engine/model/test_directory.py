# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.directory import Directory, Move

DIRECTORY = Directory({"wxmp": "brand"}, {"gh_mp": "wxmp"}, frozenset({"wxmp", "wxsp"}))


def test_an_app_may_be_known_and_have_no_open_platform_account() -> None:
    assert (DIRECTORY.knows("wxmp"), DIRECTORY.open_account("wxmp")) == (True, "brand")
    assert (DIRECTORY.knows("wxsp"), DIRECTORY.open_account("wxsp")) == (True, None)
    assert (DIRECTORY.knows("wxno"), DIRECTORY.open_account("wxno")) == (False, None)


def test_an_app_with_an_account_is_known_without_being_listed_twice() -> None:
    assert Directory({"wxmp": "brand"}).knows("wxmp")


def test_original_ids_stand_for_appids() -> None:
    assert DIRECTORY.appid_of("gh_mp") == "wxmp"
    assert DIRECTORY.appid_of("wxmp") is None


MOVED = Directory({"wxmp": "new", "wxoa": "brand"}, moves={"wxmp": Move("brand", 1000)})


def test_until_it_moved_an_app_was_in_its_former_account() -> None:
    assert MOVED.membership("wxmp", 999) == ("brand", 0)
    assert MOVED.membership("wxmp", 1000) == ("new", 1000)
    assert MOVED.membership("wxoa", 5000) == ("brand", 0)
    assert MOVED.membership("wxno", 5000) is None


def test_which_apps_are_in_an_account() -> None:
    assert MOVED.apps_in("brand", 999) == ["wxmp", "wxoa"]
    assert MOVED.apps_in("brand", 1000) == ["wxoa"]
    assert MOVED.apps_in("new", 1000) == ["wxmp"]


def test_an_account_says_when_the_app_was_in_it() -> None:
    assert MOVED.membership_in("wxmp", "brand") == ("brand", 0)
    assert MOVED.membership_in("wxmp", "new") == ("new", 1000)
    assert MOVED.membership_in("wxoa", "brand") == ("brand", 0)
    assert MOVED.membership_in("wxoa", "new") is None


def test_former_accounts_are_known() -> None:
    assert [MOVED.has_account(a) for a in ("brand", "new", "other")] == [True, True, False]
    only = Directory({"wxmp": "new"}, moves={"wxmp": Move("old", 1000)})
    assert only.has_account("old")
