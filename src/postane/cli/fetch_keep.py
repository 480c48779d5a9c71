"""An account written down: into fetch.toml, and a password that was typed where nobody else reads it.

Must not know: how the account was found.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from postane.config.fetching import FetchConfig
from postane.config.text import parse_text

from .words import Exit, Failure


def keep_password(table: Mapping[str, Any], password: str, path: Path) -> dict[str, str]:
    """Keep what was typed: in the keyring where there is one, else in a file of its owner's alone."""
    from postane.credentials.base import NoSecret
    from postane.credentials.keyrings import Keyring

    service = f"postane fetch {table['name']}"
    try:
        asyncio.run(Keyring(service).put(str(table["user"]), password))
    except NoSecret:
        folder = path.parent / "passwords"
        file = folder / _file_name(str(table["name"]))
        write_private(file, password + "\n")
        typer.echo(f"there is no keyring here: the password is in {file}, which nobody else may read", err=True)
        return {"file": str(file.absolute())}
    return {"keyring": service}


def _file_name(name: str) -> str:
    """One of its own for each account, within the folder."""
    name = name.replace("%", "%25").replace("/", "%2F")
    return name.replace(".", "%2E") if set(name) == {"."} else name


def with_account(path: Path, text: str, table: Mapping[str, Any]) -> str:
    """The text of the file with the account at its end, which is read once for that. Raises ConfigError."""
    lines = ["[[account]]"]
    lines += [f"{key} = {_value(value)}" for key, value in table.items() if key != "deliver" and value is not None]
    for each in table["deliver"]:
        lines += ["[[account.deliver]]", *(f"{key} = {_value(value)}" for key, value in each.items())]
    new = text + ("\n" if text and not text.endswith("\n") else "") + ("\n" if text else "") + "\n".join(lines) + "\n"
    parse_text(new, str(path), FetchConfig)
    return new


def write_private(path: Path, text: str) -> None:
    """Put a file of its owner's alone in the place of the old one; a link stays one. Raises Failure."""
    try:
        _replace(path.resolve(), text)
    except OSError as error:
        words = f"{path} cannot be written: {error.strerror or error}"
        raise Failure(f"{words}; may this user write there? -c names another file", Exit.CANNOT_CREATE) from error


def check_place(path: Path) -> None:
    """Before anybody is asked for anything. Raises Failure where no file can be written."""
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    words = ""
    if path.is_dir():
        words = "it is a folder"
    elif not folder.is_dir():
        words = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        words = f"{folder} may not be written by this user"
    if words:
        raise Failure(f"{path} cannot be written: {words}; -c names another file", Exit.CANNOT_CREATE)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # its mode would stay
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def _value(value: object) -> str:
    """A value of TOML: its strings are written as JSON's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
