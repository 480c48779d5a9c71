"""What a server shows to somebody who is about to fetch from it: one login, nothing is read.

Must not know: how it is shown.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from postane.client.errors import PopError
from postane.client.pop3 import Pop3
from postane.config.fetching import Account, FetchConfig
from postane.fetch.troubles import in_words_of_the_run
from postane.net.base import Certificate
from postane.net.pins import certificate_of

from .origins import Way, open_way
from .secrets import Ask

if TYPE_CHECKING:
    from postane.imap.session import ImapSession


@dataclass(frozen=True, slots=True)
class Sight:
    """`capabilities` are the lines of CAPA, or the words of IMAP's CAPABILITY, empty where it is unknown; `expire` in
    days, `login_delay` in seconds, as the server writes them; `folders` those of IMAP, of which `messages` counts the
    account's. What a protocol cannot tell is None."""

    protocol: str
    tls: str | None = None
    certificate: Certificate | None = None
    capabilities: tuple[str, ...] = ()
    expire: str | None = None
    login_delay: str | None = None
    implementation: str | None = None
    folders: tuple[str, ...] = ()
    messages: int | None = None
    octets: int | None = None
    has_uidl: bool | None = None


async def look(config: FetchConfig, table: Account, ask: Ask) -> Sight:
    """Log in, look, leave. Raises FetchError, ConfigError."""
    way = open_way(config, table, ask)
    if way.place.protocol == "imap":
        return await _look_imap(way)
    if way.place.protocol != "pop3":
        source = way.source()
        try:
            facts = await source.open()
        finally:
            await source.leave()
        return Sight(way.place.protocol, facts.tls or None)
    with in_words_of_the_run():
        pop = await way.pop3()
        try:
            return await _look(pop)
        finally:
            await _leave(pop)


async def _look(pop: Pop3) -> Sight:
    found = await pop.capabilities()
    stats = await pop.stat()
    has_uidl = None
    if stats.count:
        async for items in pop.listing():
            has_uidl = items[0].uidl is not None if items else None
    tls = pop.link.tls
    return Sight(
        protocol="pop3",
        tls=None if tls is None else f"{tls.version}, {tls.cipher}",
        certificate=pop.link.certificate,
        capabilities=() if found is None else tuple(" ".join((name, *words)) for name, words in found.lines.items()),
        expire=None if found is None or found.expire is None else str(found.expire),
        login_delay=None if found is None or found.login_delay is None else str(found.login_delay),
        implementation=None if found is None else found.implementation,
        messages=stats.count,
        octets=stats.octets,
        has_uidl=has_uidl,
    )


async def _look_imap(way: Way) -> Sight:
    from postane.fetch.imap_source import ImapSource  # for those who have IMAP

    source = way.source()
    assert isinstance(source, ImapSource), "its URL says so"
    try:
        await source.open()
        return await source.run(partial(_seen, source.session))
    finally:
        await source.leave()


def _seen(session: "ImapSession") -> Sight:
    sock = session.secured
    der = None if sock is None else sock.getpeercert(binary_form=True)
    cipher = None if sock is None else sock.cipher()
    return Sight(
        protocol="imap",
        tls=None if sock is None else ", ".join((session.tls, *(cipher or ())[:1])),
        certificate=None if der is None else certificate_of(der),
        capabilities=session.capabilities(),
        folders=_folders(session),
        messages=session.count,
    )


def _folders(session: "ImapSession") -> tuple[str, ...]:
    """None where the server does not tell: who fetches from one folder can do without."""
    from postane.imap.errors import ImapError  # with a library that is here by now

    try:
        return tuple(session.folders.names())
    except ImapError as error:
        if error.is_answer or error.is_nonsense:
            return ()
        raise


async def _leave(pop: Pop3) -> None:
    try:
        if pop.is_idle:
            await pop.quit()
    except PopError:
        pass
    finally:
        pop.abort()
