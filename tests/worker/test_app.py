# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from stream.config.settings import load_settings
from stream.worker.app import create_app


@pytest.mark.parametrize("port", ["0", "6066"])
def test_faust_serves_no_pages_of_its_own(port: str) -> None:
    app = create_app(
        load_settings(
            {
                "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
                "SHADOWPOINTS_REDIS_URL": "memory://",
                "SHADOWPOINTS_WEB_PORT": port,
            }
        )
    )
    services: Any = app.boot_strategy
    assert not list(services.web_server())
    assert "web" not in vars(app)
