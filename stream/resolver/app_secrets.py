# SPDX-License-Identifier: Apache-2.0
"""Read the AppSecrets that the apps file names; the resolver skips apps without one.

The resolver reads no other secret that the file names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream.brand.apps_schema import read_apps
from stream.brand.brand import app_secret
from stream.brand.secrets import Secrets
from stream.yaml_config.problems import AppsInvalid, Finding


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """Kinds and AppSecrets by appid, of the apps that have an AppSecret."""

    kinds: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


def read_app_secrets(path: Path | None, environ: Mapping[str, str]) -> AppSecrets:
    """Raises :class:`AppsInvalid` with every problem, including missing AppSecrets."""
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
    return AppSecrets(kinds, secrets)
