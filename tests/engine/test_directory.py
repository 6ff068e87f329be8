from __future__ import annotations

from stream.engine.directory import Directory

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
