"""Reads the configuration file; what is wrong is told with the file, the line, the key and what would be right."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from .model import Config

SEARCHED = (Path("postane.toml"), Path("/etc/postane/postane.toml"))
"""Where a configuration is looked for when none is named."""


_REMEDIES = {
    "tuple_type": 'write a list: ["...", "..."]',
    "string_type": 'write a text in quotes: "..."',
    "path_type": 'write a path in quotes: "/..."',
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "literal_error": "write one of {expected}",
    "greater_than_equal": "write a number of at least {ge}",
    "model_type": "write a section: [name], and its keys in the lines under it",
}
"""By pydantic's kind of error: what would be right, in the words of the file and not of Python."""


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line a problem, for the person who wrote the file."""


def find_config(named: Path | None) -> Path | None:
    """The file to read: the one that was named, else the first that exists, else none."""
    return named or next((path for path in SEARCHED if path.is_file()), None)


def load_config(path: Path | None) -> Config:
    """Read and check a configuration file; None gives the defaults. Raises ConfigError."""
    if path is None:
        return Config()
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_explain_syntax(path, str(error))) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, error))) from error


def _explain_syntax(path: Path, words: str) -> str:
    """The parser tells the line at the end of its words; a compiler's way to tell it is before them."""
    place = re.search(r" \(at line (\d+), column \d+\)$", words)
    return f"{path}:{place[1]}: {words[: place.start()]}" if place else f"{path}: {words}"


def _explain(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        keys = [str(part) for part in problem["loc"]]
        key = ".".join(part for part in keys if not part.isdecimal()) or "the file"
        yield f"{path}:{_line_of(text, keys)}: {key}: {_words(keys, problem)}"


def _words(keys: list[str], problem: Any) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        known = _known_keys(keys[:-1])
        near = difflib.get_close_matches(keys[-1], known, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(sorted(known))
        return f"unknown key; {remedy}"
    if kind == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    remedy = _REMEDIES.get(kind, "{msg}").format(msg=problem["msg"], **problem.get("ctx", {}))
    return f"{problem['input']!r} does not fit; {remedy}"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for key in section:
        inner = model.model_fields[key].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def _line_of(text: str, keys: list[str]) -> int:
    """The line of a key: TOML parsers do not tell, and the file is flat enough to look it up."""
    wanted = [key for key in keys if not key.isdecimal()]
    section: list[str] = []
    best = 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[{1,2}([^\[\]]+)\]{1,2}\s*(?:#|$)", line):
            section = _parts(header[1])
            if section == wanted[: len(section)]:
                best = number
        elif key := re.match(r"""\s*([\w."'-]+)\s*=""", line):
            found = section + _parts(key[1])
            if found == wanted:
                return number
            if found == wanted[: len(found)]:  # an inline table
                best = number
    return best


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
