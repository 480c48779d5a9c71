"""The words of fetch.toml: what may stand for one of its keys, and what may stand together.

Must not know: which table a key is in.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from postane.net.pins import parse_pin

from .units import Endpoint, expand_user, parse_duration, parse_endpoint

SCHEMES = ("pop3s", "pop3", "pop", "pop2s", "pop2", "pop1s", "pop1", "imaps", "imap")
"""What mail can be fetched by."""

HERE = "until-deleted-here"

KeptFor = bool | float | Literal["until-deleted-here"]
Tls = Literal["implicit", "required", "if-offered", "none"]


def parse_keep(value: object) -> object:
    """true, false, a duration, or "until-deleted-here"."""
    if isinstance(value, bool) or value == HERE:
        return value
    if isinstance(value, str) and value[:1].isdigit() and value[-1:].isalpha():  # 30 alone may be meant as days
        return parse_duration(value)
    raise ValueError(f'{value!r} is not a way to keep mail; write true, false, "30d" or "{HERE}"')


def parse_user_path(value: object) -> object:
    """A path; ~ is the user's home. Absolute: what is known of it is known in whatever folder the next run begins."""
    if isinstance(value, str) and value:
        return expand_user(value).absolute()
    raise ValueError(f"{value!r} is not a path; write a path in quotes")


def parse_login(name: str) -> str:
    """APOP, USER, or a SASL mechanism."""
    from .access import parse_mechanism  # few say how to log in

    return parse_mechanism(name, others=("APOP", "USER"))


def check_place(url: str, schemes: Sequence[str]) -> str:
    """The URL of a mailbox. What is told of a wrong one never repeats what could be a password."""
    from postane.fetching.places import parse_place  # where such URLs are read

    if urlsplit(url).scheme not in schemes:
        usual = [scheme for scheme in schemes if scheme != "pop"]  # RFC 2384 s3 calls pop3 so
        example = "imaps://you@imap.example.org" if usual[0] == "imaps" else "pop3s://you@pop.example.org"
        raise ValueError(f'the URL begins with none of {", ".join(usual)}; write "{example}"')
    if mechanism := parse_place(url).mechanism:
        parse_login(mechanism)
    return url


def check_pin(tls: str | None, pin: str | None) -> None:
    """Who pins a certificate wants to see one."""
    if tls == "none" and pin is not None:
        raise ValueError('tls_pin is for TLS, which tls = "none" forbids: leave one of them out')


def check_tls(url: str, tls: str | None, pin: str | None) -> None:
    """What is asked of TLS beside a URL must be what its protocol can do, and no less than it says itself."""
    from postane.fetching.places import parse_place

    place = parse_place(url)
    is_old = place.protocol in ("pop2", "pop1")
    check_pin("none" if is_old and not place.is_tls else tls, pin)
    if place.is_tls and tls not in (None, "implicit"):
        raise ValueError(f'the URL begins with TLS, which tls = "{tls}" contradicts: leave one of them out')
    if is_old and tls in ("required", "if-offered"):
        name = place.protocol
        raise ValueError(f'{name.upper()} has no STLS: write {name}s:// for TLS from the beginning, or tls = "none"')


def parse_command(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """A command that is one: a shell that is asked for nothing says that all went well."""
    program = value.strip() if isinstance(value, str) else "".join(value[:1])
    if not program or (isinstance(value, str) and program.startswith("#")):
        raise ValueError('this is no command, and mail given to it would be gone; write command = "procmail"')
    return value


def parse_pattern(value: str) -> str:
    """A regular expression."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    return value


def parse_field_name(value: str) -> str:
    """The name of a header field (RFC 5322 s2.2); another one would never fit."""
    if value.rstrip().endswith(":"):
        raise ValueError(f'a field\'s name has no colon: write "{value.rstrip(": ")}"')
    if not value or not all("!" <= letter <= "~" and letter != ":" for letter in value):
        raise ValueError(f'{value!r} is not the name of a header field; write for example "Subject"')
    return value


Command = Annotated[str | tuple[str, ...], AfterValidator(parse_command)]
UserPath = Annotated[Path, BeforeValidator(parse_user_path)]
Keep = Annotated[KeptFor, BeforeValidator(parse_keep)]
FieldName = Annotated[str, AfterValidator(parse_field_name)]
Pattern = Annotated[str, AfterValidator(parse_pattern)]
Server = Annotated[Endpoint, BeforeValidator(parse_endpoint)]
Mechanism = Annotated[str, AfterValidator(parse_login)]
Pin = Annotated[str, AfterValidator(parse_pin)]
