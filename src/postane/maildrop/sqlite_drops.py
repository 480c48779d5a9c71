"""Which drops there are: the folders with an index that were not removed, and the mark that a removed one bears.

Must not know: what is in a drop.
"""

import contextlib
import os
import sqlite3
import urllib.parse

from .base import MaildropError
from .folders import Folders, open_file, sync_folder, unquote_name
from .sqlite_schema import connect_reader
from .sqlite_writer import Transaction


def names_of_drops(folders: Folders) -> list[str]:
    """The names of all drops, sorted; in a thread."""
    found = []
    for folder in folders.names():
        name = unquote_name(os.path.basename(folder))
        if name is None:
            with contextlib.suppress(sqlite3.Error, OSError, MaildropError):  # verify tells what is wrong with it
                name = _stored_name(f"{folder}/index.sqlite")
        if name is not None:
            found.append(name)
    return sorted(found)


def _stored_name(path: str) -> str:
    with contextlib.closing(connect_reader(path)) as connection:
        (name,) = connection.execute("SELECT name FROM meta").fetchone()
        return urllib.parse.unquote(name, errors="surrogateescape")


def mark_removed(folder: str, now: Transaction) -> None:
    """In a transaction, because a deposit takes the mark away in one: none can be listed as removed with mail in it."""
    if now.messages == 0:
        os.close(open_file(f"{folder}/removed", os.O_WRONLY | os.O_CREAT))
        sync_folder(folder)
