"""The programs: every module of this folder but this one has a `PROGRAM`, and that is all it takes to be known."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from qwenproxy.connect.program import Program


def _all() -> dict[str, Program]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    programs: list[Program] = [importlib.import_module(f"{__name__}.{name}").PROGRAM for name in names]
    return {program.name: program for program in sorted(programs, key=lambda program: program.name)}


PROGRAMS: Mapping[str, Program] = _all()
