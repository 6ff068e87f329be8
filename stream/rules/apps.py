"""The directory of apps: which WeChat apps the brand has, and which belong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from stream.engine.directory import Directory
from stream.rules.between import ids_differ
from stream.rules.loader import judge, read
from stream.rules.model import Closed, ListOf
from stream.rules.problems import AppsInvalid, Finding
from stream.rules.scalars import Id, OriginalId, Text, sized

APPS_MAX = 1000

Kind = Literal[
    "official_account", "mini_program", "payment", "mobile_app", "website", "service_provider"
]


class AppEntry(Closed):
    """One app: anything with an appid."""

    appid: Id
    name: Text
    kind: Kind
    original_id: OriginalId | None = None
    open_account: Id | None = None


class AppsFile(Closed):
    """The whole file."""

    apps: Annotated[ListOf[AppEntry], sized(1, APPS_MAX)]


def load_apps(path: Path | None = None) -> Directory:
    """The directory in a file, or the sample which is shipped.

    Raises :class:`AppsInvalid` with every problem and its place.
    """
    return parse_apps(*read(path, "apps.yaml", AppsInvalid))


def parse_apps(text: str, file: str) -> Directory:
    """Like :func:`load_apps`, from text; ``file`` names it in messages."""
    _, model = judge(text, file, AppsFile, _findings_in, AppsInvalid)
    apps = model.apps
    return Directory(
        MappingProxyType({app.appid: app.open_account for app in apps if app.open_account}),
        MappingProxyType({app.original_id: app.appid for app in apps if app.original_id}),
        frozenset(app.appid for app in apps),
    )


def _findings_in(tree: object) -> Iterator[Finding]:
    yield from ids_differ(tree, "apps", "appid")
    yield from ids_differ(tree, "apps", "original_id")
