"""Feed a queue: one session fetches, several workers work, and what they have done is deleted.

    POP_PASSWORD=... python feed_a_queue.py pop3s://you@pop.example.org

The queue is short: while the workers are behind, no more is fetched. Messages are asked for many at once, and still
come one by one. A message that a worker fails at stays on the server.
"""

import argparse
import asyncio
import getpass
import os
import sys

from postane.client import Fetched, PopError, connect

WORKERS = 4
WAITING = 8
"""Messages that are held for the workers at most."""


async def feed(url: str, password: str) -> None:
    """Fetch all, have them worked on, delete what was done."""
    queue: asyncio.Queue[Fetched] = asyncio.Queue(WAITING)
    done: list[int] = []
    async with connect(url, password=password) as maildrop:
        messages = [message async for message in maildrop.messages()]
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(work(queue, done)) for _ in range(WORKERS)]
            async for fetched in maildrop.fetch_many(messages):
                await queue.put(fetched)
            await queue.join()
            for worker in workers:
                worker.cancel()
        await maildrop.delete(done)  # a session does one thing at a time: the workers leave it alone


async def work(queue: asyncio.Queue[Fetched], done: list[int]) -> None:
    """Take one message after the other."""
    while True:
        fetched = await queue.get()
        try:
            await handle(fetched)
            done.append(fetched.number)
        except (PopError, ValueError) as error:  # PopError: the server refused this one
            print(f"message {fetched.number} stays: {error}")
        finally:
            queue.task_done()


async def handle(fetched: Fetched) -> None:
    """What there is to be done with a message; it may raise."""
    message = fetched.parse()
    if message["subject"] is None:
        raise ValueError("it has no subject")
    await asyncio.sleep(0)  # here it would wait for somebody
    print(f"done: {message['subject']}")


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
    arguments, troubles = read_arguments(), []
    try:
        asyncio.run(feed(arguments.url, read_password()))
    except* BrokenPipeError:  # whoever reads this, as `head` does, has seen enough; what was not told is not deleted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except* (PopError, ValueError) as group:  # a TaskGroup's errors come as an ExceptionGroup
        troubles += [str(error) for error in group.exceptions]
    sys.exit("; ".join(troubles) or None)
