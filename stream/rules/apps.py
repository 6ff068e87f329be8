"""The directory of apps: which WeChat apps the brand has, and which belong together."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from stream.engine.directory import Directory, Move
from stream.rules.apps_file import AppEntry, AppsFile, judge_apps, read_apps
from stream.rules.scalars import start_ms


def load_apps(path: Path | None = None) -> Directory:
    """The directory in a file, or the sample which is shipped.

    Raises :class:`AppsInvalid` with every problem and its place. Needs no secrets.
    """
    return directory_of(read_apps(path)[1])


def parse_apps(text: str, file: str) -> Directory:
    """Like :func:`load_apps`, from text; ``file`` names it in messages."""
    return directory_of(judge_apps(text, file)[1])


def directory_of(model: AppsFile) -> Directory:
    """What the engine needs of the file."""
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
