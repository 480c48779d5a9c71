"""The header that SCRAM and OAUTHBEARER begin with, and names as they stand in such messages.

RFC 5802 s7, RFC 7628 s3.1.

Must not know: what the mechanisms do with it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from .base import decode_name, refuse

_BINDING = re.compile(rb"p=([A-Za-z0-9.-]+)")
_STRAY_EQUALS = re.compile(rb"=(?!2C|3D)")


class BindingFlag(StrEnum):
    """What the client says of channel binding (RFC 5802 s6)."""

    ABSENT = "n"  # it has none
    UNOFFERED = "y"  # it has one, and thinks that the server has not
    USED = "p"


@dataclass(frozen=True, slots=True)
class Gs2Header:
    """`binding` is the kind of channel binding, empty where none is used; `acts_as` whom the client wants to act as,
    None where it does not say."""

    flag: BindingFlag
    binding: str = ""
    acts_as: str | None = None

    def encode(self) -> bytes:
        """As it crosses, the comma at its end included."""
        flag = f"{self.flag}={self.binding}" if self.binding else self.flag.value
        acts_as = b"" if self.acts_as is None else b"a=" + encode_saslname(self.acts_as)
        return flag.encode("ascii") + b"," + acts_as + b","


def split_gs2(message: bytes) -> tuple[Gs2Header, bytes]:
    """The header, and what follows it. Raises RemoteProtocolError."""
    parts = message.split(b",", 2)
    if len(parts) != 3:
        raise refuse("the message has no GS2 header")
    flag, acts_as, rest = parts
    if acts_as and not acts_as.startswith(b"a="):
        raise refuse("the GS2 header cannot be read")
    name = decode_saslname(acts_as.removeprefix(b"a=")) if acts_as else None
    if flag in (b"n", b"y"):  # RFC 5802 s5: anything but n, y and p is invalid
        return Gs2Header(BindingFlag(flag.decode("ascii")), acts_as=name), rest
    if found := _BINDING.fullmatch(flag):
        return Gs2Header(BindingFlag.USED, found[1].decode("ascii"), name), rest
    raise refuse("the GS2 header cannot be read")


def decode_saslname(octets: bytes) -> str:
    """A name in which a comma stands as `=2C` and an equals sign as `=3D`. Raises RemoteProtocolError."""
    if b"," in octets or _STRAY_EQUALS.search(octets):  # RFC 5802 s5.1: any other `=` fails the authentication
        raise refuse("the name is not encoded as it must be")
    return decode_name(octets.replace(b"=2C", b",").replace(b"=3D", b"="))


def encode_saslname(name: str) -> bytes:
    """The inverse of decode_saslname."""
    return name.encode("utf-8").replace(b"=", b"=3D").replace(b",", b"=2C")
