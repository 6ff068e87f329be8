# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from stream.resolver.app_secrets import read_app_secrets
from stream.yaml_config.problems import AppsInvalid

FILE = """
apps:
  - {appid: wxoa, name: OA, kind: official_account, secret_env: OA_SECRET,
     push: {token_env: OA_TOKEN, aes_key_env: OA_KEY}}
  - {appid: wxmp, name: MP, kind: mini_program, secret_env: MP_SECRET}
  - {appid: wxtill, name: till, kind: payment}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "apps.yaml"
    path.write_text(FILE, "utf-8")
    return path


def test_of_all_secrets_app_secrets_alone_are_wanted(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "mp-secret"
    kept.write_text("secretofmp\n")
    found = read_app_secrets(file, {"OA_SECRET": "secretofoa", "MP_SECRET_FILE": str(kept)})
    assert found.kinds == {"wxoa": "official_account", "wxmp": "mini_program"}
    assert found.secrets == {"wxoa": "secretofoa", "wxmp": "secretofmp"}
    assert "secretof" not in repr(found)


def test_all_problems_are_reported_at_once_and_no_secret(file: Path) -> None:
    with pytest.raises(AppsInvalid) as invalid:
        read_app_secrets(file, {"OA_SECRET": "not a secret"})
    said = str(invalid.value)
    assert "OA_SECRET: an AppSecret has letters and digits only" in said
    assert "MP_SECRET" in said
    assert "not a secret" not in said
