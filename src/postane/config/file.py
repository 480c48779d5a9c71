"""Reads the configuration file; what is wrong is told with the file, the line, the key and what would be right."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .explanation import refusal_at
from .model import Config
from .named import trouble_with_files, trouble_with_machine
from .problems import ConfigError, Problem
from .text import parse_text, read_text

__all__ = ["ConfigError", "Problem", "find_config", "load_config", "located", "parse_config"]

SEARCHED = (Path("postane.toml"), Path("/etc/postane/postane.toml"))
"""Where a configuration is looked for when none is named."""


def find_config(named: Path | None) -> Path | None:
    """The file to read: the one that was named, else the first that exists, else none."""
    return named or next((path for path in SEARCHED if path.is_file()), None)


def load_config(path: Path | None, *, is_served: bool = False) -> Config:
    """Read and check a configuration file; None gives the defaults. Raises ConfigError.

    Where it `is_served`, what it names must be there too: files that can be read, the user, libraries.
    """
    if path is None:
        return Config()
    config = parse_config(read_text(path), str(path))
    if is_served and (troubles := [*trouble_with_files(config), *trouble_with_machine(config)]):
        raise refusal_at(str(path), read_text(path), troubles)
    return config


@contextmanager
def located(path: Path | None) -> Iterator[None]:
    """What is told of a place in the configuration within is told with its file, line and key. Raises ConfigError."""
    try:
        yield
    except ConfigError as error:
        if path is None or not error.place:
            raise
        raise refusal_at(str(path), read_text(path), [(error.place, str(error))]) from error


def parse_config(text: str, name: str) -> Config:
    """The configuration that a text says; `name` is the file's, for complaints. Raises ConfigError, nothing else."""
    return parse_text(text, name, Config)
