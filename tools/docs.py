"""Pages of docs/reference that are made from the code.

    docs.py write     write them
    docs.py stale     fail when one is not what `write` would write

configuration.md and fetch.md from the classes of the configurations, cli.md from the commands' help, states.md from
the charts, capabilities.md from a server that is asked.
"""

import enum
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
MADE = "*Made by `make docs`; do not edit.*\n"


def configuration() -> Iterator[str]:
    """configuration.md: a table for each section of the file, and for each kind of its tables."""
    from postane.config.backends import KINDS
    from postane.config.model import DEFAULT_LISTENERS, Config

    yield "# Configuration\n"
    yield MADE
    yield "A TOML file; a key may be left out where it has a default. Sizes are written `50MB`, `64kB` (powers of 1024)"
    yield "or as octets, durations `10m`, `60s`, `1.5h`, `30d`, addresses `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`."
    yield "What is unknown or wrong is refused at start with the file, the line, the key and what would be right;"
    yield "`postane config check` says it before."
    sections = {name: kind for name, field in Config.model_fields.items() if (kind := _section(field))}
    yield "\n## At the top of the file\n"
    yield from _keys({name: field for name, field in Config.model_fields.items() if name not in sections})
    for name, section in sections.items():
        if name == "accounts":
            yield f"\n## [[accounts]]\n\n{ACCOUNTS}"
            for kind, backend in KINDS.items():
                yield f'\n### kind = "{kind}"\n\n{inspect.getdoc(backend)}\n'
                yield from _keys({name: field for name, field in backend.model_fields.items() if name != "kind"})
            continue
        yield f"\n## [{name}]\n"
        words = inspect.getdoc(section) or ""
        if default := DEFAULT_LISTENERS.get(name):
            addresses = ", ".join(f'"{address}"' for address in default)
            words += f" Where no section names an address, `listen = [{addresses}]`."
        yield words + "\n"
        yield from _keys(section.model_fields)
        for key, tables in {key: _section(field) for key, field in section.model_fields.items()}.items():
            if tables:
                yield f"\n### [[{name}.{key}]]\n\n{inspect.getdoc(tables)}\n"
                yield from _keys(tables.model_fields)


ACCOUNTS = """Where accounts come from: a table for each place, asked in the order of the file; the first that knows a
name decides about it. Without any, `kind = "local"` is there."""


def _section(field: Any) -> Any:
    """The class of a section, or of the tables that a key holds; None where it holds values."""
    inner = typing.get_args(field.annotation)
    return next((each for each in (field.annotation, *_flat(inner)) if hasattr(each, "model_fields")), None)


def _flat(kinds: tuple[Any, ...]) -> Iterator[Any]:
    for each in kinds:
        yield each
        yield from _flat(typing.get_args(each))


def _keys(fields: dict[str, Any]) -> Iterator[str]:
    if not fields:
        yield "It has no other keys."
        return
    yield "| key | type | default | |"
    yield "|---|---|---|---|"
    for name, field in fields.items():
        kind = _table_kind(field) if _section(field) else _kind(field)
        initial = field.default_factory() if field.default_factory else field.default
        default = "required" if field.is_required() else "none" if kind == "tables" else _default(initial, kind)
        yield f"| `{name}` | {kind} | {default} | {_cell(field.description or '')} |"


def _table_kind(field: Any) -> str:
    if "SecretPlace" in str(field.annotation):
        return "text or table"
    return "tables" if any(word in str(field.annotation) for word in ("tuple[", "dict[")) else "table"


