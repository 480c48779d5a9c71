"""What another server keeps of a password, in Dovecot's notation, and which proofs that can check.

`{SCHEME}value`, or a value alone of a scheme that is named elsewhere: every hash that `imported` reads, clear text
(`{PLAIN}`), SCRAM keys (`{SCRAM-SHA-256}iterations,salt,stored key,server key`) and the states of CRAM-MD5. Nothing is
ever written here: what is kept stays as it is.

Must not know: accounts, files, the event loop. What is slow says so: call it in a thread.
"""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass, field

from postane.sasl.base import KeyPair, Means, ScramDigest, ScramKeys
from postane.sasl.scram import derive_pair

from . import hashes, imported
from .cram_context import CramContext
from .devices import is_same
from .imported import PLAIN_SCHEMES, HashError

SCRAM_SCHEMES = {"SCRAM-SHA-1": ScramDigest.SHA_1, "SCRAM-SHA-256": ScramDigest.SHA_256}
CRAM_SCHEMES = frozenset({"CRAM-MD5", "HMAC-MD5"})
SCRAM_MEANS = {ScramDigest.SHA_1: Means.SCRAM_SHA_1, ScramDigest.SHA_256: Means.SCRAM_SHA_256}

ITERATIONS_LIMIT = 1_000_000
"""SCRAM's; a password is checked against such keys too, and a line must not stop the server."""

_ALIASES = {"SHA1": "SHA"}
_TAGGED = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9.-]*)\}(.*)", re.DOTALL)
_COST = re.compile(r"\$(?:argon2\w+\$(?:v=\d+\$)?[^$]*|2[aby]\$\d\d|[56]\$(?:rounds=\d+)?|1)")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one password: `text` as it was found, and one of the others; none of them fits no password."""

    text: str = field(default="", repr=False)
    password: str | None = field(default=None, repr=False)
    hash: str | None = field(default=None, repr=False)
    scram: tuple[ScramDigest, ScramKeys] | None = None
    cram: CramContext | None = field(default=None, repr=False)

    @property
    def means(self) -> frozenset[Means]:
        """What can be checked against it."""
        if self.password is not None:
            return frozenset({Means.PASSWORD, Means.SECRET, *SCRAM_MEANS.values()})
        if self.scram is not None:
            return frozenset({Means.PASSWORD, SCRAM_MEANS[self.scram[0]]})
        if self.cram is not None:
            return frozenset({Means.PASSWORD, Means.SECRET})  # CRAM-MD5 alone, APOP is beyond it
        return frozenset({Means.PASSWORD}) if self.hash is not None else frozenset()

    @property
    def cost(self) -> str:
        """What kind of work it is to check a password: the same word for the same work, empty where it is next to
        none."""
        if self.scram is not None:
            return f"{self.scram[0]} {self.scram[1].iterations}"
        found = _COST.match(self.hash or "")
        return "cram" if self.cram is not None else found[0] if found else ""


def schemes() -> list[str]:
    """The schemes that can be read."""
    return [*imported.schemes(), *SCRAM_SCHEMES, "CRAM-MD5"]


def check_scheme(scheme: str) -> str:
    """A scheme in capitals. Raises HashError where it is not known."""
    name = scheme.upper()
    known = {*schemes(), *PLAIN_SCHEMES, *CRAM_SCHEMES, *_ALIASES}
    if name.removesuffix(".B64").removesuffix(".HEX") not in known:
        raise HashError(f"{scheme!r} is no scheme: there are {', '.join(schemes())}")
    return name


def parse_kept(text: str, scheme: str) -> Kept:
    """Read what is kept, of `scheme` where it does not say. Raises HashError, which never repeats it."""
    if not text:
        return Kept()
    found = _TAGGED.fullmatch(text)
    named, value = (found[1].upper(), found[2]) if found else (scheme, text)
    if named in PLAIN_SCHEMES:
        return Kept(text, password=_parse_plain(value))
    if named in SCRAM_SCHEMES:
        return Kept(text, scram=(SCRAM_SCHEMES[named], _parse_scram(value, SCRAM_SCHEMES[named])))
    if named in CRAM_SCHEMES:
        return Kept(text, cram=_parse_cram(value))
    first, dot, encoding = named.partition(".")
    try:
        credential = imported.parse(f"{{{_ALIASES.get(first, first)}{dot}{encoding}}}{value}")
    except imported.UnknownKind:
        raise HashError(f"hashes of this kind cannot be read; known are {', '.join(schemes())}") from None
    return Kept(text, hash=credential.hash)


def fits(kept: Kept, password: str) -> bool:
    """Whether a password is the one that something is kept of. As slow as its kind asks for."""
    octets = hashes.octets_of(password)
    if kept.hash is not None:
        return hashes.verify(kept.hash, password)
    if b"\0" in octets:  # HMAC fills its key up with them: with and without is the same to SCRAM and CRAM-MD5
        return False
    if kept.scram is not None:
        digest, keys = kept.scram
        return is_same(derive_pair(octets, keys.salt, keys.iterations, digest).stored_key, keys.pairs[0].stored_key)
    if kept.cram is not None:
        return is_same(CramContext.of(octets).octets(), kept.cram.octets())
    return kept.password is not None and is_same(hashes.octets_of(kept.password), octets)


def _parse_plain(value: str) -> str:
    if not value:
        raise HashError("the password is empty")
    try:
        return hashes.checked(value, is_stored=True)
    except hashes.BadPassword as error:
        raise HashError(str(error)) from None


def _parse_scram(value: str, digest: ScramDigest) -> ScramKeys:
    name = next(scheme for scheme, each in SCRAM_SCHEMES.items() if each is digest)
    parts = value.split(",")
    size = {ScramDigest.SHA_1: 20, ScramDigest.SHA_256: 32}[digest]
    try:
        iterations = int(parts[0]) if parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 10 else 0
        salt, stored, server = (b64decode(part, validate=True) for part in parts[1:])
    except (binascii.Error, ValueError):
        raise HashError(f"the {{{name}}} keys are damaged: they are ITERATIONS,SALT,STORED,SERVER") from None
    if not 1 <= iterations <= ITERATIONS_LIMIT:
        raise HashError(f"the {{{name}}} keys have too many iterations, or none: {ITERATIONS_LIMIT} is the most")
    if not salt or len(stored) != size or len(server) != size:
        raise HashError(f"the {{{name}}} keys are damaged: each key has {size} octets")
    return ScramKeys(salt, iterations, (KeyPair(stored, server),))


def _parse_cram(value: str) -> CramContext:
    try:
        return CramContext.parse(bytes.fromhex(value))
    except ValueError:
        raise HashError("the {CRAM-MD5} value is damaged: it is of 64 hexadecimal digits") from None
