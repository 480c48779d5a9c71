"""PLAIN (RFC 4616) and LOGIN (never standardised, still spoken): the password itself crosses.

Must not know: whether it may cross; who offers the mechanism has seen to that.
"""

from .base import (
    Challenge,
    Identity,
    PasswordClaim,
    Step,
    decode_name,
    decode_password,
    encode_name,
    encode_password,
    refuse,
)


class PlainServer:
    """RFC 4616 s2: one message, `[authzid] NUL authcid NUL passwd`."""

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> PasswordClaim:
        """See ServerMechanism."""
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise refuse("PLAIN takes three parts with a NUL between them")
        authorization, name, password = parts
        if authorization not in (b"", name):  # RFC 4616 s2: to act as somebody else is a right that nobody has here
            raise refuse("acting for another user is not possible here")
        return PasswordClaim(decode_name(name), decode_password(password))


class LoginServer:
    """Two questions: the name, then the password. An initial response is the name."""

    def __init__(self) -> None:
        self._name: str | None = None

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"Username:") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        """See ServerMechanism."""
        if self._name is None:
            self._name = decode_name(response)
            return Challenge(b"Password:")
        return PasswordClaim(self._name, decode_password(response))


class PlainClient:
    """RFC 4616 s2: acts as whom it is."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def start(self) -> bytes:
        """See ClientMechanism."""
        return b"\0" + encode_name(self._identity.name) + b"\0" + encode_password(self._identity.secret)

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        raise refuse("PLAIN has no challenge")

    def finish(self) -> None:
        """See ClientMechanism."""


class LoginClient:
    """Answers two questions, whatever their words."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._questions = 0

    def start(self) -> None:
        """See ClientMechanism. The name is left for the question: not every server takes it before."""

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        self._questions += 1
        if self._questions == 1:
            return encode_name(self._identity.name)
        if self._questions == 2:
            return encode_password(self._identity.secret)
        raise refuse("LOGIN has two questions")

    def finish(self) -> None:
        """See ClientMechanism."""
