"""What is measured: the mail, the scenarios, and the rows of the table that come out of each."""

from dataclasses import dataclass

from messages import Group
from peers import open_files
from plan import KIB, MIB, Row, Scenario, first, kilobytes_each, later, megabytes, middle, per_second

ESSENTIAL = (
    "sessions",
    "sessions-tls",
    "poll",
    "retr",
    "retr16",
    "retr16-tls",
    "retr10m",
    "large",
    "dele",
    "idle",
    "lmtp1",
    "lmtp16",
)
"""The scenarios of a quick look."""

LARGE_DROP = 100_000
DELETED = 1000
EMPTIED = 4
"""Drops that are emptied in a round."""
RECIPIENTS = 100
FILES = ("tuned-sdbox", "default")
"""Peers with a file for each message: a hundred thousand would take longer to make than all the rest to measure."""
FEW = 300
"""Idle clients of a peer that has two processes for each."""
SOME = 4000
"""Idle clients of a peer that has up to four descriptors for each."""
DESCRIPTORS = 2000
"""That a server has for itself."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `quick` is for a first look, `full` for the table."""

    seconds: float
    rounds: int
    idle: int
    logins: int
    large_letters: int
    polled: int = 10_000


QUICK = Load(seconds=1.0, rounds=1, idle=200, logins=4, large_letters=60, polled=1000)
FULL = Load(seconds=1.0, rounds=3, idle=10_000, logins=6, large_letters=80)


