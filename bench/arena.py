"""Where the peers meet: set up side by side, then measured in turn, A B A B, one core for the server.

A peer that cannot be set up or started is out, and the others go on; a run in which the driver saw a wrong reply voids
the figure, and that server is started anew for what follows.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import driver
from certificate import Certificate, make_certificate
from dovecot_peer import DovecotPeer
from driver import Outcome
from floor_peer import FloorPeer
from messages import Group
from peers import Peer, Server
from plan import Scenario
from postane_peer import PostanePeer
from scenarios import Load, groups
from table import Column
from twisted_peer import TwistedPeer

DEADLINE = 90.0
"""Seconds that one run of the driver may take at most."""

QUICK_PEERS = ("postane", "tuned-mdbox", "floor")
"""Filling the others takes longer than a quick look may."""

HURRIED_FROM = 480.0
"""Seconds from which on a scenario has one round: all of it should be over in ten minutes."""

Trouble = (RuntimeError, OSError, subprocess.SubprocessError)
"""What a peer that cannot be set up, started or looked at raises."""


@dataclass(slots=True)
class Entrant:
    """A peer that takes part, and its server while it runs. `trouble` is why it is out."""

    key: str
    peer: Peer
    is_rival: bool = False
    server: Server | None = None
    trouble: str = ""

    @property
    def is_main(self) -> bool:
        """Whether it takes part in every round; one is enough of those that are there to be seen."""
        return self.is_rival or self.key == "postane"

    @property
    def column(self) -> Column:
        """Its column in the table."""
        return Column(self.key, self.peer.name, self.is_rival)


def entrants(folder: Path, named: Sequence[str], *, quick: bool, tls: bool) -> list[Entrant]:
    """Those that take part, and are named if any are: Postane first, and the others where they are installed."""
    certificate = make_certificate(folder) if tls else None
    found = [Entrant("postane", PostanePeer(folder / "postane", certificate))]
    if DovecotPeer.version() is None:
        say("Dovecot is not installed: nothing to compare with (Debian: apt install dovecot-pop3d dovecot-lmtpd)")
    else:
        found += [dovecot(folder, certificate, key) for key in ("tuned-mdbox", "tuned-sdbox", "default-maildir")]
    if TwistedPeer.version() is not None:
        found.append(Entrant("twisted", TwistedPeer(folder / "twisted")))
    elif not quick:
        say("Twisted is not installed: left out (pip install --group bench)")
    found.append(Entrant("floor", FloorPeer(folder / "floor", certificate)))
    wanted = named or [entrant.key for entrant in found if not quick or entrant.key in QUICK_PEERS]
    if unknown := set(wanted) - {entrant.key for entrant in found}:
        there = ", ".join(entrant.key for entrant in found)
        sys.exit(f"no such peer: {', '.join(sorted(unknown))}; there are {there}")
    return [entrant for entrant in found if entrant.key in wanted]


def dovecot(folder: Path, certificate: Certificate | None, key: str) -> Entrant:
    """A Dovecot; its key tells shape and format."""
    shape, _, mailbox = key.partition("-")
    is_tuned = shape == "tuned"
    peer = DovecotPeer(folder / key, certificate, tuned=is_tuned, mailbox=mailbox)
    return Entrant(key if is_tuned else shape, peer, is_rival=is_tuned)


class Arena:
    """One benchmark: the entrants, the cores, and what came out so far."""

    def __init__(self, load: Load, entrants: Sequence[Entrant]) -> None:
        self._load = load
        self._entrants = entrants
        cores = sorted(os.sched_getaffinity(0))
        self._server_core = cores[0] if len(cores) > 1 else None
        self._driver_core = cores[-1] if len(cores) > 1 else None
        self._groups = groups(load)
        self._begun = time.monotonic()
        self.runs: dict[tuple[str, str], list[Outcome]] = {}
        self.spent: dict[str, float] = {}
        self.hurried: list[str] = []

    def set_up(self, wanted: Sequence[Scenario]) -> None:
        """Fill the maildrops that the scenarios need, those of two peers at a time."""
        begun = time.monotonic()
        needed: dict[str, Group] = {scenario.group: self._groups[scenario.group] for scenario in wanted}
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda entrant: self._set_up(entrant, needed, wanted), self._entrants))
        self.spent["set-up"] = time.monotonic() - begun

    def measure(self, scenario: Scenario) -> None:
        """All rounds of one scenario, the peers in turn."""
        begun = time.monotonic()
        for turn in range(scenario.rounds or self._load.rounds):
            if turn and time.monotonic() - self._begun > HURRIED_FROM:
                self.hurried.append(scenario.key)
                break
            for entrant in self._entrants:
                if entrant.trouble or entrant.key in scenario.without or (turn and not entrant.is_main):
                    continue
                rounds = self.runs.setdefault((scenario.key, entrant.key), [])
                if any(outcome.error for outcome in rounds):
                    continue  # the figure is void already
                if (outcome := self._run(entrant, scenario, turn)) is not None:
                    rounds.append(outcome)
        self.spent[scenario.key] = time.monotonic() - begun

    def stop(self) -> None:
        """Stop all servers."""
        for entrant in self._entrants:
            self._stop(entrant)

    def troubles(self) -> list[str]:
        """Which peers are out, and why."""
        return [f"{entrant.peer.name} is out: {entrant.trouble}" for entrant in self._entrants if entrant.trouble]

    def _set_up(self, entrant: Entrant, needed: Mapping[str, Group], wanted: Sequence[Scenario]) -> None:
        its = {scenario.group for scenario in wanted if entrant.key not in scenario.without}
        begun = time.monotonic()
        try:
            entrant.peer.set_up({name: group for name, group in needed.items() if name in its})
        except Trouble as error:
            self._is_out(entrant, error)
        else:
            say(f"set up {entrant.peer.name}: {time.monotonic() - begun:.1f} s")

    def _run(self, entrant: Entrant, scenario: Scenario, turn: int) -> Outcome | None:
        """One run; None where the peer has no such service, or does not start."""
        if scenario.fresh:
            self._stop(entrant)
        server = entrant.server or self._start(entrant)
        port: int | None = getattr(server, scenario.service) if server else None
        if server is None or port is None:
            return None
        words = [*scenario.words(self._groups, port, turn, entrant.key), "--deadline", str(DEADLINE)]
        if warm := scenario.warm or (0 if turn else scenario.first_warm):
            warmed = self._drive(server, [*words, "--count", str(warm)])
            if warmed.error:
                return self._told(entrant, scenario, warmed)
        limits = ["--seconds", str(scenario.seconds)] if scenario.seconds else []
        return self._told(entrant, scenario, self._drive(server, [*words, *limits]))

    def _drive(self, server: Server, words: Sequence[str]) -> Outcome:
        """Where the server or the driver died, that is what is told."""
        try:
            outcome = driver.drive(server.process.pid, self._driver_core, words)
        except Trouble as error:
            return driver.nothing(f"it could not be looked at: {error}")
        code = server.process.poll()
        return outcome if code is None else driver.nothing(f"the server ended with {code}: {outcome.error}")

    def _told(self, entrant: Entrant, scenario: Scenario, outcome: Outcome) -> Outcome:
        if outcome.error:
            say(f"{scenario.key}, {entrant.peer.name}: VOID: {outcome.error}")
            self._stop(entrant)
        else:
            row = scenario.rows[0]
            say(f"{scenario.key}, {entrant.peer.name}: {row.figure(outcome):,.2f} {row.unit}")
        return outcome

    def _start(self, entrant: Entrant) -> Server | None:
        try:
            entrant.server = entrant.peer.start(self._server_core)
        except Trouble as error:
            self._is_out(entrant, error)
        return entrant.server

    def _is_out(self, entrant: Entrant, error: Exception) -> None:
        entrant.trouble = str(error)
        say(f"{entrant.peer.name} is out: {error}")

    def _stop(self, entrant: Entrant) -> None:
        if entrant.server is not None:
            server, entrant.server = entrant.server, None
            entrant.peer.stop(server)


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)
