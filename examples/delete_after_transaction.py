"""Mail as work to be done: each message into a database, and only then away from the server.

    POP_PASSWORD=... python delete_after_transaction.py pop3s://orders@pop.example.org orders.db

The database's transaction ends before the message is marked, and the marks are carried out when the session has ended
well. A crash in between leaves the message on the server: it comes again, and its unique-id tells that it is done.
"""

import argparse
import asyncio
import getpass
import os
import sqlite3
import sys
from contextlib import closing
from email.message import EmailMessage

from postane.client import PopError, connect


async def take_in(url: str, password: str, database: sqlite3.Connection) -> None:
    """Enter every message once, and delete it."""
    database.execute("CREATE TABLE IF NOT EXISTS orders (uidl TEXT PRIMARY KEY, customer TEXT, wanted TEXT)")
    async with connect(url, password=password) as maildrop:
        async for message in maildrop.messages():
            if message.uidl is None:
                sys.exit("this server gives its messages no unique-ids: what comes twice would be done twice")
            if not is_done(database, message.uidl):
                letter = await message.fetch()
                with database:  # commits, or raises: then nothing is deleted, this message and those before it included
                    enter(database, message.uidl, letter)
            await message.delete()


def is_done(database: sqlite3.Connection, uidl: str) -> bool:
    """Whether an earlier run has entered this."""
    return database.execute("SELECT 1 FROM orders WHERE uidl = ?", (uidl,)).fetchone() is not None


def enter(database: sqlite3.Connection, uidl: str, letter: EmailMessage) -> None:
    """What there is to be done with a message; it may raise."""
    if letter["subject"] is None:
        raise ValueError("an order without a subject: a person must look at it")
    database.execute("INSERT INTO orders VALUES (?, ?, ?)", (uidl, str(letter["from"]), str(letter["subject"])))


def read_arguments() -> argparse.Namespace:
    """What was given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the maildrop, as pop3s://NAME@HOST or pop3://NAME@HOST")
    parser.add_argument("file", help="the SQLite file of the orders; it is made where there is none")
    return parser.parse_args()


def read_password() -> str:
    """From the environment, or from whoever sits there."""
    try:
        return os.environ.get("POP_PASSWORD") or getpass.getpass("Password: ")
    except EOFError:  # Ctrl-D
        sys.exit("\nno password was given")


if __name__ == "__main__":
    arguments = read_arguments()
    try:
        with closing(sqlite3.connect(arguments.file)) as orders:
            asyncio.run(take_in(arguments.url, read_password(), orders))
    except (PopError, ValueError) as error:
        sys.exit(f"{error}")
    except sqlite3.Error as error:
        sys.exit(f"{arguments.file}: {error}")
