"""The rules of the house, read from the source: floors, cycles, sizes, state.

Each rule looks at a `House` and yields what breaks it.
"""

import ast
import re
from collections.abc import Callable, Iterator

from .house import Breach, House, Module

GROUND, ADAPTERS, WORKERS, HOUSE = 0, 1, 2, 3

GROUND_ARROWS = {("pop3", "sasl"), ("smtp", "sasl"), ("smtp", "mail")}
"""Who may use whom on the ground floor, beside `wire`, which all may use."""

WORKER_ARROWS = {("fetch", "client"), ("migrate", "client"), ("talk", "client")}
"""Who may use whom among the workers: whoever gets mail from a server does it with the library."""

FACES = {"", "client"}
"""Packages that users import from by their own name."""

PURE = {
    *("__future__", "abc", "base64", "binascii", "collections", "dataclasses", "datetime", "email", "enum"),
    *("functools", "hashlib", "hmac", "ipaddress", "itertools", "operator", "re", "string", "stringprep", "struct"),
    *("types", "typing", "unicodedata"),
}
"""Modules of values only: all that the ground floor may import from outside."""

PURE_FOR = {"sasl": {"scramp"}}

NOT_FOR_WORKERS = {"sqlite3", "pathlib", "shutil", "tempfile", "glob", "asyncpg", "obstore", "argon2", "sansldap"}
SQL = re.compile(r"\s*(SELECT |INSERT |UPDATE \w+ SET|DELETE FROM|CREATE |PRAGMA |BEGIN\b|COMMIT\b)")

CATCHES_ALL = {"server/replies.py", "server/loop.py", "maildrop/crew.py"}
"""The only files that may catch every exception."""

FILE_LINES = 300
FUNCTION_LINES = 60
PARAMETERS = 6

MUTATORS = {
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove"),
    *("setdefault", "sort", "update"),
}
MUTABLE = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "WeakValueDictionary"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def floors(house: House) -> Iterator[Breach]:
    """A module imports only from floors below it, or from its own folder."""
    for module in house.modules.values():
        if module.floor < 0:
            yield Breach(module.path, 1, f"{module.folder}/ stands on no floor")
        for each, target in house.inner(module):
            if target.floor >= module.floor and not _is_neighbour(module, target):
                text = f"floor {module.floor} ({module.folder}/) imports {each.module} of floor {target.floor}"
                yield Breach(module.path, each.line, text)


def _is_neighbour(module: Module, target: Module) -> bool:
    if module.folder == target.folder:
        return True
    if module.floor != target.floor:
        return module.floor == HOUSE and target.name == ""  # the version
    if module.floor == GROUND:
        return target.folder == "wire" or (module.folder, target.folder) in GROUND_ARROWS
    if module.floor == ADAPTERS:
        return target.name.endswith(".base")
    if module.floor == WORKERS and (module.folder, target.folder) in WORKER_ARROWS:
        return True
    return module.floor == HOUSE or target.name == ""


def purity(house: House) -> Iterator[Breach]:
    """The ground floor imports modules of values only."""
    for module in house.modules.values():
        if module.floor == GROUND:
            allowed = PURE | PURE_FOR.get(module.folder, set())
            for each in house.outer(module):
                if each.module.partition(".")[0] not in allowed:
                    yield Breach(module.path, each.line, f"the ground floor is pure, and {each.module} is not")


def workers(house: House) -> Iterator[Breach]:
    """Workers know no SQL, no files and no paths."""
    for module in house.modules.values():
        if module.floor != WORKERS:
            continue
        for each in house.outer(module):
            if each.module.partition(".")[0] in NOT_FOR_WORKERS:
                yield Breach(module.path, each.line, f"a worker imports {each.module}")
        for node in module.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "os.open", "io.open"}:
                yield Breach(module.path, node.lineno, "a worker opens a file")
            elif isinstance(node, ast.Attribute) and ast.unparse(node) == "os.path":
                yield Breach(module.path, node.lineno, "a worker handles a path")
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                yield Breach(module.path, node.lineno, "a worker speaks SQL")


def cycles(house: House) -> Iterator[Breach]:
    """No module reaches itself by imports, those for types alone included."""
    finished: set[str] = set()
    for start in house.modules:
        yield from _walk(house, start, [], finished)