def _kind(field: Any) -> str:
    """The type in the words of the file; `field` is one of pydantic's."""
    text = f"{field.annotation} {field.metadata}"
    if "parse_endpoint" in text and "tuple" not in text:
        return "address"
    for word, kind in KINDS_OF_VALUES.items():
        if word in text:
            return kind
    for function, word in (("parse_size", "size"), ("parse_duration", "duration"), ("parse_endpoint", "addresses")):
        if function in text:
            return word
    if "parse_retention" in text:
        return 'duration or `"never"`'
    if "parse_workers" in text:
        return '`"auto"` or number'
    if "Literal" in text:
        values = [value for value in _flat(typing.get_args(field.annotation)) if isinstance(value, str)]
        if "tuple" in text:
            return "list of " + ", ".join(f'`"{value}"`' for value in values)
        return " or ".join(f'`"{value}"`' for value in values)
    names = {"tuple": "list of texts", "Path": "path", "bool": "true or false", "int": "number", "str": "text"}
    return next((word for name, word in names.items() if name in text), "text")


KINDS_OF_VALUES = {
    "parse_keep": '`true`, `false`, duration or `"until-deleted-here"`',
    "parse_pattern": "regular expression",
    "str | tuple": "text or list of texts",
    "bool | pathlib": "`true` or path",
}
"""By a word of how a value is checked: what it is."""


def _default(value: object, kind: str) -> str:
    from postane.config.units import format_retention, format_size

    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if kind == "size" and isinstance(value, int):
        return f'`"{format_size(value)}"`'
    if kind.startswith("duration") and isinstance(value, int | float):
        return f'`"{format_retention(value)}"`'
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    text = str(value).replace(str(Path.home()), "~") if isinstance(value, Path) else value
    return f"`{value}`" if isinstance(value, int) else f'`"{text}"`'


def cli() -> Iterator[str]:
    """cli.md: what every command takes, in the words of its help."""
    import typer.main

    from postane.cli.commands import make_app

    yield "# Commands\n"
    yield MADE
    yield "Exit codes are those of sysexits.h. Every command that needs a configuration takes `-c FILE` after its name;"
    yield "without it `postane.toml` in the current folder is read, else `/etc/postane/postane.toml`, else the defaults"
    yield "hold."
    for names, command in _commands(("postane",), typer.main.get_command(make_app())):
        yield f"\n## {' '.join(names)}\n"
        yield from _command(names, command)


