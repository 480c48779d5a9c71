"""Show who wrote and about what. Without an event loop: `postane.client.blocking`.

POP_PASSWORD=... python show_headers.py pop3s://you@pop.example.org
"""

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


if __name__ == "__main__":
    try:
        show(sys.argv[1], os.environ["POP_PASSWORD"])
    except PopError as error:
        sys.exit(f"{error}")
