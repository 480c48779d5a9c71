"""The XML of an account's settings, and what somebody may put into it instead."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.discovery.autoconfig import SERVERS_LIMIT, SIZE_LIMIT, BadAutoconfig, Server, parse_autoconfig
from postane.discovery.base import Method, Service, parse_address
from postane.net.base import TlsMode

ADDRESS = parse_address("mrose@example.org")


def server(kind="pop3", host="pop.example.org", port="995", socket="SSL", user="%EMAILADDRESS%", auth=("OAuth2",)):
    said = "".join(f"<authentication>{each}</authentication>" for each in auth)
    return (
        f'<incomingServer type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{socket}</socketType><username>{user}</username>{said}</incomingServer>"
    )


def config(*servers):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- settings --><clientConfig version="1.1">'
        '<emailProvider id="example.org"><domain>example.org</domain>' + "".join(servers) + "</emailProvider>"
        "<webMail><loginPage url='https://x/'/></webMail></clientConfig>"
    ).encode()


def parsed(*servers):
    return parse_autoconfig(config(*servers), ADDRESS)


def test_a_whole_one():
    outgoing = '<outgoingServer type="smtp"><hostname>smtp.example.org</hostname></outgoingServer>'
    found = parsed(
        server("imap", "imap.%EMAILDOMAIN%", "993", auth=("OAuth2", "password-cleartext")),
        server("pop3", "pop.example.org", "110", "STARTTLS", "%EMAILLOCALPART%", ("password-encrypted",)),
        outgoing,
        server("pop3", "pop.example.org", "110", "plain", "x-%EMAILLOCALPART%@%EMAILDOMAIN%", ()),
    )
    methods = (Method.OAUTH2, Method.PASSWORD)
    assert found == [
        Server(Service.IMAP, "imap.example.org", 993, TlsMode.IMPLICIT, "mrose@example.org", methods),
        Server(Service.POP3, "pop.example.org", 110, TlsMode.REQUIRED, "mrose", (Method.ENCRYPTED,)),
        Server(Service.POP3, "pop.example.org", 110, TlsMode.NONE, "x-mrose@example.org", ()),
    ]


def test_methods_that_nobody_knows_are_passed_over():
    (found,) = parsed(server(auth=("NTLM", "GSSAPI", "plain", "secure", "password-cleartext", "TLS-client-cert")))
    assert found.methods == (Method.PASSWORD, Method.ENCRYPTED, Method.CERTIFICATE)
    assert parsed(server(auth=("NTLM", "client-IP-address"))) == []


def test_no_user_name_is_the_address():
    (found,) = parsed(server(user=" "))
    assert found.login == "mrose@example.org"


@pytest.mark.parametrize(
    "bad",
    [
        server("exchange"),
        server(host=""),
        server(host="a b"),
        server(host="pop.example.org/evil"),
        server(host="192.0.2.1:99"),
        server(port=""),
        server(port="0"),
        server(port="65536"),
        server(port="-1"),
        server(port="٩٩٥"),
        server(port="9" * 5000),
        server(socket="TLS?"),
        server(user="a&#10;QUIT"),
        '<incomingServer type="pop3"/>',
        "<incomingServer/>",
    ],
)
def test_a_server_that_cannot_be_used_is_passed_over(bad):
    assert [each.host for each in parsed(bad, server())] == ["pop.example.org"]


def test_there_are_not_too_many():
    assert len(parsed(*[server()] * (SERVERS_LIMIT + 5))) == SERVERS_LIMIT


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<clientConfig>&b;</clientConfig>"""


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (BOMB, "DOCTYPE"),
        (b'<!doctype html><html><a href="x">', "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><clientConfig/>', "DOCTYPE"),
        (BOMB.decode().encode("utf-16"), "not UTF-8"),
        (BOMB.decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16-le"), "DOCTYPE"),
        (b"+ADwAIQ-DOCTYPE", "not XML"),
        (b"", "not XML"),
        (b"<clientConfig>", "not XML"),
        (b"<clientConfig>&a;</clientConfig>", "not XML"),
        (b"<clientConfig>\0</clientConfig>", "declarations"),
        (b"<html></html>", "not a clientConfig"),
        (b"\xff\xfe", "not UTF-8"),
        (b" " * (SIZE_LIMIT + 1), "too long"),
    ],
)
def test_what_is_none(octets, words):
    with pytest.raises(BadAutoconfig, match=words):
        parse_autoconfig(octets, ADDRESS)


@pytest.mark.parametrize("encoding", ["UTF-7", "ISO-8859-1", "EBCDIC-CP-US", "nothing"])
def test_an_encoding_that_is_declared_changes_nothing(encoding):
    octets = config(server(user="ü")).replace(b"UTF-8", encoding.encode())
    assert [each.login for each in parse_autoconfig(octets, ADDRESS)] == ["ü"]


def test_a_deep_one_is_read_or_refused():
    depth = 30_000
    octets = b"<clientConfig>" + b"<a>" * depth + b"</a>" * depth + b"</clientConfig>"
    assert parse_autoconfig(octets, ADDRESS) == []


def test_a_bom_and_cdata():
    octets = b"\xef\xbb\xbf" + config(server(host="<![CDATA[pop.example.org]]>"))
    assert [each.host for each in parse_autoconfig(octets, ADDRESS)] == ["pop.example.org"]


@given(st.binary(max_size=200) | st.text(alphabet='<>&;!-[]/ abDOCTYPE"=').map(str.encode))
def test_any_octets_are_read_or_refused(octets):
    with contextlib.suppress(BadAutoconfig):
        assert isinstance(parse_autoconfig(b"<clientConfig>" + octets, ADDRESS), list)
