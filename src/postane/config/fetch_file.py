"""Finds and reads fetch.toml.

Must not know: what is in it.
"""

from pathlib import Path

from .fetching import FetchConfig
from .text import ConfigError, parse_text, read_text

SEARCHED = ("fetch.toml", "~/.config/postane/fetch.toml", "/etc/postane/fetch.toml")
"""Where it is looked for when none is named."""


def find_fetch_config(named: Path | None) -> Path:
    """The file to read: the one that was named, else the first that exists. Raises ConfigError."""
    if named is not None:
        return named
    for path in (Path(each).expanduser() for each in SEARCHED):
        if path.is_file():
            return path
    raise ConfigError(
        f"there is no {', no '.join(SEARCHED)}: name yours with -c, or make one: postane fetch add you@example.org"
    )


def load_fetch_config(path: Path) -> FetchConfig:
    """Read and check the file. Raises ConfigError."""
    return parse_text(read_text(path), str(path), FetchConfig)
