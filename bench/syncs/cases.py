"""What is looked at: deliveries and sessions, each with what comes before the look and the step that is looked at.

The step is one write of the client and the answers to it, so that all that the server does for them is in the trace.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from peers import PASSWORD
from served import House
from talk import Talk, begin_letter, end_letter, pipelined

KIB, MIB = 1024, 1024 * 1024
LINE = b"What is acknowledged is on the disk, or it was not acknowledged at all, says the house.\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table. `drops` are those whose durability the answers tell of, in the answers' order, and
    `beginning` is how such an answer begins. `prepare` makes the step, which is then looked at."""

    what: str
    drops: Sequence[str]
    beginning: str
    prepare: "Callable[[House], Step]"


@dataclass(frozen=True, slots=True)
class Step:
    """What is looked at. `marks` are in the messages, by the port of who sends it, where many do at once."""

    run: Callable[[], None]
    marks: Mapping[int, str] = field(default_factory=dict)


def cases(turn: int) -> list[Case]:
    """All of them, for round `turn`: what is new is new in each."""
    ten = [f"ten{number}" for number in range(10)]
    return [
        Case("a poll that deletes nothing", [], "+OK", _poll),
        Case("LMTP, 4 KiB", ["one"], "250", _delivery(["one"], 4 * KIB)),
        Case("LMTP, 4 KiB, the first message of a drop", [f"new{turn}"], "250", _delivery([f"new{turn}"], 4 * KIB)),
        Case("LMTP, 1 MiB", ["one"], "250", _delivery(["one"], MIB)),
        Case("LMTP, 4 KiB to 10 recipients", ten, "250", _delivery(ten, 4 * KIB)),
        Case("LMTP, 1 MiB to 10 recipients", ten, "250", _delivery(ten, MIB)),
        Case("16 LMTP clients at once, 4 KiB, one drop", ["one"] * 16, "250", _crowd(["one"] * 16)),
        Case("SMTP, 4 KiB", ["one"], "250", _delivery(["one"], 4 * KIB, "smtp")),
        Case("QUIT that deletes 1 message", ["out"], "+OK", _deletion("out", 1, 4 * KIB)),
        Case("QUIT that deletes 1,000 messages", ["out"], "+OK", _deletion("out", 1000, KIB)),
        Case("QUIT that deletes 10 messages of 1 MiB", ["out"], "+OK", _deletion("out", 10, MIB)),
    ]


def accounts(rounds: int) -> list[str]:
    """The accounts that the cases need."""
    return ["one", "out", *(f"ten{number}" for number in range(10)), *(f"new{turn}" for turn in range(rounds))]


def letter(octets: int, mark: str = "") -> bytes:
    """A message of about that size."""
    head = f"From: a@bench.example\r\nTo: b@bench.example\r\nSubject: evidence {mark}\r\n\r\n".encode()
    return head + LINE * ((octets - len(head)) // len(LINE))


def fill(house: House, drop: str, messages: int, octets: int) -> None:
    """Deliver so many; thirty-two on one connection at most, as MTAs do."""
    body = letter(octets)
    for start in range(0, messages, 32):
        with Talk(house.ports["lmtp"]) as talk:
            for _ in range(min(32, messages - start)):
                begin_letter(talk, [drop])
                end_letter(talk, body, 1)


def _delivery(drops: Sequence[str], octets: int, service: str = "lmtp") -> Callable[[House], Step]:
    def prepare(house: House) -> Step:
        for drop in drops:
            if not drop.startswith("new"):
                fill(house, drop, 1, KIB)  # so that the drop is there, and open
        talk = Talk(house.ports[service])
        begin_letter(talk, drops, "LHLO bench.example" if service == "lmtp" else "EHLO bench.example")

        def step() -> None:
            with talk:
                end_letter(talk, letter(octets), len(drops) if service == "lmtp" else 1)

        return Step(step)

    return prepare


def _crowd(drops: Sequence[str]) -> Callable[[House], Step]:
    def prepare(house: House) -> Step:
        talks = [Talk(house.ports["lmtp"]) for _ in drops]
        for talk, drop in zip(talks, drops, strict=True):
            begin_letter(talk, [drop])
        marks = {talk.socket.getsockname()[1]: f"mark-{number}-" for number, talk in enumerate(talks)}

        def step() -> None:
            for talk in talks:
                talk.send(letter(4 * KIB, marks[talk.socket.getsockname()[1]]) + b".\r\n")
            for talk in talks:
                with talk:
                    talk.expect("250", "the message")

        return Step(step, marks)

    return prepare


def _deletion(drop: str, messages: int, octets: int) -> Callable[[House], Step]:
    def prepare(house: House) -> Step:
        fill(house, drop, messages, octets)
        talk = Talk(house.ports["pop3"]).enter(drop, PASSWORD)
        pipelined(talk, [f"DELE {number}" for number in range(1, messages + 1)])

        def step() -> None:
            with talk:
                talk.ask("QUIT")

        return Step(step)

    return prepare


def _poll(house: House) -> Step:
    fill(house, "one", 3, 4 * KIB)
    with Talk(house.ports["pop3"]).enter("one", PASSWORD) as talk:
        talk.ask("QUIT")

    def step() -> None:
        with Talk(house.ports["pop3"]).enter("one", PASSWORD) as talk:
            for command in ("STAT", "NOOP", "QUIT"):
                talk.ask(command)

    return Step(step)
