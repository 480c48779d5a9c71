"""Connections that say nothing: by POP3, by POP3S before the handshake, and all of them from one address.

    python bench/hostile/silent.py [--quick] [--json FILE] [SCENE ...]

`limits.connections` is 20,000, `limits.per_address` 50 and `limits.login` 60 s, as they are without a configuration:
the crowd wants more places than there are, and the good client comes as one more.
"""

import sys
from collections.abc import Mapping, Sequence

from crowd import Plan, crowd
from program import main
from stage import Scene

CREW = 2
FULL = {"connections": 20500, "one-address": 2000, "seconds": 75}
QUICK = {"connections": 2000, "one-address": 300, "seconds": 8}


def many(service: str) -> Scene:
    """From many addresses."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[Plan]]]:
        share = sizes["connections"] // CREW
        return [(crowd, (Plan(service, share, sizes["seconds"], number=number),)) for number in range(CREW)]

    return Scene(f"silent-{service}", crew, by=service)


def one() -> Scene:
    """From one address."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[Plan]]]:
        return [(crowd, (Plan("pop3", sizes["one-address"], 5, per_address=sizes["one-address"]),))]

    return Scene("silent-one-address", crew)


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", [many("pop3"), many("pop3s"), one()], FULL, QUICK))
