"""The apps which can be asked for: those of the directory with an AppSecret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream.rules.apps_file import read_apps
from stream.rules.brand import load_brand


@dataclass(frozen=True, slots=True)
class Askable:
    """Kinds and AppSecrets by appid, of the same apps."""

    kinds: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


def askable(path: Path | None, environ: Mapping[str, str]) -> Askable:
    """Raises `AppsInvalid` with every problem, secrets which are missing among them."""
    secrets = {a.appid: a.secret for a in load_brand(path, environ).secrets.values()}
    _, model = read_apps(path)
    kinds = {app.appid: app.kind for app in model.apps if app.appid in secrets}
    return Askable(kinds, secrets)
