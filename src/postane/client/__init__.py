"""Read mail by POP: `connect` for POP3, `connect_pop2` and `connect_pop1`, and what can go wrong.

    async with connect("pop3s://user@example.org", password="secret") as maildrop:
        async for message in maildrop.messages():
            print(message.number, (await message.headers())["subject"])

At a prompt, and in programs without an event loop, `postane.client.blocking` is the same:

    from postane.client.blocking import connect
    with connect("pop3s://user@example.org", password="secret") as maildrop:
        print(maildrop.stat())

A maildrop has `messages()`, `stat()`, and `fetch_many()` for many at once; a message has `headers()`, `fetch()` (an
EmailMessage), `raw()`, `stream()` and `delete()`. What was deleted is gone when the block is left without an exception.
What else can be said beside the URL is in `Options`. A call that cannot be meant raises ValueError or TypeError, all
else is a `PopError`.

`postane.client.compat` has the names of the standard library's poplib. What is named here is imported when it is first
asked for, so that to import this, or one module of it, stays cheap.

Must not know: anything that the modules do not tell.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .capabilities import Capabilities
    from .errors import (
        ClearTextRefused,
        ConnectionFailed,
        ConnectionLost,
        InUse,
        LoginDelayed,
        LoginRefused,
        Misbehaved,
        NotOffered,
        NotSecured,
        PopError,
        Refused,
        SysPerm,
        SysTemp,
        TimedOut,
        Unwilling,
    )
    from .listing import Item
    from .messages import Fetched, Maildrop, Message
    from .old_opening import connect_pop1, connect_pop2
    from .opening import Options, connect
    from .pop3 import Outcome, Pop3, Stats
    from .urls import PopUrl, format_url, parse_url

__all__ = [
    "Capabilities",
    "ClearTextRefused",
    "ConnectionFailed",
    "ConnectionLost",
    "Fetched",
    "InUse",
    "Item",
    "LoginDelayed",
    "LoginRefused",
    "Maildrop",
    "Message",
    "Misbehaved",
    "NotOffered",
    "NotSecured",
    "Options",
    "Outcome",
    "Pop3",
    "PopError",
    "PopUrl",
    "Refused",
    "Stats",
    "SysPerm",
    "SysTemp",
    "TimedOut",
    "Unwilling",
    "connect",
    "connect_pop1",
    "connect_pop2",
    "format_url",
    "parse_url",
]

_PLACES = {
    "capabilities": "Capabilities",
    "old_opening": "connect_pop1 connect_pop2",
    "opening": "Options connect",
    "errors": "ClearTextRefused ConnectionFailed ConnectionLost InUse LoginDelayed LoginRefused Misbehaved "
    "NotOffered NotSecured PopError Refused SysPerm SysTemp TimedOut Unwilling",
    "listing": "Item",
    "messages": "Fetched Maildrop Message",
    "pop3": "Outcome Pop3 Stats",
    "urls": "PopUrl format_url parse_url",
}


def __getattr__(name: str) -> object:
    """What a module has under this name (PEP 562)."""
    for module, names in _PLACES.items():
        if name in names.split():
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
