"""What every maildrop must hold, known from the answers that clients got; and whether memory stays, by regression.

A message is known by a token in its header. Deliveries and QUITs whose answer was not heard may have been done or not,
whole; everything else is certain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LINE = b"A letter that is looked at on its way in, while it waits, and on its way out.\r\n"
HEADER = b"X-Token: "


class Wrong(Exception):
    """The server has lost, doubled or changed something."""


def letter(token: str, lines: int) -> bytes:
    """The octets of a message, the same each time; some of its lines begin with a dot."""
    head = HEADER + token.encode() + b"\r\nFrom: soak@bench.example\r\nSubject: letter " + token.encode() + b"\r\n\r\n"
    return head + b".dotted\r\n" + LINE * lines + b"..twice\r\n"


def token_of(octets: bytes) -> str:
    """The token of a message that came back. Raises Wrong."""
    begin = octets.find(HEADER)
    if begin < 0:
        raise Wrong(f"a message without a token: {octets[:80]!r}")
    return octets[begin + len(HEADER) : octets.index(b"\r\n", begin)].decode()


@dataclass(slots=True)
class Drop:
    """One maildrop. `held` are tokens with their lines; `unsure` may be there as well, `leaving` may be gone together.

    `known` has the token and the octets of each unique-id that was seen.
    """

    name: str
    held: dict[str, int] = field(default_factory=dict)
    unsure: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    known: dict[str, tuple[str, int]] = field(default_factory=dict)

    def acknowledge(self, token: str) -> None:
        """A delivery was answered with 250."""
        if token in self.unsure:
            self.held[token] = self.unsure.pop(token)

    def see(self, uidl: str, octets: bytes) -> None:
        """A message was retrieved. Raises Wrong."""
        token = token_of(octets)
        lines = {**self.unsure, **self.held}.get(token)
        if lines is None:
            raise Wrong(f"{self.name}: {token} is there, and was {'deleted' if token in self.gone else 'never sent'}")
        if not octets.endswith(letter(token, lines)):
            raise Wrong(f"{self.name}: the octets of {token} are not what was sent")
        if uidl in self.known and self.known[uidl] != (token, len(octets)):
            raise Wrong(f"{self.name}: {uidl} is another message now")
        if any(other != uidl and known[0] == token for other, known in self.known.items()):
            raise Wrong(f"{self.name}: {token} is there twice")
        self.known[uidl] = (token, len(octets))

    def check(self, listed: Mapping[str, int], before: Sequence[str]) -> None:
        """A session saw these unique-ids with their octets, all of them `see`n; `before` was held when it began.

        Raises Wrong.
        """
        for uidl, octets in listed.items():
            if self.known[uidl][1] != octets:
                raise Wrong(f"{self.name}: {uidl} has {octets} octets instead of {self.known[uidl][1]}")
        present = {self.known[uidl][0] for uidl in listed}
        left = self.leaving & present
        if left and left != self.leaving:
            raise Wrong(f"{self.name}: a QUIT was done in part: {len(left)} of {len(self.leaving)} are there")
        if self.leaving and not left:
            self.forget(self.leaving)
        self.leaving = set()
        for token in present:
            self.acknowledge(token)
        if lost := [token for token in before if token not in present and token not in self.gone]:
            raise Wrong(f"{self.name}: LOST {len(lost)}: {lost[:3]}")
        if back := present & self.gone:
            raise Wrong(f"{self.name}: deleted ones came back: {sorted(back)[:3]}")

    def forget(self, tokens: set[str]) -> None:
        """These were deleted."""
        for token in tokens:
            self.held.pop(token, None)
        self.gone |= tokens
        self.known = {uidl: known for uidl, known in self.known.items() if known[0] not in tokens}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much y grows with each x, by least squares; 0 where that cannot be told."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


@dataclass(frozen=True, slots=True)
class Trend:
    """How something went over time after the warm-up: by how much it grew, and whether that is without end."""

    grown: float
    is_flat: bool


def trend(points: Sequence[tuple[float, float]], allowed: float) -> Trend:
    """`points` are (second, value), the first third is warm-up. It is flat where it grew by less than `allowed`, or
    grew less than half as fast in the last third as in the one before: then it is on its way to rest."""
    third = len(points) // 3
    rest = points[third:]
    if len(rest) < 4:
        return Trend(0.0, True)
    grown = slope(rest) * (rest[-1][0] - rest[0][0])
    is_slowing = slope(points[2 * third :]) < slope(points[third : 2 * third]) / 2
    return Trend(grown, grown < allowed or is_slowing)
