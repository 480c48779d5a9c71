"""A pipeline is answered at once where it repeats itself, and nobody can tell: octets, marks and records are the same
as when each command came alone."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import MaildropStore
from postane.maildrop.memory import memory_store
from postane.net.memory import MemoryStream
from postane.pop3.replies import Repeated, Speak, ok
from postane.pop3.server import Pop3Server
from postane.pop3.states import State
from postane.wire.phrases import Tongue
from support.pop3 import Pop3Session, make_office, put, sized

HELD = 24
"""Messages in the maildrop."""

NUMBERS = st.one_of(st.integers(0, HELD + 2), st.integers(1, HELD), st.just(10**9))
LINES = st.one_of(
    st.tuples(st.sampled_from([b"DELE", b"RETR", b"dele", b"Retr"]), NUMBERS).map(lambda said: b"%b %d" % said),
    st.sampled_from([b"NOOP", b"RSET", b"STAT", b"LIST", b"LIST 3", b"DELE", b"RETR x", b"DELE  4", b"RETR 007", b""]),
)
RUNS = st.lists(
    st.one_of(
        st.lists(LINES, max_size=6),
        st.tuples(st.sampled_from([b"DELE", b"RETR"]), st.integers(1, HELD), st.integers(1, 40)).map(
            lambda run: [b"%b %d" % (run[0], number) for number in range(run[1], run[1] + run[2])]
        ),
    ),
    max_size=6,
).map(lambda parts: [line for part in parts for line in part])


async def _store() -> MaildropStore:
    store = memory_store(inline=3000)  # some are large, and are streamed
    await put(store, "mrose", *(sized(200 + 397 * number % 4000, str(number)) for number in range(HELD)))
    await put(store, "mrose", b"Subject: dots\r\n\r\n.one\r\n..two\r\n")
    return store


async def _talk(lines: list[bytes], piece: int | None) -> tuple[bytes, dict[str, object], int]:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(await _store(), accounts)
    session = Pop3Session(office, MemoryStream(piece=piece))
    await session.log_in()
    session.stream.give(b"".join(line + b"\r\n" for line in [*lines, b"QUIT"]))
    await asyncio.wait_for(session.task, 60)
    record = session.record
    counts = {"commands": record.commands, "messages": record.messages, "octets": record.octets}
    left = (await office.maildrops.usage("mrose")).messages
    return session.stream.take(), {**counts, "deleted": record.deleted}, left


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_a_pipeline_says_what_single_commands_say(lines: list[bytes]) -> None:
    async def compare() -> None:
        assert await _talk(lines, None) == await _talk(lines, 1)

    asyncio.run(compare())


def test_another_language_is_spoken_in_a_run_too() -> None:
    machine = Pop3Server()
    machine.send(ok("ready"))
    machine._enter(State.TRANSACTION)
    machine.feed(b"LANG xx\r\nDELE 1\r\nDELE 2\r\nDELE 3\r\n")
    machine.next_event()
    machine.send(Speak(Tongue("xx", "X", lambda one, many, count: one.replace("gone", "fort")), "hello"))
    event = machine.next_event()
    assert list(event.ahead) == [2, 3]
    assert machine.send(Repeated("{number} gone", [1, 2])) == b"+OK 1 fort\r\n+OK 2 fort\r\n"
    assert machine.next_event().number == 3
