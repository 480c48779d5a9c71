"""The XML that mail programs find an account's settings in (Thunderbird's `config-v1.1.xml`), read with care.

It comes from the network: it is decoded here and not as it wants, it may have no DOCTYPE, and so no entities that
expand. What is not understood in it is passed over.

Must not know: where it came from.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree  # what is parsed has no declarations, so nothing that expands

from postane.net.base import TlsMode

from .base import Address, Method, Service, to_dns

SIZE_LIMIT = 262_144
"""Octets at most; such a file has a few thousand."""

SERVERS_LIMIT = 20

_DECLARATION = re.compile(r"<!(?!--|\[CDATA\[)")
_SERVICES = {each.value: each for each in Service}
_TLS = {"SSL": TlsMode.IMPLICIT, "STARTTLS": TlsMode.REQUIRED, "plain": TlsMode.NONE}
_METHODS = {
    "OAuth2": Method.OAUTH2,
    "password-encrypted": Method.ENCRYPTED,
    "secure": Method.ENCRYPTED,  # the older names
    "password-cleartext": Method.PASSWORD,
    "plain": Method.PASSWORD,
    "TLS-client-cert": Method.CERTIFICATE,
}


@dataclass(frozen=True, slots=True)
class Server:
    """One incoming server of such a file, with an address's own words put in."""

    service: Service
    host: str
    port: int
    tls: TlsMode
    login: str
    methods: tuple[Method, ...]


class BadAutoconfig(Exception):
    """It is not such a file; the text says why."""


def parse_autoconfig(octets: bytes, address: Address) -> list[Server]:
    """Its incoming servers, in its order. Raises BadAutoconfig."""
    if len(octets) > SIZE_LIMIT:
        raise BadAutoconfig("it is too long")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadAutoconfig("it is not UTF-8") from None
    if _DECLARATION.search(text) or "\0" in text:  # which hides a declaration in UTF-16
        raise BadAutoconfig("it has a DOCTYPE or other declarations")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - see above
    except (ElementTree.ParseError, ValueError) as error:
        raise BadAutoconfig(f"it is not XML: {error}") from None
    if root.tag != "clientConfig":
        raise BadAutoconfig("it is not a clientConfig")
    return list(_servers(root, address))[:SERVERS_LIMIT]


def _servers(root: ElementTree.Element, address: Address) -> Iterator[Server]:
    for element in root.iterfind("emailProvider/incomingServer"):
        service = _SERVICES.get(element.get("type", ""))
        host = to_dns(_text(element, "hostname", address))
        port, tls = _text(element, "port", address), _TLS.get(_text(element, "socketType", address))
        login = _text(element, "username", address) or address.text
        said = [(each.text or "").strip() for each in element.iterfind("authentication")]
        methods = tuple(dict.fromkeys(_METHODS[each] for each in said if each in _METHODS))
        is_port = port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) <= 65535
        if (
            service is None
            or host is None
            or tls is None
            or not is_port
            or not login.isprintable()
            or (said and not methods)
        ):
            continue
        yield Server(service, host, int(port), tls, login, methods)


def _text(element: ElementTree.Element, name: str, address: Address) -> str:
    words = (element.findtext(name) or "").strip()
    for mark, value in (
        ("%EMAILADDRESS%", address.text),
        ("%EMAILLOCALPART%", address.local),
        ("%EMAILDOMAIN%", address.domain),
    ):
        words = words.replace(mark, value)
    return words
