# SPDX-License-Identifier: Apache-2.0
"""Loads the directory of apps: the brand's WeChat apps and their Open Platform accounts."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from stream.brand.apps_schema import AppEntry, AppsFile, judge_apps, read_apps
from stream.engine.model.directory import Directory, Move
from stream.yaml_config.value_types import start_ms


def load_apps(path: Path | None = None) -> Directory:
    """The directory in a file, or in the bundled sample.

    Raises :class:`AppsInvalid` with every problem and its position. Needs no secrets.
    """
    return directory_of(read_apps(path)[1])


def parse_apps(text: str, file: str) -> Directory:
    """Like :func:`load_apps`, from text; ``file`` names it in messages."""
    return directory_of(judge_apps(text, file)[1])


def directory_of(model: AppsFile) -> Directory:
    """The part of the file that the engine needs."""
    apps = model.apps
    return Directory(
        MappingProxyType({app.appid: app.open_account for app in apps if app.open_account}),
        MappingProxyType({app.original_id: app.appid for app in apps if app.original_id}),
        frozenset(app.appid for app in apps),
        MappingProxyType({app.appid: move for app in apps if (move := _move(app))}),
    )


def _move(app: AppEntry) -> Move | None:
    if app.former_open_account is None or app.moved_at is None:
        return None
    return Move(app.former_open_account, start_ms(app.moved_at))
