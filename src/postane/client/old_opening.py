"""The front doors of POP2 and POP1: from a URL and a password to a session.

RFC 937, RFC 918; the options are those of `opening`. Neither protocol has a word that begins TLS: it is there from the
first octet (pop2s://, pop1s://), or it never is.

Must not know: what is done with the mail.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar, Unpack

from postane.net.base import Link, TlsMode

from .entry import Entrance
from .old_entry import enter_pop1, enter_pop2
from .opening import Connecting, Options, make_plan, reach
from .pop1 import Pop1
from .pop2 import Pop2
from .urls import Version

SessionT = TypeVar("SessionT", Pop1, Pop2)


def connect_pop2(url: str, **options: Unpack[Options]) -> Connecting[Pop2]:
    """A session of POP2: pop2s://user@host:port or pop2://user@host.

    Raises ValueError at once where that cannot be read; PopError comes when it is entered or awaited.
    """
    return _connecting(url, options, Version.POP2, enter_pop2)


def connect_pop1(url: str, **options: Unpack[Options]) -> Connecting[Pop1]:
    """A session of POP1: pop1s://user@host:port or pop1://user@host:port. Raises the same."""
    return _connecting(url, options, Version.POP1, enter_pop1)


def _connecting(
    url: str, options: Options, version: Version, enter: Callable[[Link, Entrance], Awaitable[SessionT]]
) -> Connecting[SessionT]:
    plan = make_plan(url, options, version)
    if plan.target.tls.mode is TlsMode.REQUIRED:
        raise ValueError(f"{version} has no word that begins TLS: use {version}s://, with a port")

    async def open_session() -> SessionT:
        return await enter(await reach(plan), plan.entrance)

    return Connecting(plan.name, open_session)
