"""The apps which can be asked for: those of the file of apps with an AppSecret.

Of all secrets the file names, AppSecrets alone are looked for: the resolver needs no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream.rules.apps_file import read_apps
from stream.rules.brand import app_secret
from stream.rules.problems import AppsInvalid, Finding
from stream.rules.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Askable:
    """Kinds and AppSecrets by appid, of the same apps."""

    kinds: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


def askable(path: Path | None, environ: Mapping[str, str]) -> Askable:
    """Raises :class:`AppsInvalid` with every problem, AppSecrets which are missing among them."""
    document, model = read_apps(path)
    findings: list[Finding] = []
    environment = Secrets(environ, findings)
    secrets: dict[str, str] = {}
    for i, app in enumerate(model.apps):
        found = environment.read(app.secret_env, ("apps", i, "secret_env"), app_secret)
        if found is not None:
            secrets[app.appid] = found
    if findings:
        raise AppsInvalid([document.problem(finding) for finding in findings])
    kinds = {app.appid: app.kind for app in model.apps if app.appid in secrets}
    return Askable(kinds, secrets)
