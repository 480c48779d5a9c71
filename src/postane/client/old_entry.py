"""From a connection to a session of POP2 or POP1 that is logged in.

RFC 937 s(System Model and Philosophy), RFC 918 s(The Protocol). Neither has a word that begins TLS, and neither takes
anything but a password: TLS is there from the first octet, or never.

Must not know: how a connection is made.
"""

from postane.credentials.base import Secret, SecretKind
from postane.net.base import Dial, Link, Target, TlsMode

from .authentication import USER
from .entry import Entrance, dialled, hear_greeting
from .errors import NotOffered, NotSecured
from .pop1 import Pop1
from .pop2 import Pop2


async def dial_pop2(dial: Dial, target: Target, entrance: Entrance) -> Pop2:
    """Connect, log in. Raises PopError; whatever is raised, nothing stays open."""
    return await enter_pop2(await _dialled(dial, target, "POP2"), entrance)


async def dial_pop1(dial: Dial, target: Target, entrance: Entrance) -> Pop1:
    """Connect, log in. Raises PopError; whatever is raised, nothing stays open."""
    return await enter_pop1(await _dialled(dial, target, "POP1"), entrance)


async def enter_pop2(link: Link, entrance: Entrance) -> Pop2:
    """The same over a connection that stands. Raises PopError, and closes it then."""
    pop = Pop2(link, entrance.manner.log)
    await _enter(pop, entrance)
    return pop


async def enter_pop1(link: Link, entrance: Entrance) -> Pop1:
    """The same over a connection that stands. Raises PopError, and closes it then."""
    pop = Pop1(link, entrance.manner.log)
    await _enter(pop, entrance)
    return pop


async def _enter(pop: Pop2 | Pop1, entrance: Entrance) -> None:
    try:
        await hear_greeting(pop.greet(), pop.link, pop.protocol)
        if entrance.name is not None:
            await pop.log_in(entrance.name, _password(entrance), entrance.policy)
    except BaseException:
        pop.abort()
        raise


async def _dialled(dial: Dial, target: Target, protocol: str) -> Link:
    if target.tls.mode is TlsMode.REQUIRED:
        raise NotSecured(f"{protocol} has no word that begins TLS: use {protocol.lower()}s://")
    return await dialled(dial, target)


def _password(entrance: Entrance) -> str:
    secret: Secret | None = entrance.secret
    mechanisms = entrance.policy.mechanisms
    if secret is None or secret.kind is not SecretKind.PASSWORD or (mechanisms is not None and USER not in mechanisms):
        raise NotOffered("there is no way to log in but by a name and a password, and that is not allowed or not there")
    return secret.text
