"""The product's own source as syntax, for the tests of the house rules."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import qwenproxy

ROOT = Path(qwenproxy.__file__).parent


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return a module's syntax, parsed once: CPython 3.11 counts its recursion wrongly now and then."""
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a module's syntax."""
    return tuple(ast.walk(tree_of(path)))
