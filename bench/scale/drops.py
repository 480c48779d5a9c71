"""What one session and one delivery cost the server, against how many drops and accounts there are."""

import fill
from figures import Curve, Part, Picture, Table, micro
from served import House, cores, say
from sizes import deliver, poll, spent

NUMBERS = (100, 1_000, 10_000, 100_000)
QUICK_NUMBERS = (100, 10_000)
SAMPLE = 560
"""Accounts that are polled one after the other: more than the drops that a worker keeps open."""
MESSAGES = 3
DIGITS = 6
TEMPLATE = "t" + "0" * DIGITS
"""The drop that all others are copies of; nobody polls it."""


def name_of(number: int) -> str:
    """An account and its drop: all names are of one length, so that drops can be copied."""
    return f"u{number:0{DIGITS}}"


def run(house: House, numbers: tuple[int, ...]) -> Part:
    """Make so many drops, and poll accounts spread over them evenly: once to begin, and then measured."""
    polls: list[tuple[float, float]] = []
    first: list[tuple[float, float]] = []
    deliveries: list[tuple[float, float]] = []
    made = 0
    for number in numbers:
        say(f"drops: filling up to {number:,}: {fill.timed(lambda: grow(house, made, number)):.1f} s")  # noqa: B023
        made = number
        house.start({cores()[0]})
        try:
            sample = sampled(number)
            for points, step in ((first, poll), (polls, poll), (deliveries, deliver)):
                seconds = spent(house, lambda: [step(house, each, MESSAGES) for each in sample] and None)  # noqa: B023
                points.append((number, seconds / len(sample)))
        finally:
            house.stop()
        figures = ", ".join(micro(points[-1][1]) for points in (first, polls, deliveries))
        say(f"drops: {number:,}: first poll, poll, delivery: {figures} us")
    return part(numbers, first, polls, deliveries)


def grow(house: House, made: int, number: int) -> None:
    """More accounts and drops; those that will be polled have a device password, so that none costs a slow hash."""
    names = [name_of(each) for each in range(made, number)]
    wanted = set(sampled(number)) - (set(sampled(made)) if made else set())
    house.add_accounts(names, sorted(wanted))
    if not made:
        fill.fill_drop(house.store, TEMPLATE, MESSAGES, 512)
    fill.fill_drops(house.store, names, TEMPLATE, lambda done: say(f"drops: {made + done:,}"))
    fill.check(house.store, name_of(number - 1))


def sampled(number: int) -> list[str]:
    """Accounts spread evenly."""
    return [name_of(index * number // min(SAMPLE, number)) for index in range(min(SAMPLE, number))]


Points = list[tuple[float, float]]


def part(numbers: tuple[int, ...], first: Points, polls: Points, deliveries: Points) -> Part:
    """As a table and a picture."""
    named = {"first poll of an account": first, "poll": polls, "LMTP delivery": deliveries}
    head = ["each account once", *(f"{number:,}" for number in numbers)]
    table = Table(
        "Server CPU of a session, us, by drops on the disk",
        head,
        [[k, *(micro(y) for _, y in v)] for k, v in named.items()],
    )
    why = f"{SAMPLE} are polled in turn; beyond storage.handles (512) each poll finds its drop closed and opens it."
    curves = [Curve(key, [(x, y * 1e6) for x, y in points], why=why) for key, points in named.items()]
    title = "What a session costs by the number of drops"
    picture = Picture("drops", title, "drops on the disk", "server CPU, us", curves)
    return Part("drops", [table], [picture], raw=dict(named))
