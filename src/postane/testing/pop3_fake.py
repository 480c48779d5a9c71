"""One session of the fake POP3 server, with all that it may do wrong.

It keeps to RFC 1939 and RFC 2449 where no fault says otherwise. It is written without the house's own grammar and
machine, so that one error does not hide in both.

Must not know: ports, other sessions.
"""

import base64
import ssl
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from .channel import Channel, Gone
from .faults import (
    GREETING,
    BadQuit,
    CloseAt,
    EarlyOctets,
    EndlessLine,
    Listed,
    Missing,
    NoFinalCrlf,
    NoPipelining,
    NoTerminator,
    OneAtATime,
    QuitHow,
    Refuse,
    SameUidl,
    Say,
    SayMore,
    Troubles,
    UidlSpaces,
    Unlisted,
    WrongCount,
    WrongMessage,
    WrongSizes,
)
from .pop3_login import Account, Porter, Refused, decode
from .shelf import Message, Shelf, View

PIECE = 64 * 1024
Reply = Iterable[bytes]


class FakeSession:
    """Talks with one client until one of them goes. `tls` is what STLS begins, None: there is none."""

    def __init__(
        self, channel: Channel, shelf: Shelf, account: Account, troubles: Troubles, tls: ssl.SSLContext | None
    ) -> None:
        self._channel = channel
        self._shelf = shelf
        self._troubles = troubles
        self._tls = tls
        self._porter = Porter(account, troubles, f"<{id(self)}.1896@hostile.test>", self._ask)
        self._view: View | None = None
        self._missing = {fault.name for fault in troubles.every(Missing)}
        self._verbs: dict[str, Callable[[str], Reply]] = {
            "STAT": self._stat,
            "LIST": self._list,
            "UIDL": self._uidl,
            "RETR": self._retr,
            "TOP": self._top,
            "DELE": self._dele,
            "RSET": self._rset,
            "NOOP": lambda _: [b"+OK\r\n"],
        }

    async def run(self) -> None:
        """From the greeting to the end. Raises Gone, and what TLS raises."""
        stamp = self._porter.stamp
        await self._answer(GREETING, f"+OK hostile server ready {stamp}".rstrip())
        try:
            while True:
                line = (await self._channel.line()).decode("utf-8", "replace")
                verb, _, argument = line.partition(" ")
                await self._obey(verb.upper(), argument)
        finally:
            if self._view is not None:
                self._shelf.sessions -= 1

    async def _obey(self, verb: str, argument: str) -> None:
        if self._troubles.strike(CloseAt, lambda fault: fault.verb == verb):
            raise Gone
        if verb in self._missing:
            await self._answer(verb, "-ERR unknown command")
        elif verb == "QUIT":
            await self._quit()
        elif verb == "CAPA":
            await self._send(verb, [b"+OK\r\n", *(f"{line}\r\n".encode() for line in self._capa()), b".\r\n"])
        elif verb == "STLS" and self._tls is not None and self._view is None:
            await self._stls(self._tls)
        elif self._view is None:
            await self._authorize(verb, argument)
        elif verb in self._verbs:
            refusal = self._troubles.strike(Refuse, lambda fault: _is_meant(fault, verb, argument))
            reply = self._verbs[verb](argument) if refusal is None else [f"-ERR {refusal.text}\r\n".encode()]
            await self._send(verb, reply)
        else:
            await self._answer(verb, "-ERR unknown command")

    # Before the login

    async def _authorize(self, verb: str, argument: str) -> None:
        try:
            if verb == "USER":
                if refusal := self._troubles.strike(Refuse, lambda fault: fault.verb == "USER"):
                    raise Refused(refusal.text)
                self._porter.user(argument)
                await self._answer(verb, "+OK")
            elif verb in ("PASS", "APOP", "AUTH"):
                await self._porter.enter(verb, argument)
                self._open()
                await self._answer(verb, "+OK logged in")
            else:
                raise Refused("log in first")
        except Refused as refused:
            await self._answer(verb, f"-ERR {refused.text}")

    def _open(self) -> None:
        if self._shelf.sessions and self._troubles.every(OneAtATime):
            raise Refused("[IN-USE] another session has the maildrop")
        self._shelf.sessions += 1
        self._view = View(self._shelf)

    async def _ask(self, challenge: bytes) -> bytes:
        await self._channel.send("AUTH", [b"+ " + base64.b64encode(challenge) + b"\r\n"])
        said = (await self._channel.line()).decode("utf-8", "replace")
        if said == "*":
            raise Refused("as you wish")
        return decode(said)

    async def _stls(self, context: ssl.SSLContext) -> None:
        early = self._troubles.strike(EarlyOctets)
        await self._channel.send("STLS", [b"+OK begin\r\n" + (b"" if early is None else early.octets)])
        self._tls = None
        await self._channel.start_tls(context)

    def _capa(self) -> Iterator[str]:
        mechanisms = [name for name in self._porter.mechanisms if not self._is_unlisted(name)]
        lines = ["TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION hostile"]
        lines += ["STLS"] if self._tls is not None and self._view is None else []
        lines += [" ".join(["SASL", *mechanisms])] if mechanisms else []
        listed = [fault.line for fault in self._troubles.every(Listed)]
        for line in lines:
            is_lone = line == "PIPELINING" and any(not fault.is_said for fault in self._troubles.every(NoPipelining))
            if not is_lone and line not in listed and not self._is_unlisted(line.partition(" ")[0]):
                yield line
        yield from listed

    def _is_unlisted(self, name: str) -> bool:
        return name in self._missing or any(fault.name == name for fault in self._troubles.every(Unlisted))

    # After it

    def _stat(self, _: str) -> Reply:
        sizes = [self._size("STAT", message) for _, message in self._seen]
        return [f"+OK {max(0, len(sizes) + self._lie('STAT'))} {sum(sizes)}\r\n".encode()]

    def _list(self, argument: str) -> Reply:
        return self._listing("LIST", argument, lambda _, message: f" {self._size('LIST', message)}")

    def _uidl(self, argument: str) -> Reply:
        spaces = " " * max([1, *(fault.count for fault in self._troubles.every(UidlSpaces))])
        return self._listing("UIDL", argument, lambda number, message: spaces + self._name(number, message))

    def _listing(self, verb: str, argument: str, tell: Callable[[int, Message], str]) -> Reply:
        if argument:
            found = self._find(argument)
            return [NOT_THERE] if found is None else [f"+OK {found[0]}{tell(*found)}\r\n".encode()]
        return self._lines(verb, tell)

    def _lines(self, verb: str, tell: Callable[[int, Message], str]) -> Iterator[bytes]:
        """A listing, made while it is sent: there may be a million lines."""
        lie, count = self._lie(verb), sum(1 for _ in self._seen)
        seen = islice(self._seen, max(0, count + min(0, lie)))
        invented = ((count + more, Message(f"invented-{more}", b"x\r\n")) for more in range(1, lie + 1))
        lines = (f"{number}{tell(number, message)}\r\n" for number, message in chain(seen, invented))
        yield b"+OK\r\n"
        while batch := "".join(islice(lines, 1000)):
            yield batch.encode()
        yield b".\r\n"

    def _retr(self, argument: str) -> Reply:
        found = self._find(argument)
        if found is None:
            return [NOT_THERE]
        number, message = found
        wrong = self._troubles.strike(WrongMessage, lambda fault: fault.number == number)
        if wrong is not None:
            message = (self._find(str(wrong.instead)) or found)[1]
        endless = [fault.octets for fault in self._troubles.every(EndlessLine) if fault.number == number]
        body = _endless(endless[0]) if endless else message.pieces()
        return self._body(number, f"+OK {self._size('RETR', message)} octets\r\n".encode(), body)

    def _top(self, argument: str) -> Reply:
        number, _, lines = argument.partition(" ")
        found = self._find(number)
        if found is None or not lines.isdecimal():
            return [NOT_THERE]
        return [b"+OK\r\n", *found[1].top(int(lines)).pieces(), b".\r\n"]

    def _body(self, number: int, begin: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
        yield begin
        yield from body
        if self._troubles.strike(NoTerminator, lambda fault: fault.number in (None, number)):
            raise Gone
        if self._troubles.strike(NoFinalCrlf, lambda fault: fault.number in (None, number)):
            yield b"."
            raise Gone
        yield b".\r\n"

    def _dele(self, argument: str) -> Reply:
        found = self._find(argument)
        if found is None or self._view is None:
            return [NOT_THERE]
        self._view.mark(found[0])
        return [b"+OK marked\r\n"]

    def _rset(self, _: str) -> Reply:
        if self._view is not None:
            self._view.unmark()
        return [b"+OK\r\n"]

    async def _quit(self) -> None:
        bad = self._troubles.strike(BadQuit) if self._view is not None else None
        how = None if bad is None else bad.how
        if self._view is not None and how not in (QuitHow.REFUSED, QuitHow.SILENT):
            self._view.commit(2 if how is QuitHow.PARTLY else 1)
        if how in (QuitHow.REFUSED, QuitHow.PARTLY):
            await self._answer("QUIT", "-ERR [SYS/TEMP] some deleted messages not removed")
        elif how is QuitHow.STALLED:
            while True:
                await self._channel.line()
        elif how is None:
            await self._answer("QUIT", "+OK bye")
        raise Gone

    @property
    def _seen(self) -> Iterable[tuple[int, Message]]:
        return self._view or ()

    def _find(self, argument: str) -> tuple[int, Message] | None:
        message = self._view.get(int(argument)) if self._view is not None and argument.isdecimal() else None
        return None if message is None else (int(argument), message)

    def _size(self, verb: str, message: Message) -> int:
        lies = (fault.by for fault in self._troubles.every(WrongSizes) if verb in fault.verbs)
        final = 0 if message.octets.endswith(b"\r\n") else 2
        return max(0, len(message.octets) + final + sum(lies))

    def _lie(self, verb: str) -> int:
        return sum(fault.by for fault in self._troubles.every(WrongCount) if fault.verb == verb)

    def _name(self, number: int, message: Message) -> str:
        shared = (fault for fault in self._troubles.every(SameUidl) if not fault.numbers or number in fault.numbers)
        return next((fault.uidl for fault in shared), message.uidl)

    # Saying

    async def _answer(self, verb: str, line: str) -> None:
        await self._send(verb, [f"{line}\r\n".encode()])

    async def _send(self, verb: str, reply: Reply) -> None:
        instead = self._troubles.strike(Say, lambda fault: fault.verb == verb)
        await self._channel.send(verb, reply if instead is None else [instead.octets])
        more = self._troubles.strike(SayMore, lambda fault: fault.verb == verb)
        if more is not None:
            await self._channel.send("", [more.octets])


NOT_THERE = b"-ERR no such message\r\n"


def _is_meant(fault: Refuse, verb: str, argument: str) -> bool:
    return fault.verb == verb and fault.number in (
        None,
        *(int(word) for word in argument.split()[:1] if word.isdecimal()),
    )


def _endless(octets: int) -> Iterator[bytes]:
    for start in range(0, octets, PIECE):
        yield b"x" * min(PIECE, octets - start)
    yield b"\r\n"