def idle_clients(load: Load) -> int:
    """As many as can be where a server has up to three descriptors for each."""
    return min(load.idle, (open_files() - DESCRIPTORS) // 3)


def groups(load: Load) -> dict[str, Group]:
    """The accounts and their mail, by name."""
    return {
        "polled": Group("u", 200, 10, 4 * KIB),
        "nothing-new": Group("p", 64, 100, KIB),
        "read": Group("r", 8, 100, 4 * KIB),
        "attachments": Group("m", 4, 1, 10 * MIB),
        "large": Group("big", 1, LARGE_DROP, KIB, one_off=True),
        "emptied": Group("x", load.rounds * EMPTIED, DELETED, 4 * KIB, one_off=True),
        "delivered": Group("d", 16),
        "list": Group("c", RECIPIENTS),
        "idle": Group("i", load.idle, one_off=True),
        "many": Group("n", load.polled, 4, KIB, one_off=True),
    }


def scenarios(load: Load) -> list[Scenario]:
    """What is measured, in the order of the table."""
    return [*polling(load), *reading(load), *standing(load), *delivering(load), *delivering_large(load)]


def polling(load: Load) -> list[Scenario]:
    """Sessions in which nothing is fetched."""
    seconds = load.seconds
    plain = Row("sessions: connect, USER, PASS, STAT, QUIT; 200 drops, 16 at once", "sessions/s", per_second, "5x")
    full = Row("the same with a TLS 1.3 handshake", "sessions/s", per_second, "2.2x")
    resumed = Row("the same with a TLS 1.3 handshake that resumes", "sessions/s", per_second, "2.2x")
    poll = Row("a poll that finds nothing new: UIDL of 100 messages; 64 drops, 16 at once", "sessions/s", per_second)
    many = Row(f"{load.polled:,} accounts polled evenly, 16 at once", "sessions/s", per_second)
    return [
        Scenario("sessions", "session", "polled", (plain,), clients=16, seconds=seconds, warm=200),
        Scenario("sessions-tls", "session", "polled", (full,), "pop3s", clients=16, seconds=seconds, warm=200),
        Scenario(
            "sessions-resumed",
            "session",
            "polled",
            (resumed,),
            "pop3s",
            clients=16,
            seconds=seconds,
            warm=200,
            without=("default",),  # each of its processes has a key for tickets of its own: it takes none
            options={"resume": True},
        ),
        Scenario(
            "poll", "session", "nothing-new", (poll,), clients=16, seconds=seconds, warm=64, options={"uidl": True}
        ),
        Scenario(
            "many",
            "session",
            "many",
            (many,),
            clients=16,
            seconds=2 * seconds,
            first_warm=load.polled,
            rounds=1,
            without=FILES,
        ),
    ]


def reading(load: Load) -> list[Scenario]:
    """RETR."""
    seconds, piped = load.seconds, {"window": 16}
    each = Row("RETR 4 KiB, one at a time, 8 clients", "messages/s", per_second, "1.3x")
    each_tls = Row("RETR 4 KiB, one at a time, 8 clients, TLS", "messages/s", per_second, "1.3x")
    many = Row("RETR 4 KiB, 16 in the pipeline, 8 clients", "messages/s", per_second, "1.5x")
    many_tls = Row("RETR 4 KiB, 16 in the pipeline, 8 clients, TLS", "messages/s", per_second, "2x")
    body = Row("RETR 10 MiB, 4 clients", "MB/s", megabytes, "5x")
    body_tls = Row("RETR 10 MiB, 4 clients, TLS", "MB/s", megabytes, "5x")
    return [
        Scenario("retr", "retr", "read", (each,), clients=8, seconds=seconds, warm=400),
        Scenario("retr-tls", "retr", "read", (each_tls,), "pop3s", 8, seconds, warm=400),
        Scenario("retr16", "retr", "read", (many,), clients=8, seconds=seconds, warm=400, options=piped),
        Scenario("retr16-tls", "retr", "read", (many_tls,), "pop3s", 8, seconds, warm=400, options=piped),
        Scenario("retr10m", "retr", "attachments", (body,), clients=4, seconds=seconds, warm=4),
        Scenario("retr10m-tls", "retr", "attachments", (body_tls,), "pop3s", 4, seconds, warm=4),
    ]


def standing(load: Load) -> list[Scenario]:
    """A very large drop, deletions, clients that do nothing."""
    large = (
        Row("100,000 messages: connect to STAT, first after a start", "ms", first("stat"), "25 ms", False),
        Row("100,000 messages: connect to STAT, later", "ms", later("stat"), "5 ms", False),
        Row("100,000 messages: LIST, first after a start", "ms", first("list"), "15 ms", False),
        Row("100,000 messages: LIST, later", "ms", later("list"), "15 ms", False),
        Row("100,000 messages: UIDL, first after a start", "ms", first("uidl"), "25 ms", False),
        Row("100,000 messages: UIDL, later", "ms", later("uidl"), "25 ms", False),
    )
    emptied = (
        Row("DELE of 1,000 messages, pipelined", "ms", middle("dele"), "1x", False),
        Row("QUIT that removes 1,000 messages", "ms", middle("quit"), "1.5x", False),
    )
    return [
        Scenario("large", "large", "large", large, fresh=True, without=FILES, options={"count": load.logins}),
        Scenario("dele", "dele", "emptied", emptied, each_round=EMPTIED),
        idle("idle", "pop3", idle_clients(load)),
        idle("idle-tls", "pop3s", idle_clients(load)),
    ]


def idle(key: str, service: str, count: int) -> Scenario:
    """What `count` clients cost that have logged in and say nothing."""
    what, goal = (", TLS", "40 kB") if service == "pop3s" else ("", "6 kB")
    rows = (
        Row(f"memory of an idle logged-in client{what}, PSS, {count:,} clients", "kB", kilobytes_each, goal, False),
        Row(f"logins until {count:,} clients are there{what}, 64 at once", "logins/s", per_second),
    )
    most = {"default": min(FEW, count), "tuned-mdbox": min(SOME, count), "tuned-sdbox": min(SOME, count)}
    return Scenario(key, "idle", "idle", rows, service, clients=count, fresh=True, rounds=1, most=most)


def delivering(load: Load) -> list[Scenario]:
    """Small letters that come in. SMTP has no peer: Dovecot takes mail in by LMTP alone."""
    seconds = load.seconds
    rows = {
        "lmtp1": Row("LMTP delivery 4 KiB, one at a time", "messages/s", per_second, "3x"),
        "lmtp16": Row("LMTP delivery 4 KiB, 16 at once", "messages/s", per_second, "3x"),
        "smtp1": Row("SMTP delivery 4 KiB, one at a time", "messages/s", per_second),
        "smtp16": Row("SMTP delivery 4 KiB, 16 at once", "messages/s", per_second),
    }
    one_by_one = [
        Scenario(key, key[:4], "delivered", (row,), key[:4], int(key[4:]), seconds, warm=16)
        for key, row in rows.items()
    ]
    to_many = Row(f"LMTP delivery 4 KiB to {RECIPIENTS} recipients, one at a time", "messages/s", per_second)
    to_list = Scenario(
        "lmtp100", "lmtp", "list", (to_many,), "lmtp", 1, seconds, warm=2, options={"recipients": RECIPIENTS}
    )
    return [*one_by_one, to_list]


def delivering_large(load: Load) -> list[Scenario]:
    """Letters of 1 MiB."""
    options = {"octets": MIB, "count": load.large_letters}
    rows = {
        ("lmtp1m1", 1): Row("LMTP delivery 1 MiB, one at a time", "MB/s", megabytes, "2x"),
        ("lmtp1m", 4): Row("LMTP delivery 1 MiB, 4 at once", "MB/s", megabytes, "2x"),
        ("lmtp1m16", 16): Row("LMTP delivery 1 MiB, 16 at once", "MB/s", megabytes, "2x"),
        ("smtp1m1", 1): Row("SMTP delivery 1 MiB, one at a time", "MB/s", megabytes),
        ("smtp1m16", 16): Row("SMTP delivery 1 MiB, 16 at once", "MB/s", megabytes),
    }
    return [
        Scenario(key, key[:4], "delivered", (row,), key[:4], clients, warm=4, options=options)
        for (key, clients), row in rows.items()
    ]
