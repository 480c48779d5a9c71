"""The package as syntax trees: every module, and what it imports.

Imports count wherever they stand: inside a function and under TYPE_CHECKING too.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = "postane"

FLOORS: Mapping[str, int] = {
    **dict.fromkeys(("wire", "pop1", "pop2", "pop3", "smtp", "sasl", "mail"), 0),
    **dict.fromkeys(("maildrop", "accounts", "net", "observe", "languages"), 1),
    **dict.fromkeys(("sinks", "journal", "credentials", "discovery", "imap"), 1),
    **dict.fromkeys(("server", "client", "fetch", "migrate", "talk"), 2),
    **dict.fromkeys(("app", "backends", "fetching", "config", "supervisor"), 3),
    **dict.fromkeys(("cli", "web", "testing"), 4),
    "": 4,  # the package's public face
    "__main__": 5,
}


@dataclass(frozen=True, slots=True)
class Import:
    """`module` is imported on `line`; `module` is as long a dotted name as there is a module for."""

    module: str
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the package. `name` is dotted and without the package: "pop3.server", "" for the face.

    `nodes` are all of the tree, which many rules look through.
    """

    name: str
    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    is_package: bool

    @property
    def folder(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    @property
    def floor(self) -> int:
        """The floor that it stands on; -1: nobody said."""
        return FLOORS.get(self.folder, -1)


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule broken at a place."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class House:
    """All modules, by name, and what each imports."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """`sources` maps a path such as "pop3/server.py" to its text."""
        self.modules = {module.name: module for module in map(_module, sources, sources.values())}
        self.imports = {name: list(self._imports(module)) for name, module in self.modules.items()}

    @classmethod
    def read(cls, folder: Path) -> "House":
        """Every Python file under `folder`."""
        return cls({path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.py"))})

    def inner(self, module: Module) -> Iterator[tuple[Import, Module]]:
        """The imports of `module` that lead to modules of this house."""
        for each in self.imports[module.name]:
            if each.module == ROOT or each.module.startswith(f"{ROOT}."):
                target = self.modules.get(each.module.removeprefix(ROOT).removeprefix("."))
                if target is not None:
                    yield each, target

    def outer(self, module: Module) -> Iterator[Import]:
        """The imports of `module` that lead out of this house."""
        return (each for each in self.imports[module.name] if each.module.partition(".")[0] != ROOT)

    def _imports(self, module: Module) -> Iterator[Import]:
        for node in module.nodes:
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = _absolute(module, node)
                for alias in node.names:
                    inner = f"{start}.{alias.name}"
                    known = inner.removeprefix(f"{ROOT}.") in self.modules
                    yield Import(inner if known else start, node.lineno)


def _module(path: str, text: str) -> Module:
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__"
    tree = ast.parse(text)
    return Module(".".join(parts[: -1 if is_package else None]), path, text, tree, tuple(ast.walk(tree)), is_package)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = [ROOT, *module.name.split(".")] if module.name else [ROOT]
    base = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*base, node.module] if node.module else base)
