"""OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's and Microsoft's, older): an access token crosses.

A token is good for whoever has it, so both are offered only where a password may cross. The `host` and `port` that a
client names are not looked at: behind a proxy they are others than the server's own, and a bearer's token is not bound
to them.

Must not know: what is in a token, who gives them out.
"""

import re
from collections.abc import Callable, Mapping

from postane.wire.errors import LocalProtocolError

from .base import Challenge, Identity, Step, TokenClaim, decode_name, encode_name, encode_password, refuse
from .gs2 import BindingFlag, Gs2Header, split_gs2

_SEPARATOR = b"\x01"
_PAIR = re.compile(rb"([A-Za-z]+)=([\t\r\n -~]*)")  # RFC 7628 s3.1
_BEARER = re.compile(rb"bearer +([!-~]+) *", re.IGNORECASE)  # RFC 7628 s4: the scheme in letters of either case

Reader = Callable[[bytes], tuple[str | None, bytes]]
"""From a message to the name, and what would be the Authorization header of HTTP. Raises RemoteProtocolError."""


class TokenServer:
    """One message. What is refused is answered with the challenge `refusal`, and so is a message without a token."""

    def __init__(self, read: Reader, refusal: bytes) -> None:
        self._read = read
        self._refusal = refusal
        self._is_refused = False

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        """See ServerMechanism."""
        if self._is_refused:  # RFC 7628 s3.2.3: what the client says now only ends the exchange
            raise refuse("no access token was given")
        name, authorization = self._read(response)
        if found := _BEARER.fullmatch(authorization):
            return TokenClaim(name, found[1].decode("ascii"), self._refusal)
        self._is_refused = True  # RFC 7628 s4.3: without a token the client asks what token it would need
        return Challenge(self._refusal)


def make_oauthbearer_server() -> TokenServer:
    """RFC 7628 s3.2.2."""
    return TokenServer(_read_oauthbearer, b'{"status":"invalid_token","schemes":"bearer"}')


def make_xoauth2_server() -> TokenServer:
    """The status is one of HTTP's."""
    return TokenServer(_read_xoauth2, b'{"status":"401","schemes":"bearer"}')


def _read_oauthbearer(message: bytes) -> tuple[str | None, bytes]:
    """RFC 7628 s3.1: `n,a=NAME,` and then pairs, of which `auth` must be one."""
    header, rest = split_gs2(message)
    if header.flag is BindingFlag.USED or not rest.startswith(_SEPARATOR):
        raise refuse("OAUTHBEARER takes a GS2 header without channel binding, and pairs")
    return header.acts_as, _pairs(rest.removeprefix(_SEPARATOR))["auth"]


def _read_xoauth2(message: bytes) -> tuple[str | None, bytes]:
    """`user=NAME` and `auth=Bearer TOKEN`, the name perhaps empty."""
    user, separator, rest = message.partition(_SEPARATOR)
    if not user.startswith(b"user=") or not separator:
        raise refuse("XOAUTH2 takes a user and a token")
    name = user.removeprefix(b"user=")
    return decode_name(name) if name else None, _pairs(rest)["auth"]


class OAuthBearerClient:
    """RFC 7628 s3.1. The challenge that a refusal comes with is answered with %x01 (RFC 7628 s3.2.3)."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def start(self) -> bytes:
        """See ClientMechanism."""
        encode_name(self._identity.name)
        header = Gs2Header(BindingFlag.ABSENT, acts_as=self._identity.name).encode()
        return _SEPARATOR.join((header, _authorization(self._identity), b"", b""))

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        return _SEPARATOR

    def finish(self) -> None:
        """See ClientMechanism."""


class XOAuth2Client:
    """`user=NAME`, `auth=Bearer TOKEN`; the challenge that a refusal comes with is answered with nothing."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def start(self) -> bytes:
        """See ClientMechanism."""
        user = b"user=" + encode_name(self._identity.name)
        return _SEPARATOR.join((user, _authorization(self._identity), b"", b""))

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        return b""

    def finish(self) -> None:
        """See ClientMechanism."""


def _authorization(identity: Identity) -> bytes:
    pair = b"auth=Bearer " + encode_password(identity.secret)
    if not _BEARER.fullmatch(pair.removeprefix(b"auth=")):
        raise LocalProtocolError("the access token is empty, or has characters that none may have")
    return pair


def _pairs(octets: bytes) -> Mapping[str, bytes]:
    """Pairs with a separator after each, and one more at the end; unknown ones are no mistake. `auth` is among them."""
    texts = octets.split(_SEPARATOR)
    pairs = {pair[1].decode("ascii"): pair[2] for pair in map(_PAIR.fullmatch, texts[:-2]) if pair}
    if texts[-2:] != [b"", b""] or len(pairs) != len(texts) - 2 or "auth" not in pairs:  # none may be there twice
        raise refuse("the message cannot be read as pairs with a separator after each, and auth among them")
    return pairs
