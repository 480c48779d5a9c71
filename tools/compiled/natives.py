"""Rewrites a module's source into such as mypyc compiles well; what it means stays the same, and no line moves.

mypyc makes a native class out of a class, which has no __dict__ to begin with; `slots=True` would throw it away for a
second, interpreted class. What `dataclass` generates stays interpreted, and `__init__` is what is called a million
times. So of each dataclass

    @dataclass(frozen=True, slots=True)         becomes     class _UserConstants: verb: ClassVar[Verb] = Verb.USER
    class User:                                             @dataclass(frozen=True, init=False)
        verb: ClassVar[Verb] = Verb.USER                    class User(_UserConstants):
        name: str                                               name: str
                                                                def __init__(self, name: str) -> None: self.name = name

where the constants go to a class of their own because mypyc takes them for fields. Beside that: tables of methods are
set behind their class, each handler's error gets a name of its own, `del` of an unused parameter is left out.

What is added stands in empty lines, so that a traceback tells the line of the file that is shipped. What is not known
here raises Unknown: a build that fails is better than a class that means something else.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

DECORATOR = "dataclass"
SWITCHES = frozenset({"frozen", "slots", "repr", "eq"})
"""What a decorator may say; each of them means the same for a native class, but `slots`, which is taken away."""

FIELD_SWITCHES = frozenset({"default", "default_factory", "init", "repr", "compare"})


class Unknown(Exception):
    """A dataclass does something that this file has not been taught."""


def natives(source: str, path: str) -> str:
    """The source with native dataclasses, with as many lines as before. Raises Unknown, SyntaxError."""
    source = _with_own_names(source, path)
    tree = ast.parse(source, path)
    _refuse_waits(tree, path)
    lines = _without_unused(source.split("\n"), tree)
    _free_tables(lines, tree, path)
    if not any(isinstance(node, ast.ImportFrom) and node.module == "dataclasses" for node in tree.body):
        if any(isinstance(node, ast.Import) and node.names[0].name == "dataclasses" for node in ast.walk(tree)):
            raise Unknown(f"{path}: dataclasses is imported as a module")
        return "\n".join(lines)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (decorator := _decorator_of(node)) is not None:
            _Rewriting(lines, node, decorator, path).apply()
    return "\n".join(lines)


def _without_unused(lines: list[str], tree: ast.Module) -> list[str]:
    """Without `del event` for a parameter that is not used: those of a coroutine are attributes to mypyc."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        arguments = function.args
        names = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        for node in ast.walk(function):
            if isinstance(node, ast.Delete) and {ast.unparse(each) for each in node.targets} <= names:
                line = lines[node.lineno - 1]
                lines[node.lineno - 1] = f"{line[: node.col_offset]}pass{line[node.end_col_offset :]}"
    return lines