def _commands(names: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield names, command
    for name, inner in _inner(command).items():
        yield from _commands((*names, name), inner)


def _inner(command: Any) -> dict[str, Any]:
    return {name: each for name, each in sorted(getattr(command, "commands", {}).items()) if not each.hidden}


def _command(names: tuple[str, ...], command: Any) -> Iterator[str]:
    """Only what every version of typer has is asked for: the page must not change with a library."""
    if nameless := getattr(command, "nameless", None):  # what the group does without a command
        yield from _command(names, command.commands[nameless])
        yield ""
    shown = [each for each in command.params if each.name not in HIDDEN and not getattr(each, "hidden", False)]
    inner = _inner(command)
    usage = [*names, *(["COMMAND"] if inner else []), *(_usage(each) for each in shown)]
    yield f"```\n{' '.join(usage)}\n```\n"
    yield from (inspect.cleandoc(words).replace("\f", "") + "\n" for words in (command.help, command.epilog) if words)
    if inner:
        yield "| command | |"
        yield "|---|---|"
        for name, each in inner.items():
            summary = re.split(r"[.](?: |$)", each.help or "", flags=re.MULTILINE)[0]
            yield f"| [{name}](#{'-'.join((*names, name))}) | {_cell(summary)} |"
    elif shown:
        yield "| argument, option | |"
        yield "|---|---|"
        yield from (f"| `{_spelling(each)}` | {_cell(_words(each))} |" for each in shown)


HIDDEN = {"help", "install_completion", "show_completion"}


def _usage(parameter: Any) -> str:
    written = _spelling(parameter).rpartition(", ")[2] + (" ..." if parameter.multiple or parameter.nargs < 0 else "")
    return written if parameter.required else f"[{written}]"


def _spelling(parameter: Any) -> str:
    metavar = parameter.metavar or (parameter.name.upper() if parameter.param_type_name == "argument" else "VALUE")
    if parameter.param_type_name == "argument":
        return str(metavar)
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {metavar}"


def _words(parameter: Any) -> str:
    words, default = parameter.help or "", parameter.default
    if isinstance(parameter.show_default, str):
        return f"{words} Default: {parameter.show_default}."
    if not parameter.show_default or default is None or isinstance(default, bool) or not str(default):
        return words
    return f"{words} Default: {default.value if isinstance(default, enum.Enum) else default}."


def states() -> Iterator[str]:
    """states.md: a diagram of every chart."""
    from postane.wire.chart import Chart

    yield "# States\n"
    yield MADE
    yield "Drawn from the charts that the protocol machines walk. A state is the set of commands allowed in it. An"
    yield "arrow carries commands and what became of them; whatever is not drawn leads back to where it began."
    for module in _modules_named("states"):
        values = [each for each in vars(module).values() if isinstance(each, Chart)]
        values += [each for held in vars(module).values() if isinstance(held, dict) for each in held.values()]
        for chart in {each.name: each for each in values if isinstance(each, Chart)}.values():
            yield f"\n## {chart.name}\n"
            yield f"From [{module.__name__}](../../src/{module.__name__.replace('.', '/')}.py).\n"
            yield from _diagram(chart)
            yield "\n| state | commands |"
            yield "|---|---|"
            for state, verbs in chart.allowed.items():
                yield f"| {state} | {', '.join(sorted(verbs)) or 'none'} |"


def _modules_named(name: str) -> Iterator[Any]:
    import postane

    for folder in sorted(pkgutil.iter_modules(postane.__path__), key=lambda each: each.name):
        path = Path(postane.__path__[0]) / folder.name / f"{name}.py"
        if folder.ispkg and path.exists():
            yield importlib.import_module(f"postane.{folder.name}.{name}")


def _diagram(chart: Any) -> Iterator[str]:
    arrows: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (state, verb, outcome), target in chart.moves.items():
        if target != state:
            arrows[state, target][outcome].append(verb)
    ids = {state: f"s{number}" for number, state in enumerate(chart.allowed)}
    yield "```mermaid\nstateDiagram-v2"
    for state, short in ids.items():
        yield f'    state "{state}" as {short}'
    yield f"    [*] --> {ids[chart.initial]}"
    order = list(ids)
    for (state, target), outcomes in sorted(arrows.items(), key=lambda arrow: [order.index(each) for each in arrow[0]]):
        label = "; ".join(f"{', '.join(sorted(verbs))} {outcome}" for outcome, verbs in sorted(outcomes.items()))
        yield f"    {ids[state]} --> {ids[target]}: {label}"
    yield f"    {ids[chart.final]} --> [*]\n```"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;")


def capabilities() -> Iterator[str]:
    """capabilities.md: what CAPA tells whom."""
    from docs_capabilities import page

    return page(MADE)


def fetch() -> Iterator[str]:
    """fetch.md: the tables of fetch.toml."""
    from docs_fetch import page

    return page(MADE, _keys)


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "configuration.md": configuration,
    "fetch.md": fetch,
    "cli.md": cli,
    "states.md": states,
    "capabilities.md": capabilities,
}


def stale(folder: Path = REFERENCE) -> list[str]:
    """The names of pages that are not what they should be."""
    wished = {name: "\n".join(make()) + "\n" for name, make in PAGES.items()}
    return [n for n, text in wished.items() if not (folder / n).exists() or (folder / n).read_text() != text]


def write(folder: Path = REFERENCE) -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (folder / name).write_text("\n".join(make()) + "\n")


def main(arguments: list[str]) -> int:
    """Do what the argument says; 0 when all is well."""
    match arguments:
        case ["write"]:
            write()
        case ["stale"]:
            old = stale()
            for name in old:
                print(f"docs/reference/{name} is stale")
            return 1 if old else 0
        case _:
            print(__doc__)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
