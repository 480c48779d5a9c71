"""Mirror a maildrop: a Maildir that has the messages that the server has. Nothing is deleted there.

    POP_PASSWORD=... python mirror_to_maildir.py pop3s://you@pop.example.org ~/Mail/mirror

A file is named after its message's unique-id, so the folder itself tells what it has. A message comes in pieces, and is
seen in the folder when all of it is on the disk.
"""

import argparse
import getpass
import hashlib
import os
import sys
from pathlib import Path

from postane.client import PopError
from postane.client.blocking import Message, connect

MARK = ".mirror"
"""What the names of the files that this has made end in; mail programs put flags behind it."""


def mirror(url: str, password: str, folder: Path) -> None:
    """Fetch what is missing, remove what the server has not any more."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    here = {file.name.partition(":")[0]: file for part in ("cur", "new") for file in (folder / part).glob(f"*{MARK}*")}
    there = set()
    with connect(url, password=password) as maildrop:
        for message in maildrop.messages():
            name = name_of(message)
            there.add(name)
            if name not in here:
                fetch(message, folder / "tmp" / name, folder / "new" / name)
                print(f"fetched {message.number}, {message.octets} octets")
    for name in here.keys() - there:
        here[name].unlink()
        print(f"removed {name}")


def name_of(message: Message) -> str:
    """A unique-id may hold any printable character; its digest may stand in a file's name."""
    if message.uidl is None:
        sys.exit("this server gives its messages no unique-ids: there is no telling what the folder has")
    return hashlib.sha256(message.uidl.encode()).hexdigest()[:32] + MARK


def fetch(message: Message, under_way: Path, arrived: Path) -> None:
    """Write a message, line ends as files have them, and show it when it is safe."""
    held = b""
    with under_way.open("wb") as file:
        for piece in message.stream():
            octets = held + piece
            held = b"\r" if octets.endswith(b"\r") else b""  # its line feed may be in the next piece
            file.write(octets.removesuffix(held).replace(b"\r\n", b"\n"))
        file.write(held)
        file.flush()
        os.fsync(file.fileno())
    under_way.rename(arrived)


def read_arguments() -> argparse.Namespace:
    """What was given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the maildrop, as pop3s://NAME@HOST or pop3://NAME@HOST")
    parser.add_argument("folder", type=Path, help="the Maildir; it is made where there is none")
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
        mirror(arguments.url, read_password(), arguments.folder.expanduser())
    except BrokenPipeError:  # whoever reads this, as `head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PopError, OSError, ValueError) as error:  # ValueError: the URL cannot be read
        sys.exit(f"{error}")
