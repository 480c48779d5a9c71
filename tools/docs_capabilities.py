"""capabilities.md: what the real server answers to CAPA, by its defaults, on every kind of connection.

Sessions in memory are asked before login and after it; the login is APOP's, which is possible everywhere.
"""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from postane.accounts.throttle import private_slate
from postane.app import Services, open_registry, open_services
from postane.config.model import Config
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, TlsFacts
from postane.server.limits import private_tally
from postane.server.loop import Conversation, converse
from postane.server.record import SessionRecord

SECRET = "a device password"
TLS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", {"tls-server-end-point": b"digest"})
OLD = (("before login", "RPOP mrose"), ("after login", "LAST"), ("after login", "XTND BBOARDS"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of connection."""

    name: str
    peer: Peer
    is_encrypted: bool


KINDS = (
    Kind("loopback", Peer("127.0.0.1", 40000), False),
    Kind("elsewhere, without TLS", Peer("192.0.2.1", 40000), False),
    Kind("over TLS", Peer("192.0.2.1", 40000), True),
)


def page(made: str) -> Iterator[str]:
    """The page's lines."""
    told = {is_legacy: asyncio.run(_ask_all(is_legacy)) for is_legacy in (False, True)}
    yield "# POP3's capabilities\n"
    yield made
    yield "What a server with the configuration's defaults answers to CAPA (RFC 2449 s5). A password crosses a"
    yield "connection without TLS from this machine only (`auth.plaintext_without_tls`); USER, PLAIN and LOGIN are"
    yield "offered where one may. `-`: not offered. `IMPLEMENTATION` tells the version. What each mechanism is:"
    yield "[who may enter](../who-may-enter.md)."
    for is_legacy, answers in told.items():
        if is_legacy and answers.capabilities == told[False].capabilities:
            yield "\nWith `pop3.legacy = true` the table is the same: what is older than CAPA is not told by it.\n"
        else:
            yield f"\n## With `pop3.legacy = {str(is_legacy).lower()}`\n"
            yield from _table(answers.capabilities)
    yield "\n## Older commands\n"
    yield "LAST is RFC 1460's and older, RPOP RFC 1225's and older, XTND RFC 1082's.\n"
    yield "| command | `pop3.legacy = false` | `pop3.legacy = true` |"
    yield "|---|---|---|"
    for command in told[False].old:
        yield f"| `{command}` | `{told[False].old[command]}` | `{told[True].old[command]}` |"


@dataclass(slots=True)
class Answers:
    """What was answered: a CAPA list by kind and moment, and a line by old command."""

    capabilities: dict[tuple[str, str], list[str]]
    old: dict[str, str]


def _table(lists: dict[tuple[str, str], list[str]]) -> Iterator[str]:
    names = list(dict.fromkeys(line.split()[0] for lines in lists.values() for line in lines))
    yield "| | " + " | ".join(f"{kind}, {moment}" for kind, moment in lists) + " |"
    yield "|---" * (len(lists) + 1) + "|"
    for name in names:
        cells = [next((f"`{line}`" for line in lines if line.split()[0] == name), "-") for lines in lists.values()]
        yield f"| {name} | " + " | ".join(cells) + " |"


async def _ask_all(is_legacy: bool) -> Answers:
    with tempfile.TemporaryDirectory() as folder:
        config = Config.model_validate(
            {"hostname": "mail.example.org", "storage": {"path": folder}, "pop3": {"legacy": is_legacy}}
        )
        registry = open_registry(config)
        registry.add("mrose")
        registry.add_device("mrose", "page", SECRET)
        registry.close()
        services = open_services(config, private_tally(), private_slate())
        try:
            answers = Answers({}, {})
            for kind in KINDS:
                await _ask(services, kind, answers)
            return answers
        finally:
            await services.close()


async def _ask(services: Services, kind: Kind, answers: Answers) -> None:
    """One session: CAPA, what is old, the login, CAPA again, what is old again."""
    stream = MemoryStream(kind.peer, offers_tls=TLS)
    stream.tls = TLS if kind.is_encrypted else None
    machine, desk = services.desks["pop3"](services.office, stream, SessionRecord("page", "pop3", kind.peer, 0.0))
    session = asyncio.create_task(converse(Conversation(stream, machine, desk)))

    async def say(line: str, *, is_long: bool = False) -> list[str]:
        """What is answered: whole once a line, or a list of them, is."""
        if line:
            stream.give(f"{line}\r\n".encode())
        said = ""
        while not said.endswith("\r\n.\r\n" if is_long else "\r\n"):
            await asyncio.sleep(0)
            said += stream.take().decode()
        return said.split("\r\n")

    (greeting, _) = await say("")
    answers.capabilities[kind.name, "before login"] = _lines(await say("CAPA", is_long=True))
    await say("USER mrose")
    await _ask_old("before login", say, answers)
    stamp = greeting.rpartition(" ")[2]
    digest = hashlib.md5(f"{stamp}{SECRET}".encode(), usedforsecurity=False).hexdigest()
    (reply, _) = await say(f"APOP mrose {digest}")
    if not reply.startswith("+OK"):
        raise RuntimeError(reply)
    answers.capabilities[kind.name, "after login"] = _lines(await say("CAPA", is_long=True))
    await _ask_old("after login", say, answers)
    await say("QUIT")
    await session
    await desk.close()


async def _ask_old(moment, say, answers):  # type: ignore[no-untyped-def]
    for when, command in OLD:
        if when == moment:
            answers.old.setdefault(command, (await say(command))[0])


def _lines(said: list[str]) -> list[str]:
    """The capabilities, without the version, which changes."""
    return [re.sub("^(IMPLEMENTATION).*", r"\1 ...", line) for line in said[1:-2]]
