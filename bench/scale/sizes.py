"""What one session costs the server, against how many messages its drop has."""

import time
from collections.abc import Callable
from pathlib import Path

import fill
from figures import Curve, Part, Picture, Table, micro
from peers import PASSWORD
from served import House, cores, say
from talk import Talk, begin_letter, end_letter

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (10, 1_000, 100_000)
OCTETS = 400
SETTLE = 0.02
"""Seconds for the server to be done with what it does behind an answer."""
SPENT = 0.15
"""Seconds of the server's processor time that are enough to tell what a step costs."""
LEAST, MOST = 3, 40
"""How often a step is done."""
PASSES = 3
"""Looks at all sizes; the least of each cost tells, as what else the machine does only adds to it."""
STRAY = 4 * MOST * PASSES
"""Messages that a drop may have more or fewer than it had at first."""

Step = Callable[[House, str, int], None]


def poll(house: House, drop: str, messages: int) -> None:
    """Log in, STAT, leave."""
    with Talk(house.ports["pop3"]).enter(drop, PASSWORD) as talk:
        told = talk.ask("STAT").split()
        if abs(int(told[1]) - messages) > STRAY:
            raise RuntimeError(f"{drop} should have some {messages} messages: {told!r}")
        talk.ask("QUIT")


def listing(command: str) -> Step:
    """A session with LIST or UIDL of all messages."""

    def step(house: House, drop: str, messages: int) -> None:
        with Talk(house.ports["pop3"]).enter(drop, PASSWORD) as talk:
            lines = len(talk.ask_many(command))
            if abs(lines - messages) > STRAY:
                raise RuntimeError(f"{command}: {lines} lines for some {messages} messages")
            talk.ask("QUIT")

    return step


def retrieve(house: House, drop: str, messages: int) -> None:
    """A session with RETR of one message from the middle."""
    with Talk(house.ports["pop3"]).enter(drop, PASSWORD) as talk:
        talk.ask_many(f"RETR {messages // 2}")
        talk.ask("QUIT")


def delete(house: House, drop: str, messages: int) -> None:
    """A session that deletes one message from the middle."""
    with Talk(house.ports["pop3"]).enter(drop, PASSWORD) as talk:
        talk.ask(f"DELE {messages // 2}")
        talk.ask("QUIT")


def deliver(house: House, drop: str, _messages: int) -> None:
    """One message by LMTP, which makes up for the one that is deleted."""
    with Talk(house.ports["lmtp"]) as talk:
        begin_letter(talk, [drop])
        end_letter(talk, b"Subject: one more\r\n\r\n" + b"Good morning.\r\n" * 20, 1)


STEPS: tuple[tuple[str, Step, bool, str], ...] = (
    ("login, STAT", poll, False, ""),
    ("login, RETR of one", retrieve, False, ""),
    ("login, LIST", listing("LIST"), True, "It has a line for every message."),
    ("login, UIDL", listing("UIDL"), True, "It has a line for every message."),
    ("login, DELE of one, QUIT", delete, False, ""),
    ("LMTP delivery of one", deliver, False, ""),
)
"""Their names, what is done, and whether and why they may grow. What changes a drop comes last."""


def run(house: House, sizes: tuple[int, ...]) -> Part:
    """Fill a drop of each size and do each step in it until it is known what it costs."""
    house.add_accounts([name_of(size) for size in sizes])
    for size in sizes:
        say(f"sizes: filling {size:,} messages: {fill_one(house, size):.1f} s")
    fill.check(house.store, name_of(max(size for size in sizes if size <= 100_000)))
    house.start({cores()[0]})
    try:
        looks = [look(house, sizes) for _ in range(PASSES)]
    finally:
        house.stop()
    cost: Costs = {name: [] for name, *_ in STEPS}
    first: Costs = {name: [] for name, *_ in STEPS}
    for size in sizes:
        for name, *_ in STEPS:
            first[name].append((size, looks[0][size, name][0]))
            cost[name].append((size, min(each[size, name][1] for each in looks)))
    return part(sizes, cost, first)


def look(house: House, sizes: tuple[int, ...]) -> dict[tuple[int, str], tuple[float, float]]:
    """What the first time and a time after it cost, by size and step. All sizes of a step come together: then they
    have the same moment of the machine."""
    found = {}
    for name, step, _, _ in STEPS:
        for size in sizes:
            found[size, name] = measure(house, name_of(size), size, step)
        said = ", ".join(micro(found[size, name][1]) for size in sizes)
        say(f"sizes: {name}: {said} us")
    return found


def name_of(size: int) -> str:
    """The account, and its drop."""
    return f"size{size}"


def fill_one(house: House, size: int) -> float:
    """Fill the drop of that size: the seconds that it took."""
    return fill.timed(lambda: fill.fill_drop(Path(house.store), name_of(size), size, OCTETS))


def measure(house: House, drop: str, messages: int, step: Step) -> tuple[float, float]:
    """Seconds of the server's processor time: of the first time, and of a time after it."""
    if step is delete and messages <= STRAY:
        for _ in range(MOST + 2):  # a small drop would soon be empty
            deliver(house, drop, messages)
    first = spent(house, lambda: step(house, drop, messages))
    second = spent(house, lambda: step(house, drop, messages))  # the first one may have read the whole drop
    times = min(MOST, max(LEAST, int(SPENT / max(second, 1e-4))))

    def again() -> None:
        for _ in range(times):
            step(house, drop, messages)

    return first, spent(house, again) / times


def spent(house: House, work: Callable[[], None]) -> float:
    """Seconds of processor time that the server had for it."""
    time.sleep(SETTLE)
    begun = house.cpu()
    work()
    time.sleep(SETTLE)
    return house.cpu() - begun


Costs = dict[str, list[tuple[float, float]]]


def part(sizes: tuple[int, ...], cost: Costs, first: Costs) -> Part:
    """As a table and pictures."""
    head = ["session", *(f"{size:,}" for size in sizes)]
    tables = [
        Table("Server CPU of a session, us, by messages in the drop", head, rows(cost)),
        Table("The same, the first time after a start", head, rows(first)),
    ]
    curves = [Curve(name, [(x, y * 1e6) for x, y in cost[name]], may_grow, why) for name, _, may_grow, why in STEPS]
    each = [
        Curve(f"{name}, a message", [(x, y * 1e6 / x) for x, y in cost[name]], True, "The session's own cost is in it.")
        for name, _, may_grow, _ in STEPS
        if may_grow
    ]
    pictures = [
        Picture(
            "sizes", "What a session costs by the size of its drop", "messages in the drop", "server CPU, us", curves
        ),
        Picture("sizes-each", "What a line of a listing costs", "messages in the drop", "server CPU, us", each),
    ]
    return Part("sizes", tables, pictures, raw={"usual": cost, "first": first})


def rows(cost: Costs) -> list[list[str]]:
    """A line for each step."""
    return [[name, *(micro(y) for _, y in cost[name])] for name, *_ in STEPS]
