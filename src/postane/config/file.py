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
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, error))) from error


def _explain(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        keys = [str(part) for part in problem["loc"]]
        key = ".".join(part for part in keys if not part.isdecimal()) or "the file"
        yield f"{path}:{_line_of(text, keys)}: {key}: {_words(keys, problem)}"


def _words(keys: list[str], problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        known = _known_keys(keys[:-1])
        near = difflib.get_close_matches(keys[-1], known, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(sorted(known))
        return f"unknown key; {remedy}"
    words = str(problem["msg"]).removeprefix("Value error, ")
    return words if problem["type"] == "value_error" else f"{words} (got {problem['input']!r})"


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
        if header := re.match(r"\s*\[+([^\]]+)\]+", line):
            section = [part.strip().strip("\"'") for part in header[1].split(".")]
            if section == wanted[: len(section)]:
                best = number
            line = line[header.end() :]
        elif (key := re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line)) and section + key[1].split(".") == wanted:
            return number
    return best
