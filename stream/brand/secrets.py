# SPDX-License-Identifier: Apache-2.0
"""Reads secrets from environment variables that the apps file names.

A setting ``…_env`` names a variable. The variable holds the secret, or the same name with
``_FILE`` holds the path of a file with the secret. No message shows a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from stream.language import yaml_messages as say
from stream.language.message import Phrase
from stream.yaml_config.problems import Finding, Loc

SECRET_BYTES_MAX = 4096

_T = TypeVar("_T")


class Secrets:
    """Reads secrets, and adds problems to ``findings``."""

    def __init__(self, environ: Mapping[str, str], findings: list[Finding]) -> None:
        self._environ, self._findings = environ, findings

    def read(self, name: str | None, at: Loc, parse: Callable[[str], _T]) -> _T | None:
        """The secret in the variable ``name``; ``parse`` may raise ``ValueError``."""
        if name is None:
            return None
        try:
            return parse(self._variable(name))
        except ValueError as error:
            self.note(at, say.VERBATIM(text=f"{name}: {error}"))
            return None

    def note(self, at: Loc, message: Phrase) -> None:
        """Add a problem with the secret of a setting."""
        self._findings.append(Finding(at, message))

    def both(self, entry: object, name: str, at: Loc, parse: Callable[[str], _T]) -> tuple[_T, ...]:
        """The secret of ``<name>_env``, and that of ``previous_<name>_env`` if set."""
        settings = (f"{name}_env", f"previous_{name}_env")
        found = [self.read(getattr(entry, s), (*at, s), parse) for s in settings]
        return tuple(secret for secret in found if secret is not None)

    def _variable(self, name: str) -> str:
        file = f"{name}_FILE"
        given = [variable for variable in (name, file) if self._environ.get(variable)]
        if len(given) != 1:
            raise ValueError(
                f"set {name}, or {file} with a path; {'both are' if given else 'neither is'} set"
            )
        if given == [name]:
            return self._environ[name]
        raw = contents(Path(self._environ[file]), SECRET_BYTES_MAX)
        try:
            return raw.decode("ascii").strip()
        except UnicodeDecodeError:
            raise ValueError("the file must hold the secret alone, as plain text") from None


def contents(path: Path, bytes_max: int) -> bytes:
    """Read a small file; raises ``ValueError``."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(bytes_max + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ValueError(f"the file cannot be read ({reason})") from None
    if len(raw) > bytes_max:
        raise ValueError(f"the file has more than {bytes_max} bytes")
    return raw
