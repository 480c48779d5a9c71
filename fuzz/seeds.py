"""Where fuzzing begins: what the peers say in tests/transcripts, a few messages and files, and words that matter."""

from pathlib import Path

from drive import FLOOD_FROM, HEAD
from proxy_target import SEEDS as PROXY_HEADERS
from sasl_target import sasl_seeds
from support.transcript import Who, read_transcript
from tls_target import tls_seeds
from token_target import key_seeds, token_seeds

TRANSCRIPTS = Path(__file__).resolve().parent.parent / "tests" / "transcripts"

WORDS = [
    *(b"\r\n", b"\n", b"\r", b".", b"\r\n.\r\n", b"\0", b"\xff", b" ", b"\\", b"<", b">", b"@", b'"', b"*", b"="),
    *(b"+OK\r\n", b"-ERR\r\n", b"+ \r\n", b"+ AAAA\r\n", b"#3\r\n", b"=5\r\n", b"- no\r\n", b"x" * 254, b"x" * 510),
    *(b"\n" + b"x" * length + b"\r\n" for length in (252, 253, 254, 509, 510, 511)),  # lines at their limits
    *(b"AUTH PLAIN AAAA\r\n", b"BDAT 3 LAST\r\n", b"BDAT 0\r\n", b"99999999999999999999", b"-1", b"\xd9\xa3"),
    *(
        b"From ",
        b">From ",
        b"Subject: \xc3\xbc\r\n",
        b"From: \xc3\xbc <a@b>\r\n",
        b"\r\n ",
        b"From a Thu Jan  1 00:00:00 ",
    ),
    *(b"\xc3\xbc", b"[IPv6:::1]", b"=?utf-8?q?a?="),
    *(b"[[", b"]]", b'"""', b"= {", b"[", b"]", b"kind = ", b"-inf", b"'''"),
    *(b"PROXY ", b"TCP4 ", b"UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", b"\x20\0\x05\1", b"\x21\0\x02"),
    *(b"\x03\0\x04", b"\x20\0\x05\1\0\0\0\0"),
    *(b"n,,", b"y,,", b"p=tls-exporter,,", b"a=", b",p=", b"m=", b"=2C", b"=3D", b",", b"c=biws", b"\x01", b"auth="),
    *(b"auth=Bearer x", b"user=", b"serversxx", b"\n"),
]

_MESSAGES = [
    b'From: =?x <a@b>, \xc3\xbc: \xc3\xbc@b;\r\nContent-Type: text/plain; name="\xc3\xbc\\""\r\n\r\nbody \xc3\xbc\r\n',
    b"Return-Path: <\xc3\xbc@x>\r\nSubject: a\r\n \xff\xfe\r\n\xc3\xbc\r\n\r\n.x\r\n",
    b"From a Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n\r\n>From b\r\n\r\nFrom  Thu Jan  1 00:00:01 1970\r\n\r\n",
]
_ADDRESSES = [
    b'"a\\"b"@example.org',
    b"@a,@b:c@d",
    b"a.b+c@[192.0.2.1]",
    b"x@[IPv6:2001:db8::1]",
    b"<>",
    b"<p@q> SIZE=1",
]

_CONFIGS = [
    b'hostname = "a.example"\n[pop3]\nlisten = ["0.0.0.0:110", "unix:/a"]\n[limits]\nidle = "10m"\nmessage = "5MB"\n',
    b'[tls]\ncertificate = "a"\nkey = "k"\nclient_ca = "c"\nclient_certificates = "optional"\n[[tls.sni]]\nkey = "x"\n',
    b'[[accounts]]\nkind = "local"\n[[accounts]]\nkind = "passwd-file"\npath = "p"\n[[accounts]]\nkind = "pam"\n',
    b'accounts = [{ kind = "ldap", url = "u", base = """b\n[x]\n""" }]\nproxy.trusted = ["192.0.2.0/24"]\n# [no]\n',
    b'[[accounts]]\nkind = "oauth"\njwks = "https://h/"\nissuer = "i"\naudience = "a"\n[auth]\nlockout = 1_0.5\n',
]


def seeds(target: str) -> list[bytes]:
    """The inputs from which those of a target are made, always the same ones."""
    protocol, _, side = target.partition("_")
    if protocol == "sasl":
        found = sasl_seeds(target)
    elif protocol == "tls":
        found = tls_seeds(target)
    elif side not in ("server", "client"):
        own = {"address": _ADDRESSES, "config": _CONFIGS, "token": token_seeds(), "jwks": key_seeds()}
        own["proxy_protocol"] = PROXY_HEADERS
        found = own.get(target) or [*_MESSAGES, *_said("smtp", Who.CLIENT)]
    else:
        found = _said(protocol.replace("lmtp", "smtp"), Who.CLIENT if side == "server" else Who.SERVER)
    flood = [bytes(HEAD - 1) + b"\xff", bytes(HEAD - 1) + b"\xff" + found[0]]
    heads = [bytes([number % 256, number // 256, number % 7, number % FLOOD_FROM]) for number in range(len(found))]
    return flood + [head + octets for head, octets in zip(heads, found, strict=True)]


def _said(folder: str, who: Who) -> list[bytes]:
    scripts = sorted((TRANSCRIPTS / folder).glob("*.txt"))
    end = b"\r\n" if who is Who.SERVER else b""
    return [b"".join(turn.octets + end for turn in read_transcript(each) if turn.who is who) for each in scripts]
