"""Show who wrote and about what. Without an event loop: `postane.client.blocking`.

POP_PASSWORD=... python show_headers.py pop3s://you@pop.example.org
"""

import argparse
import getpass
import os
import sys

from postane.client import PopError
from postane.client.blocking import connect


def show(url: str, password: str) -> None:
    """Print a line for each message."""
    with connect(url, password=password) as maildrop:
        for message in maildrop.messages():
            headers = message.headers()  # by TOP where the server has it: bodies stay where they are
            print(f"{message.number:5}  {message.octets:9}  {headers['from']}  {headers['subject']}")


def read_arguments() -> argparse.Namespace:
    """What was given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the maildrop, as pop3s://NAME@HOST or pop3://NAME@HOST")
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
        show(arguments.url, read_password())
    except BrokenPipeError:  # whoever reads this, as `head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PopError, ValueError) as error:  # ValueError: the URL cannot be read
        sys.exit(f"{error}")