def _walk(house: House, name: str, trail: list[str], finished: set[str]) -> Iterator[Breach]:
    if name in finished:
        return
    module = house.modules[name]
    for each, target in house.inner(module):
        if target.name in [*trail, name] and not (target.is_package and _is_empty(target)):
            around = [*trail, name][[*trail, name].index(target.name) :]
            yield Breach(module.path, each.line, "imports in a circle: " + " -> ".join([*around, target.name]))
        elif target.name not in [*trail, name]:
            yield from _walk(house, target.name, [*trail, name], finished)
    finished.add(name)


def file_sizes(house: House) -> Iterator[Breach]:
    """A file has at most FILE_LINES lines."""
    for module in house.modules.values():
        lines = len(module.text.splitlines())
        if lines > FILE_LINES:
            yield Breach(module.path, lines, f"{lines} lines, more than {FILE_LINES}")


def function_sizes(house: House) -> Iterator[Breach]:
    """A function has at most FUNCTION_LINES lines."""
    for module, node, _ in _functions(house):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield Breach(module.path, node.lineno, f"{node.name} has {lines} lines, more than {FUNCTION_LINES}")


def parameters(house: House) -> Iterator[Breach]:
    """A function has at most PARAMETERS parameters, the object itself not counted."""
    for module, node, is_method in _functions(house):
        given = node.args
        count = len(given.posonlyargs + given.args + given.kwonlyargs) + bool(given.vararg) + bool(given.kwarg)
        static = any(ast.unparse(each) == "staticmethod" for each in node.decorator_list)
        count -= is_method and not static
        if count > PARAMETERS:
            yield Breach(module.path, node.lineno, f"{node.name} has {count} parameters, more than {PARAMETERS}")


def _functions(house: House) -> Iterator[tuple[Module, Function, bool]]:
    for module in house.modules.values():
        for parent in module.nodes:
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, Function):
                    yield module, node, isinstance(parent, ast.ClassDef)


def faces(house: House) -> Iterator[Breach]:
    """`__init__` files are empty but for the faces that users import from."""
    for module in house.modules.values():
        if module.is_package and module.name not in FACES and not _is_empty(module):
            yield Breach(module.path, 1, "an __init__ with something in it")


def _is_empty(module: Module) -> bool:
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in module.tree.body)


def catching(house: House) -> Iterator[Breach]:
    """Only the reply table and its loop catch every exception, and threads that hand it over to whoever waits; others
    may clean up and raise it again."""
    for module in house.modules.values():
        for node in module.nodes:
            if isinstance(node, ast.ExceptHandler) and module.path not in CATCHES_ALL and _catches_all(node):
                yield Breach(module.path, node.lineno, "catches every exception")


def _catches_all(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {ast.unparse(kind) if kind else "BaseException" for kind in kinds}
    last = node.body[-1]
    raises = isinstance(last, ast.Raise) and last.exc is None
    return "Exception" in names or ("BaseException" in names and not raises)


def state(house: House) -> Iterator[Breach]:
    """No module keeps state: no `global`, and no collection of a module is changed by a function."""
    for module in house.modules.values():
        kept = set(_collections(module.tree))
        for node in module.nodes:
            if isinstance(node, ast.Global):
                yield Breach(module.path, node.lineno, f"global {', '.join(node.names)}")
            elif isinstance(node, Function):
                changed = [(line, name) for line, name in _changes(node) if name in kept] if kept else []
                local = _bound(node) if changed else set()
                for line, name in changed:
                    if name not in local:
                        yield Breach(module.path, line, f"{node.name} changes {name}, which belongs to the module")


def _collections(tree: ast.Module) -> Iterator[str]:
    """Names that are given a changeable collection at the module's own level."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        literal = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        made = isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in MUTABLE
        if literal or made:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[union-attr]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _bound(function: Function) -> set[str]:
    nodes = ast.walk(function)
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _changes(function: Function) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            changed: ast.expr = node.func.value
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed = node.value
        else:
            continue
        if isinstance(changed, ast.Name):
            yield node.lineno, changed.id


def idleness(house: House) -> Iterator[Breach]:
    """Importing a module does no work; only doors put themselves together then."""
    for module in house.modules.values():
        for node in module.tree.body:
            call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            if module.floor <= HOUSE and (call or isinstance(node, ast.For | ast.While | ast.With)):
                yield Breach(module.path, node.lineno, "works while it is imported")


RULES: tuple[Callable[[House], Iterator[Breach]], ...] = (
    *(floors, purity, workers, cycles, file_sizes, function_sizes, parameters),
    *(faces, catching, state, idleness),
)
