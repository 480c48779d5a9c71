"""Read new mail only: what was shown once is not shown again, and nothing is deleted.

    POP_PASSWORD=... python read_new_mail_only.py pop3s://you@pop.example.org seen.db

A message is recorded after it was shown. Whoever stops this in the middle sees one message twice at most, and misses
none.
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


async def read_new(url: str, password: str, seen: sqlite3.Connection) -> None:
    """Show each message that is not in `seen`, and put it there."""
    seen.execute("CREATE TABLE IF NOT EXISTS seen (uidl TEXT PRIMARY KEY) WITHOUT ROWID")
    known = {uidl for (uidl,) in seen.execute("SELECT uidl FROM seen")}
    there = set()
    async with connect(url, password=password) as maildrop:
        async for message in maildrop.messages():
            if message.uidl is None:
                sys.exit("this server gives its messages no unique-ids: there is no telling which are new")
            there.add(message.uidl)
            if message.uidl not in known:
                show(await message.fetch())
                with seen:  # one transaction a message
                    seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (message.uidl,))
    with seen:  # what the server has not any more need not be known any longer
        seen.executemany("DELETE FROM seen WHERE uidl = ?", [(uidl,) for uidl in known - there])


def show(message: EmailMessage) -> None:
    """Print a message as a person reads it."""
    text = message.get_body(("plain", "html"))
    print(f"From: {message['from']}\nSubject: {message['subject']}\n")
    print(text.get_content() if text is not None else "(no text)", end="\n\n")


def read_arguments() -> argparse.Namespace:
    """What was given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the maildrop, as pop3s://NAME@HOST or pop3://NAME@HOST")
    parser.add_argument("file", help="the SQLite file of what was seen; it is made where there is none")
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
        with closing(sqlite3.connect(arguments.file)) as database:
            asyncio.run(read_new(arguments.url, read_password(), database))
    except BrokenPipeError:  # whoever reads this, as `head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PopError, ValueError) as error:  # ValueError: the URL cannot be read
        sys.exit(f"{error}")
    except sqlite3.Error as error:
        sys.exit(f"{arguments.file}: {error}")
