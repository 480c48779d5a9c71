"""Finds names: of the function around each line of a file, and of tests that fit a pattern."""

import ast
import re
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def names_by_line(text: str) -> dict[int, str]:
    """For each line the name of the class and function it stands in, or of what is defined right below; "" for none."""
    names: dict[int, str] = defaultdict(str)
    _name(ast.parse(text).body, "", names)
    lines = text.splitlines()
    for number in range(len(lines), 0, -1):  # a comment belongs to what follows it
        if lines[number - 1].lstrip().startswith("#") and names[number + 1].startswith(names[number]):
            names[number] = names[number + 1]
    return names


def _name(body: list[ast.stmt], outer: str, names: dict[int, str]) -> None:
    previous = ""
    for node in body:
        name = outer
        if isinstance(node, SCOPES):
            name = f"{outer}.{node.name}" if outer else node.name
        elif not outer and isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target)
        elif not outer and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            name = previous  # the words under a constant belong to it
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        for line in range(first, (node.end_lineno or node.lineno) + 1):
            names[line] = name
        if isinstance(node, SCOPES):
            _name(node.body, name, names)
        previous = name


def tests_named(root: Path, pattern: str) -> list[str]:
    """Tests that fit "tests/FILE-GLOB::NAME-GLOB" (the name may be left out)."""
    files, _, wanted = pattern.partition("::")
    found = []
    for path in sorted(root.glob(files)):
        names = re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE) if wanted else [""]
        found += [f"{path.name}::{name}" for name in names if fnmatchcase(name, wanted)]
    return found
