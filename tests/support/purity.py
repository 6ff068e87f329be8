# SPDX-License-Identifier: Apache-2.0
"""The guard of code which has no I/O, no clock, no randomness and no async."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

#: ``hash`` and ``id`` differ from process to process.
_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "hash", "id"}
_METHODS = {"now", "utcnow", "today", "time_ns", "fromtimestamp", "urandom"}
_ASYNC = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


def impurities(source: str, allowed: Collection[str]) -> Iterator[str]:
    """What a module must not do; it may import what is ``allowed``, and all that is below that."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (f"import {a.name}" for a in names if not _is_in(a.name, allowed))
            case ast.ImportFrom(module=module, level=level):
                if level or not _is_in(module or "", allowed):
                    yield f"from {module} import"
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in _METHODS:
                yield f".{name}()"
            case _ if isinstance(node, _ASYNC):
                yield type(node).__name__


def _is_in(module: str, allowed: Collection[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)
