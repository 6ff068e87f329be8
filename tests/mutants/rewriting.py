# SPDX-License-Identifier: Apache-2.0
"""Find a piece of code by its syntax tree and put another in its place."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent, indent

from tests.mutants.mutant import Edit

_Compound = ast.For | ast.AsyncFor | ast.While | ast.If | ast.With | ast.AsyncWith | ast.FunctionDef
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class OutOfDate(Exception):
    """A mutant's old code is not in the product, or not only once, or its new code cannot run."""


@dataclass(frozen=True)
class _Span:
    """From one place of a source to another: lines from 1, columns in bytes of UTF-8."""

    line: int
    column: int
    end_line: int
    end_column: int


def rewrite(source: str, edit: Edit) -> str:
    """``source`` with the edit applied; raise :class:`OutOfDate` unless it fits exactly once."""
    scope = _scope(ast.parse(source), edit)
    if _is_expression(edit.old) and _is_expression(edit.new):
        spans = list(_expressions(scope, ast.parse(edit.old, mode="eval").body))
        text = f"({edit.new})"
    else:
        old = ast.parse(dedent(edit.old)).body
        header = _header_of(old)
        spans = list(_headers(scope, header) if header else _statements(scope, old))
        new = ast.parse(dedent(edit.new)).body
        text = ast.unparse(ast.Module(new, [])) if new else "pass"
        if header:
            text = text.rpartition("\n")[0] + "\n    "  # the body stays what it is
    if len(spans) != 1:
        found = f"found {len(spans)} times in {edit.place} of {edit.file}"
        raise OutOfDate(f"{found}: {edit.old!r}")
    return _replace(source, spans[0], text)


def undefined(source: str, edits: Sequence[Edit]) -> set[str]:
    """The names that the new code reads and that neither it nor the source has."""
    known = {*dir(builtins), "__import__"}
    read: set[str] = set()
    for edit in edits:
        for node in ast.walk(ast.parse(dedent(edit.new))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                read.add(node.id)
            known |= _bound_by(node)
    for node in ast.walk(ast.parse(source)):
        known |= _bound_by(node)
    return read - known


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return {name}
        case ast.alias(name=name, asname=asname):
            return {asname or name.partition(".")[0]}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
    return set()


def _is_expression(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True


def _scope(tree: ast.Module, edit: Edit) -> ast.AST:
    """The one node which ``edit.place`` names."""
    found: list[ast.AST] = [tree]
    for name in edit.place.split("."):
        found = [inner for node in found for inner in _scopes(node) if name in _names(inner)]
    if len(found) != 1:
        raise OutOfDate(f"{edit.file} has {edit.place} {len(found)} times")
    return found[0]


def _scopes(node: ast.AST) -> Iterator[_Scope]:
    """What has a name and stands in ``node`` with no other name between."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Scope):
            yield child
        else:
            yield from _scopes(child)


def _names(node: _Scope) -> set[str]:
    match node:
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=target):
            return {target.id} if isinstance(target, ast.Name) else set()
        case _:
            return {node.name}


def _expressions(scope: ast.AST, wanted: ast.expr) -> Iterator[_Span]:
    form = ast.dump(wanted)
    for node in ast.walk(scope):
        if isinstance(node, ast.expr) and ast.dump(node) == form:
            yield _span(node, node)


def _statements(scope: ast.AST, wanted: list[ast.stmt]) -> Iterator[_Span]:
    form = [ast.dump(one) for one in wanted]
    for block in _blocks(scope):
        forms = [ast.dump(one) for one in block]
        for start in range(len(block) - len(wanted) + 1):
            if forms[start : start + len(form)] == form:
                yield _span(block[start], block[start + len(form) - 1])


def _blocks(scope: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(scope):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def _header_of(old: list[ast.stmt]) -> ast.stmt | None:
    """The statement whose body is ``...``."""
    if len(old) == 1 and isinstance(header := old[0], _Compound):
        match header.body:
            case [ast.Expr(value=ast.Constant(value=value))] if value is ...:
                return header
    return None


def _headers(scope: ast.AST, wanted: ast.stmt) -> Iterator[_Span]:
    form = _header_form(wanted)
    for block in _blocks(scope):
        for node in block:
            if isinstance(node, _Compound) and _header_form(node) == form:
                first = node.body[0]
                yield _Span(node.lineno, node.col_offset, first.lineno, first.col_offset)


def _header_form(node: ast.stmt) -> str:
    blocks = ("body", "orelse")
    parts = [(name, value) for name, value in ast.iter_fields(node) if name not in blocks]
    form = [(name, ast.dump(part) if isinstance(part, ast.AST) else part) for name, part in parts]
    return f"{type(node).__name__}{form}"


def _span(first: ast.expr | ast.stmt, last: ast.expr | ast.stmt) -> _Span:
    assert last.end_lineno is not None
    assert last.end_col_offset is not None
    return _Span(first.lineno, first.col_offset, last.end_lineno, last.end_col_offset)


def _replace(source: str, span: _Span, text: str) -> str:
    """Statements stand where the old ones stood; what follows in a text is indented likewise."""
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: span.line - 1])) + span.column
    end = sum(map(len, lines[: span.end_line - 1])) + span.end_column
    first, *rest = text.split("\n")
    margin = " " * span.column
    placed = "\n".join([first, *(indent(line, margin, lambda _: True) for line in rest)])
    whole = source.encode()
    return (whole[:start] + placed.encode() + whole[end:]).decode()
