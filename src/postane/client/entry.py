"""From a connection to a session that is secured and logged in.

RFC 2595 s4 (STLS), RFC 8314 s3 (TLS from the first octet, or STLS). TLS comes before anything that is worth hiding.

Must not know: how a connection is made.
"""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field

from postane.credentials.base import Secret
from postane.net.base import Dial, Link, NetError, Target, TlsMode

from .errors import Misbehaved, NotSecured, Refused, TimedOut, net_error
from .login import LoginPolicy, log_in
from .pop3 import Pop3
from .session import Manner


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who wants in, and how. `name` is None where nobody logs in. `is_international` asks for headers in UTF-8,
    `language` (a tag, or "*") for replies in that language; who does not have it is not asked."""

    name: str | None = None
    secret: Secret | None = field(default=None, repr=False)
    policy: LoginPolicy = field(default_factory=LoginPolicy)
    manner: Manner = field(default_factory=Manner)
    is_international: bool = False
    language: str | None = None


async def dial_pop3(dial: Dial, target: Target, entrance: Entrance) -> Pop3:
    """Connect, secure, log in. Raises PopError; whatever is raised, nothing stays open."""
    return await enter_pop3(await dialled(dial, target), target.tls.mode, entrance)


async def dialled(dial: Dial, target: Target) -> Link:
    """Connect. Raises PopError."""
    try:
        return await dial(target)
    except NetError as error:
        raise net_error(error) from error.__cause__  # a NetError has the same words


async def enter_pop3(link: Link, mode: TlsMode, entrance: Entrance) -> Pop3:
    """The same over a connection that stands, with IMPLICIT secured already. Raises PopError, and closes it then."""
    pop = Pop3(link, entrance.manner)
    try:
        await hear_greeting(pop.greet(), link, "POP3")
        await secure(pop, mode)
        await _agree(pop, entrance)
        if entrance.name is not None:
            await log_in(pop, entrance.name, entrance.secret, entrance.policy)
    except Refused:  # the session is in order, but nobody is there to use it
        await pop.quit()
        raise
    except BaseException:
        pop.abort()
        raise
    return pop


async def hear_greeting(greeting: Awaitable[object], link: Link, protocol: str) -> None:
    """Wait for the server's first word. Raises PopError, which tells who it was that spoke if it was no such server."""
    try:
        await greeting
    except (Misbehaved, TimedOut) as error:
        from .strangers import explain

        if explained := explain(error, protocol, is_secured=link.tls is not None):
            raise explained from error.__cause__
        raise


async def secure(pop: Pop3, mode: TlsMode) -> None:
    """STLS, where the mode asks for it. Raises NotSecured where there must be TLS and is not."""
    if mode in (TlsMode.IMPLICIT, TlsMode.NONE) or pop.link.tls is not None:
        return
    capabilities = await pop.capabilities()
    is_offered = capabilities is not None and capabilities.has("STLS")
    if mode is TlsMode.OFFERED and not is_offered:
        return
    try:
        await pop.start_tls()  # also where it is not told: CAPA may lie, or not be known
    except Refused as error:
        told = "offers no TLS" if not is_offered else "offers TLS and refuses it"
        said = f" (its answer to STLS: {error.reply})" if error.reply else ""
        raise NotSecured(f"the server {told}; nothing was sent, neither name nor password{said}") from error


async def _agree(pop: Pop3, entrance: Entrance) -> None:
    """RFC 6856 s2 and s3: LANG at any time, UTF8 before the login alone."""
    capabilities = await pop.capabilities() if entrance.language or entrance.is_international else None
    if capabilities is None:
        return
    if entrance.language and capabilities.has("LANG"):
        await pop.lang(entrance.language)
    if entrance.is_international and capabilities.has("UTF8"):
        with suppress(Refused):  # what is not ASCII may come rewritten then, but it comes
            await pop.utf8()
