"""What the JSON of `postane fetch` and of its sub-commands has.

The reference is made from it, and a test compares it with what they print.

Must not know: how any of it comes about.
"""

from collections.abc import Mapping

RUN: Mapping[str, str] = {
    "account": "the account's name",
    "ok": "whether nothing went wrong, with the run or with a message",
    "trouble": "the worst kind of what went wrong, a word of the table below; null: nothing",
    "error": "why the run ended before its end, for people; null: it did not",
    "listed": "messages at the server",
    "fetched": "messages that were fetched in this run",
    "octets": "octets of these",
    "delivered": "messages that are at all their destinations now and were not before",
    "present": "messages that were found at their destinations already",
    "left": "messages that were left at the server: by a filter, or for their size",
    "deleted": "messages that were deleted at the server",
    "failed": "messages that stay where they are because something went wrong with them",
    "troubles": "what went wrong with messages, for people: the first ten",
    "note": "what else somebody should know of the run, for people; null: nothing",
    "seconds": "how long the run took",
}
"""One account's run: an element of `accounts`."""

FETCH: Mapping[str, str] = {"accounts": "a list with each account's run"}

WATCH: Mapping[str, str] = {"at": "when the run ended, in seconds since 1970", **RUN}
"""A line for each run, and nothing around them."""

DRY_RUN: Mapping[str, str] = {
    **FETCH,
    "messages": "a list with each message that something would become of",
}

MESSAGE: Mapping[str, str] = {
    "account": "the account's name",
    "number": "the message's number in this session",
    "key": "what it is known by: its unique-id, or a digest where the server gives none",
    "octets": "its size, as the server lists it",
    "would": "what would become of it, for people",
}
"""An element of `messages`."""

CHECK: Mapping[str, str] = {
    "file": "the file that was read",
    "ok": "whether all of it can be used",
    "state": "of the state its `file`, `ok`, and `error`: why it cannot be used, for people; null: nothing was found",
    "accounts": "a list with what was found of each account",
    "advice": "a list of sentences: what works and is worth a look",
}

CHECKED: Mapping[str, str] = {
    "account": "the account's name",
    "ok": "whether it can be fetched, as far as was looked",
    "error": "with --connect: why the login failed, for people; null: it did not, or none was tried",
    "destinations": "a list with each of its destinations",
}
"""An element of `accounts`."""

DESTINATION: Mapping[str, str] = {
    "destination": "its name, as the state has it",
    "ok": "whether it could take mail, as far as was looked",
    "error": "why it could not, for people; null: nothing was found",
    "note": "what else somebody should know, for people; null: nothing",
}
"""An element of `destinations`."""

COUNTS: Mapping[str, str] = {
    "account": "the account's name",
    "seen": "messages that are known and not fetched yet",
    "fetched": "messages that were fetched and are not at all their destinations",
    "delivered": "messages that are at all their destinations",
    "skipped": "messages that are left at the server",
    "deleted": "messages that were deleted at the server",
    "last_run": "when it was last fetched (2026-01-31T12:00:00Z); null: never",
    "ended": "whether that run came to its end, so that all it did is recorded",
}
"""An account: the answer is a list of them."""

ENTRY: Mapping[str, str] = {
    "key": "what the message is known by",
    "step": "`seen`, `fetched`, `delivered`, `skipped` or `deleted`",
    "octets": "its size, as the server lists it",
    "seen": "when it was first seen",
    "delivered": "when it was delivered; null: it was not",
    "attempts": "how often its delivery failed",
    "reason": "why it was left, or why its last delivery failed; null: neither",
}
"""A message: the answer is a list of them."""

PAGES: tuple[tuple[str, Mapping[str, str], Mapping[str, Mapping[str, str]]], ...] = (
    ("postane fetch --json", FETCH, {"accounts": RUN}),
    ("postane fetch --watch --json", WATCH, {}),
    ("postane fetch --dry-run --json", DRY_RUN, {"messages": MESSAGE}),
    ("postane fetch check --json", CHECK, {"accounts": CHECKED, "destinations": DESTINATION}),
    ("postane fetch state list --json", COUNTS, {}),
    ("postane fetch state list ACCOUNT --json", ENTRY, {}),
)
"""By command: what it prints, and what the elements of its lists have."""
