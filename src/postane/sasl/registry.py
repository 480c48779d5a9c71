"""The mechanisms that there are, in the order of preference, and what each of them needs.

Must not know: which of them are offered where.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from .base import ClientMechanism, Identity, Means, ScramDigest, ServerMechanism, Surroundings
from .cram import CramClient, CramServer
from .external import ExternalClient, ExternalServer
from .oauth import OAuthBearerClient, XOAuth2Client, make_oauthbearer_server, make_xoauth2_server
from .plain import LoginClient, LoginServer, PlainClient, PlainServer
from .scram import ScramClient, ScramServer


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How an exchange is begun, what it needs of the account store, and of the connection."""

    make: Callable[[Surroundings], ServerMechanism]
    means: Means
    needs_binding: bool = False


SERVER_MECHANISMS: Mapping[str, Mechanism] = {
    "SCRAM-SHA-256-PLUS": Mechanism(partial(ScramServer, ScramDigest.SHA_256, is_plus=True), Means.SCRAM_SHA_256, True),
    "SCRAM-SHA-1-PLUS": Mechanism(partial(ScramServer, ScramDigest.SHA_1, is_plus=True), Means.SCRAM_SHA_1, True),
    "SCRAM-SHA-256": Mechanism(partial(ScramServer, ScramDigest.SHA_256, is_plus=False), Means.SCRAM_SHA_256),
    "SCRAM-SHA-1": Mechanism(partial(ScramServer, ScramDigest.SHA_1, is_plus=False), Means.SCRAM_SHA_1),
    "EXTERNAL": Mechanism(lambda _: ExternalServer(), Means.OUTSIDE),
    "OAUTHBEARER": Mechanism(lambda _: make_oauthbearer_server(), Means.TOKEN),
    "XOAUTH2": Mechanism(lambda _: make_xoauth2_server(), Means.TOKEN),
    "PLAIN": Mechanism(lambda _: PlainServer(), Means.PASSWORD),
    "LOGIN": Mechanism(lambda _: LoginServer(), Means.PASSWORD),
    "CRAM-MD5": Mechanism(lambda surroundings: CramServer(surroundings.stamp), Means.SECRET),
}
"""By the mechanism's registered name; the first is what a client should prefer.

CRAM-MD5 is the last although it hides the secret: only device passwords can answer it, and where PLAIN is offered too
(under TLS) a client that takes the first it knows fails less often with that.
"""

CLIENT_MECHANISMS: Mapping[str, Callable[[Identity], ClientMechanism]] = {
    "SCRAM-SHA-256-PLUS": partial(ScramClient, ScramDigest.SHA_256, is_plus=True),
    "SCRAM-SHA-1-PLUS": partial(ScramClient, ScramDigest.SHA_1, is_plus=True),
    "SCRAM-SHA-256": partial(ScramClient, ScramDigest.SHA_256, is_plus=False),
    "SCRAM-SHA-1": partial(ScramClient, ScramDigest.SHA_1, is_plus=False),
    "EXTERNAL": ExternalClient,
    "OAUTHBEARER": OAuthBearerClient,
    "XOAUTH2": XOAuth2Client,
    "PLAIN": PlainClient,
    "LOGIN": LoginClient,
    "CRAM-MD5": CramClient,
}
"""The clients' side of the same; what each of them needs is said above."""

CLEAR_TEXT = frozenset({Means.PASSWORD, Means.TOKEN})
"""What whoever listens on the wire could use again: it crosses only where a password may."""
