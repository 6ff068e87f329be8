"""Secrets: the file names variables, the environment has the values.

A setting ``…_env`` names a variable: the secret is in the environment under this name, or in a
file whose path is there under the name with ``_FILE``. No message shows a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from stream.rules.problems import Finding, Loc

SECRET_BYTES_MAX = 4096

_T = TypeVar("_T")


class Secrets:
    """Reads secrets, and notes in ``findings`` what it cannot find."""

    def __init__(self, environ: Mapping[str, str], findings: list[Finding]) -> None:
        self._environ, self._findings = environ, findings

    def read(self, name: str | None, at: Loc, understand: Callable[[str], _T]) -> _T | None:
        """The secret in the variable ``name``; ``understand`` raises ``ValueError``."""
        if name is None:
            return None
        try:
            return understand(self._variable(name))
        except ValueError as error:
            self.note(at, f"{name}: {error}")
            return None

    def note(self, at: Loc, message: str) -> None:
        """Something else is wrong with the secret of a setting."""
        self._findings.append(Finding(at, message))

    def both(
        self, entry: object, name: str, at: Loc, understand: Callable[[str], _T]
    ) -> tuple[_T, ...]:
        """The secret of ``<name>_env``, and that of ``previous_<name>_env`` where there is one."""
        settings = (f"{name}_env", f"previous_{name}_env")
        found = [self.read(getattr(entry, s), (*at, s), understand) for s in settings]
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
    """A small file; raises ``ValueError``."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(bytes_max + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ValueError(f"the file cannot be read ({reason})") from None
    if len(raw) > bytes_max:
        raise ValueError(f"the file has more than {bytes_max} bytes")
    return raw
