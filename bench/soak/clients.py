"""The clients of the soak: everything that clients and mail servers do to a post office, well-behaved or not.

Each does one thing with one drop, and tells the model what the answers were. A drop has one session at a time, but for
takeovers; deliveries come at any time.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Mapping, Sequence

from model import Drop, Wrong, letter
from peers import PASSWORD

PATIENCE = 60.0
LEAVE_ABOVE = 5
"""Messages from which on a drop is emptied rather than filled."""


class Line:
    """A connection of asyncio, line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hear(self) -> bytes:
        """One line, with its CRLF. Raises ConnectionError at the end."""
        async with asyncio.timeout(PATIENCE):
            line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("hung up")
        return line

    async def octets(self, count: int) -> bytes:
        """So many octets."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readexactly(count)

    async def ask(self, command: str, expect: str = "+OK") -> bytes:
        """Say a line, and hear the answer's last line. Raises Wrong."""
        self.send(command.encode() + b"\r\n")
        line = await self.hear()
        while line[3:4] == b"-" and line[:3].isdigit():
            line = await self.hear()
        if not line.startswith(expect.encode()):
            raise Wrong(f"{command.split()[0]}: {line.decode(errors='replace').strip()}")
        return line

    async def many(self, command: str) -> list[bytes]:
        """Say a line, and hear the lines of a multi-line answer, not stuffed."""
        await self.ask(command)
        lines = []
        while (line := await self.hear()) != b".\r\n":
            lines.append(line[1:] if line[:1] == b"." else line)
        return lines

    def send(self, octets: bytes) -> None:
        """Octets as they are."""
        self._writer.write(octets)

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on by TLS."""
        await self._writer.start_tls(context)

    def close(self) -> None:
        """Hang up, without a word."""
        self._writer.close()

    def cut(self) -> None:
        """As when a line breaks."""
        self._writer.transport.abort()


class Clients:
    """All that they share: the ports, the drops, what was done so far."""

    def __init__(self, ports: Mapping[str, int], drops: Sequence[Drop], seed: int, context: ssl.SSLContext) -> None:
        self._ports, self._drops, self._context = ports, drops, context
        self._dice = random.Random(seed)
        self._locks = {drop.name: asyncio.Lock() for drop in drops}
        self._next = 0
        self.done: dict[str, int] = {}

    async def act(self) -> None:
        """One thing at random. Raises Wrong."""
        works = (self._deliver, self._deliver_cut, self._session, self._takeover, self._pop2, self._refused)
        (work,) = self._dice.choices(works, (30, 2, 60, 3, 4, 0.3))
        await work()

    def _count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    async def _open(self, port: str) -> Line:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._ports[port], limit=1 << 20)
        line = Line(reader, writer)
        await line.hear()
        return line

    async def _enter(self, drop: Drop) -> Line:
        """A POP3 session, in the clear or by TLS of either kind."""
        (kind,) = self._dice.choices(("pop3", "stls", "pop3s"), (8, 1, 1))
        if kind == "pop3s":
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._ports["pop3s"], ssl=self._context, limit=1 << 20
            )
            line = Line(reader, writer)
            await line.hear()
        else:
            line = await self._open("pop3")
        if kind == "stls":
            await line.ask("STLS")
            await line.encrypt(self._context)
        await line.ask(f"USER {drop.name}")
        await line.ask(f"PASS {PASSWORD}")
        self._count(f"sessions by {kind}")
        return line

    async def _deliver(self) -> None:
        kind = self._dice.choice(("lmtp", "smtp"))
        wanted = [drop for drop in self._drops if len(drop.held) <= LEAVE_ABOVE * 2] or self._drops
        drops = self._dice.sample(wanted, min(len(wanted), self._dice.choices((1, 2, 5), (8, 2, 1))[0]))
        line, token, octets = await self._begin(kind, drops)
        line.send(octets)
        for drop in drops if kind == "lmtp" else drops[:1]:
            answer = await line.hear()
            if not answer.startswith(b"250"):
                raise Wrong(f"a delivery by {kind}: {answer!r}")
            for each in [drop] if kind == "lmtp" else drops:
                each.acknowledge(token)
        await line.ask("QUIT", "221")
        line.close()
        self._count(f"deliveries by {kind}")

    async def _begin(self, kind: str, drops: Sequence[Drop]) -> tuple[Line, str, bytes]:
        """Up to DATA: the line, the token, and the octets that are to be sent."""
        line = await self._open(kind)
        await line.ask("LHLO soak.example" if kind == "lmtp" else "EHLO soak.example", "250")
        await line.ask("MAIL FROM:<soak@bench.example>", "250")
        for drop in drops:
            await line.ask(f"RCPT TO:<{drop.name}@bench.example>", "250")
        await line.ask("DATA", "354")
        self._next += 1
        token, lines = f"t{self._next}", self._dice.choices((3, 40, 1500), (10, 10, 1))[0]
        for drop in drops:
            drop.unsure[token] = lines
        return line, token, letter(token, lines).replace(b"\r\n.", b"\r\n..") + b".\r\n"

    async def _deliver_cut(self) -> None:
        """The line breaks in the middle of the message, or before the answer."""
        drop = self._dice.choice(self._drops)
        line, token, octets = await self._begin(self._dice.choice(("lmtp", "smtp")), [drop])
        if self._dice.random() < 0.5:
            line.send(octets[: len(octets) // 2])
            del drop.unsure[token]  # half a message is none: it must never be seen
        else:
            line.send(octets)
            await asyncio.sleep(self._dice.random() * 0.01)
        line.cut()
        self._count("deliveries cut")

    async def _look(self, line: Line, drop: Drop, before: Sequence[str]) -> list[str]:
        """STAT, UIDL and LIST agree with each other and with the model; what is new is read. The unique-ids.

        `before` is what was held before the session began.
        """
        stat = (await line.ask("STAT")).split()
        uidls = [entry.split()[1].decode() for entry in await line.many("UIDL")]
        sizes = [int(entry.split()[1]) for entry in await line.many("LIST")]
        if (len(uidls), len(sizes), sum(sizes)) != (int(stat[1]), int(stat[1]), int(stat[2])):
            raise Wrong(f"{drop.name}: STAT, LIST and UIDL do not agree")
        for number, uidl in enumerate(uidls, 1):
            if uidl not in drop.known or self._dice.random() < 0.05:
                drop.see(uidl, b"".join(await line.many(f"RETR {number}")))
        drop.check(dict(zip(uidls, sizes, strict=True)), before)
        return uidls

    async def _session(self) -> None:
        """A poll, with deletions where there is much; some end without QUIT, or without its answer."""
        drop = self._dice.choice(self._drops)
        async with self._locks[drop.name]:
            before = list(drop.held)
            line = await self._enter(drop)
            uidls = await self._look(line, drop, before)
            deleted = set()
            if len(uidls) > LEAVE_ABOVE or self._dice.random() < 0.1:
                for number in self._dice.sample(range(1, len(uidls) + 1), (len(uidls) + 1) // 2):
                    await line.ask(f"DELE {number}")
                    deleted.add(drop.known[uidls[number - 1]][0])
            await self._leave(line, drop, deleted)

    async def _leave(self, line: Line, drop: Drop, deleted: set[str]) -> None:
        (how,) = self._dice.choices(("quit", "cut", "unheard"), (90, 5, 5))
        if how == "quit":
            await line.ask("QUIT")
            drop.forget(deleted)
            line.close()
            return
        if how == "unheard":
            line.send(b"QUIT\r\n")
            drop.leaving = deleted
            await asyncio.sleep(0.05)
        line.cut()
        self._count(f"sessions {how}")

    async def _takeover(self) -> None:
        """A second session takes the drop: the first one deletes nothing any more."""
        drop = self._dice.choice(self._drops)
        async with self._locks[drop.name]:
            before = list(drop.held)
            first = await self._enter(drop)
            uidls = await self._look(first, drop, before)
            for number in range(1, len(uidls) + 1):
                await first.ask(f"DELE {number}")
            before = list(drop.held)
            second = await self._enter(drop)
            first.send(b"QUIT\r\n")
            with contextlib.suppress(ConnectionError):
                if (answer := await first.hear()).startswith(b"+OK") and uidls:
                    raise Wrong(f"{drop.name}: QUIT of a session whose drop was taken over: {answer!r}")
            first.close()
            if missing := set(uidls) - set(await self._look(second, drop, before)):
                raise Wrong(f"{drop.name}: LOST {len(missing)} by a session whose drop was taken over")
            await second.ask("QUIT")
            second.close()
        self._count("takeovers")

    async def _pop2(self) -> None:
        """POP2: how many, the first of them, its octets; nothing is deleted."""
        drop = self._dice.choice(self._drops)
        async with self._locks[drop.name]:
            line = await self._open("pop2")
            count = int((await line.ask(f"HELO {drop.name} {PASSWORD}", "#")).split()[0][1:])
            if count:
                length = int((await line.ask("READ 1", "=")).split()[0][1:])
                line.send(b"RETR\r\n")
                octets = await line.octets(length)
                uidl = next(
                    (uidl for uidl, (_, size) in drop.known.items() if octets.endswith(b"twice\r\n") and size), ""
                )
                if not uidl and drop.known:
                    raise Wrong(f"{drop.name}: POP2 gave something else than was sent")
                await line.ask("ACKS", "=")
            await line.ask("QUIT", "+")
            line.close()
        self._count("sessions by pop2")

    async def _refused(self) -> None:
        """A wrong password, for an account that nobody else uses."""
        line = await self._open("pop3")
        await line.ask("USER victim")
        await line.ask("PASS wrong", "-ERR")
        line.cut()
        self._count("logins refused")

    async def read_all(self) -> int:
        """At the end: every drop holds what it must, octet by octet; how many messages that are."""
        total = 0
        for drop in self._drops:
            drop.known = {}
            line = await self._enter(drop)
            total += len(await self._look(line, drop, list(drop.held)))
            await line.ask("QUIT")
            line.close()
        return total
