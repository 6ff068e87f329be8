# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from stream.config.settings import SettingsInvalid
from stream.desk.sessions import read_token


@pytest.mark.parametrize("text", ["", "short", "two words of which each is long", "\xff" * 20])
def test_a_file_without_a_good_token_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsInvalid, match="token"):
        read_token(path)


def test_a_token_may_end_with_a_line_break(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    assert read_token(path) == "0123456789abcdef"