def _refuse_waits(tree: ast.Module, path: str) -> None:
    """mypyc (2.4) raises the error of another call again behind a `finally` that waits for something."""
    waits = (ast.Await, ast.Yield, ast.YieldFrom, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            for each in node.finalbody:
                if any(isinstance(inner, waits) for inner in ast.walk(each)):
                    raise Unknown(f"{path}:{each.lineno}: something is waited for in a `finally`")


def _with_own_names(source: str, path: str) -> str:
    """With a name of its own for the error of each handler: to mypyc those of one name in a function have one type."""
    tree = ast.parse(source, path)
    lines = source.split("\n")
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        seen: dict[str, int] = {}
        for handler in _handlers_of(function):
            count = seen[handler.name] = seen.get(handler.name, 0) + 1
            if count > 1:
                _rename(lines, handler, f"{handler.name}_{count}")
    renamed = "\n".join(lines)
    if ast.dump(ast.parse(renamed, path)) != ast.dump(tree):  # the handlers of `tree` are renamed by now
        raise Unknown(f"{path}: the error of a handler cannot be renamed safely")
    return renamed


def _handlers_of(function: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Those with a name, in their order, without those of functions inside."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.ExceptHandler) and node.name is not None:
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from _handlers_of(node)


def _rename(lines: list[str], handler: ast.ExceptHandler, new: str) -> None:
    old, handler.name = handler.name, new
    for node in ast.walk(handler):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    pattern = re.compile(rf"(?<![\w.\"']){old}(?![\w\"']|=[^=])")
    assert handler.end_lineno is not None
    for number in range(handler.lineno - 1, handler.end_lineno):
        lines[number] = pattern.sub(new, lines[number])


def _free_tables(lines: list[str], tree: ast.Module, path: str) -> None:
    """Set the tables of a class's own methods behind it: in a native class methods cannot be named before it stands."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            tables = [(each, named) for each in node.body if (named := _methods_in(each, node))]
            if tables:
                _free(lines, node, tables, path)


def _methods_in(statement: ast.stmt, node: ast.ClassDef) -> list[ast.Name]:
    """Where a table names methods of the class."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.value, ast.Dict):
        return []
    methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return [each for each in statement.value.values if isinstance(each, ast.Name) and each.id in methods]


def _free(lines: list[str], node: ast.ClassDef, tables: list[tuple[ast.stmt, list[ast.Name]]], path: str) -> None:
    first = tables[0][0].lineno
    heads = []
    behind = [each for each in node.body if each.lineno >= first]
    is_end = all(_methods_in(each, node) or isinstance(each, ast.Expr) for each in behind)
    if not is_end or lines[first - 2].strip():
        raise Unknown(f"{path}:{first}: a table of methods that is not the end of its class")
    for table, named in tables:
        assert isinstance(table, ast.AnnAssign)
        if not _is_constant(table):
            raise Unknown(f"{path}:{table.lineno}: a table of methods that is no ClassVar")
        for method in sorted(named, key=lambda each: (each.lineno, -each.col_offset)):
            line, start = lines[method.lineno - 1], method.col_offset
            lines[method.lineno - 1] = f"{line[:start]}{node.name}.{line[start:]}"
        name = ast.unparse(table.target)
        heads.append(f"{name}: {ast.unparse(table.annotation)}")
        lines[table.lineno - 1] = f"    {node.name}.{name} = {{" + lines[table.lineno - 1].partition("= {")[2]
    lines[first - 2] = "    " + "; ".join(heads)
    for number in range(first - 1, node.end_lineno or first):
        lines[number] = lines[number][4:]


def _decorator_of(node: ast.ClassDef) -> ast.expr | None:
    for each in node.decorator_list:
        name = each.func if isinstance(each, ast.Call) else each
        if isinstance(name, ast.Name) and name.id == DECORATOR:
            return each
    return None


@dataclass(frozen=True)
class _Field:
    """One parameter of the constructor, and what is assigned."""

    parameter: str
    assignment: str


class _Rewriting:
    """One class, in the lines of its module."""

    def __init__(self, lines: list[str], node: ast.ClassDef, decorator: ast.expr, path: str) -> None:
        self._lines = lines
        self._node = node
        self._decorator = decorator
        self._path = path

    def apply(self) -> None:
        """Rewrite it in place."""
        node = self._node
        if node.col_offset or node.bases or node.keywords or len(node.decorator_list) != 1:
            raise self._unknown(node, "is not at the top, or has a base, a metaclass or another decorator")
        words = self._decorator_words()
        fields = self._fields()
        self._rewrite_decorator(words)
        self._add_constructor(fields, is_frozen="frozen=True" in words)
        self._move_constants()

    def _decorator_words(self) -> list[str]:
        decorator = self._decorator
        words = []
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg not in SWITCHES or not isinstance(keyword.value, ast.Constant):
                raise self._unknown(decorator, f"has {keyword.arg}=")
            if keyword.arg != "slots":
                words.append(f"{keyword.arg}={keyword.value.value}")
        return [*words, "init=False"]

    def _fields(self) -> list[_Field]:
        found, after = [], []
        for statement in self._node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name()):
                    if not _is_constant(statement):
                        found.append(self._field(statement))
                case ast.FunctionDef(name="__init__"):
                    raise self._unknown(statement, "has an __init__")
                case ast.FunctionDef(name="__post_init__"):
                    after = [_Field("", "self.__post_init__()")]
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Pass():
                    pass
                case ast.Expr(value=ast.Constant(value=str())):
                    pass
                case _:
                    raise self._unknown(statement, "has a statement that is no field and no method")
        return found + after

    def _field(self, statement: ast.AnnAssign) -> _Field:
        assert isinstance(statement.target, ast.Name)
        name, kind = statement.target.id, ast.unparse(statement.annotation)
        if kind.split("[")[0].split(".")[-1] in ("InitVar", "KW_ONLY"):
            raise self._unknown(statement, f"has {kind}")
        default = statement.value
        if not (isinstance(default, ast.Call) and isinstance(default.func, ast.Name) and default.func.id == "field"):
            given = "" if default is None else f" = {ast.unparse(default)}"
            return _Field(f"{name}: {kind}{given}", f"self.{name} = {name}")
        said = {keyword.arg: keyword.value for keyword in default.keywords}
        if default.args or not said.keys() <= FIELD_SWITCHES:
            raise self._unknown(statement, "says of a field what is not known here")
        is_given = not ("init" in said and ast.unparse(said["init"]) == "False")
        if "default_factory" in said:
            made = f"({ast.unparse(said['default_factory'])})()"
            if not is_given:
                return _Field("", f"self.{name} = {made}")
            if "None" in kind:
                raise self._unknown(statement, "has a field of its own making that may be None")
            kind = kind.strip("'")
            return _Field(f'{name}: "{kind} | None" = None', f"self.{name} = {made} if {name} is None else {name}")
        if not is_given:
            return _Field("", "" if "default" not in said else f"self.{name} = {ast.unparse(said['default'])}")
        given = f" = {ast.unparse(said['default'])}" if "default" in said else ""
        return _Field(f"{name}: {kind}{given}", f"self.{name} = {name}")

    def _rewrite_decorator(self, words: list[str]) -> None:
        decorator = self._decorator
        if decorator.lineno != decorator.end_lineno:
            raise self._unknown(decorator, "is decorated on several lines")
        line = self._lines[decorator.lineno - 1]
        comment = line[decorator.end_col_offset :]
        self._lines[decorator.lineno - 1] = f"@{DECORATOR}({', '.join(words)}){comment}"

    def _add_constructor(self, fields: list[_Field], *, is_frozen: bool) -> None:
        if not fields:
            return
        parameters = ", ".join(["self", *(field.parameter for field in fields if field.parameter)])
        body = "; ".join(field.assignment for field in fields if field.assignment) or "pass"
        excuse = "  # type: ignore[misc]" if is_frozen else ""
        self._fill(self._end, f"    def __init__({parameters}) -> None: {body}{excuse}")

    def _move_constants(self) -> None:
        constants = [each for each in self._node.body if isinstance(each, ast.AnnAssign) and _is_constant(each)]
        if not constants:
            return
        name = f"_{self._node.name}Constants"
        body = "; ".join(ast.unparse(each) for each in constants)
        self._fill(self._decorator.lineno - 2, f"class {name}: {body}")
        for each in constants:
            assert each.end_lineno is not None
            for number in range(each.lineno - 1, each.end_lineno):
                self._lines[number] = ""
        line = self._lines[self._node.lineno - 1]
        head = f"class {self._node.name}:"
        if not line.startswith(head):
            raise self._unknown(self._node, "begins in a way that is not known")
        self._lines[self._node.lineno - 1] = f"class {self._node.name}({name}):{line[len(head) :]}"

    @property
    def _end(self) -> int:
        """The index of the line after the class."""
        assert self._node.end_lineno is not None
        return self._node.end_lineno

    def _fill(self, index: int, text: str) -> None:
        """Write into a line that must be empty."""
        if index == len(self._lines):
            self._lines.append("")
        if self._lines[index].strip():
            raise self._unknown(self._node, f"leaves no empty line where one is needed, at {index + 1}")
        self._lines[index] = text

    def _unknown(self, node: ast.expr | ast.stmt, what: str) -> Unknown:
        return Unknown(f"{self._path}:{node.lineno}: dataclass {self._node.name} {what}")


def _is_constant(statement: ast.AnnAssign) -> bool:
    return ast.unparse(statement.annotation).split("[")[0].split(".")[-1] == "ClassVar"
