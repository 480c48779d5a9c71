"""Connections of a client: the fastest address, TLS from the beginning, and what is said when there is none."""

import asyncio
import hashlib
import socket
import ssl
from datetime import UTC, datetime

import pytest

from postane.net import dial as module
from postane.net.base import LinkLost, Target, TlsMode, TlsPolicy, TooSlow, Unreachable, Untrusted
from postane.net.client_tls import named
from postane.net.dial import dial
from postane.net.distrust import no_tls
from postane.net.self_signed import self_signed
from postane.net.stream import Peer
from postane.net.tls import Certificate
from support.certificates import LOCALHOST, Authority, Wish, der
from support.loops import on_both_loops
from support.scripted import echo, saying, server_context, serving, shaking

CLEAR = TlsPolicy(TlsMode.NONE)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Certificate:
    return authority.issue("own", LOCALHOST)


def implicit(port: int, host: str = "localhost", **asked) -> Target:
    return Target(host, port, TlsPolicy(TlsMode.IMPLICIT, **asked), timeout=30)


def digest(certificate: Certificate) -> str:
    return hashlib.sha256(der(certificate.chain)).hexdigest()


async def refused(target: Target, why: type[Exception] = Untrusted) -> str:
    """What is said when no connection comes of it."""
    with pytest.raises(why) as caught:
        await dial(target)
    return str(caught.value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


# Reaching


@on_both_loops
async def test_where_nothing_listens():
    port = free_port()
    words = await refused(Target("127.0.0.1", port, CLEAR), Unreachable)
    assert words == f"cannot connect to 127.0.0.1:{port}: nothing listens there (connection refused)"


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "nul\0"])
@on_both_loops
async def test_names_that_no_host_can_have(host):
    assert "cannot connect to" in await refused(Target(host, 110, CLEAR), Unreachable)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (socket.EAI_NONAME, "cannot connect to pop.test:110: there is no host of this name"),
        (socket.EAI_AGAIN, "cannot connect to pop.test:110: the name cannot be looked up now"),
    ],
)
async def test_names_that_are_not_found(monkeypatch, code, words):
    async def fail(*_, **__):
        raise socket.gaierror(code, "in the resolver's words")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    assert await refused(Target("pop.test", 110, CLEAR), Unreachable) == words


@on_both_loops
async def test_no_such_unix_socket(tmp_path):
    path = str(tmp_path / "none")
    words = await refused(Target("", 0, CLEAR, path=path), Unreachable)
    assert words == f"cannot connect to unix:{path}: there is no such socket"


async def test_a_system_without_unix_sockets(monkeypatch):
    async def lack(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_unix_connection", lack)
    assert "has no unix sockets" in await refused(Target("", 0, CLEAR, path="/none"), Unreachable)


def resolve_to(monkeypatch, *places: tuple[str, int]) -> None:
    async def answer(*_, **__):
        found = []
        for host, port in places:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            address = (host, port, 0, 0) if ":" in host else (host, port)
            found.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address))
        return found

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)


async def test_an_address_that_refuses_is_no_reason_to_wait(monkeypatch):
    async with serving(echo) as port:
        resolve_to(monkeypatch, ("127.0.0.2", free_port()), ("127.0.0.1", port))
        link = await dial(Target("pop.test", port, CLEAR))
        assert link.peer == Peer("127.0.0.1", port)
        await link.close()


async def test_an_address_that_is_silent_is_not_waited_for(monkeypatch):
    """RFC 8305 s5: the next one is tried beside it, and what is left is closed."""
    real, silent = module._try, []

    async def attempt(address):
        if address[2][0] == "192.0.2.1":
            silent.append(address)
            try:
                await asyncio.sleep(3600)
            finally:
                silent.append("ended")
        return await real(address)

    async with serving(echo) as port:
        resolve_to(monkeypatch, ("192.0.2.1", port), ("127.0.0.1", port))
        monkeypatch.setattr(module, "_try", attempt)
        link = await dial(Target("pop.test", port, CLEAR))
        assert link.peer == Peer("127.0.0.1", port)
        await asyncio.sleep(0)
        assert silent[1:] == ["ended"]
        await link.close()


async def test_each_reason_is_told_once(monkeypatch):
    async def fail(address):
        raise ConnectionRefusedError if address[2][0] != "192.0.2.2" else OSError(101, "Network is unreachable")

    resolve_to(monkeypatch, ("192.0.2.1", 110), ("192.0.2.2", 110), ("192.0.2.3", 110))
    monkeypatch.setattr(module, "_try", fail)
    assert await refused(Target("pop.test", 110, CLEAR), Unreachable) == (
        "cannot connect to pop.test:110: 192.0.2.1, 192.0.2.3: nothing listens there (connection refused);"
        " 192.0.2.2: network is unreachable"
    )


async def test_nobody_answers_at_all(monkeypatch):
    async def wait(_):
        await asyncio.sleep(3600)

    resolve_to(monkeypatch, ("192.0.2.1", 110))
    monkeypatch.setattr(module, "_try", wait)
    with pytest.raises(TooSlow, match=r"pop\.test:110 does not answer within"):
        await dial(Target("pop.test", 110, CLEAR, timeout=0.1))


def test_families_take_turns():
    four, six = socket.AF_INET, socket.AF_INET6
    found = [(six, 6, ("a",)), (six, 6, ("b",)), (six, 6, ("a",)), (four, 6, ("c",)), (six, 6, ("d",))]
    assert [address[2][0] for address in module._in_turn(found)] == ["a", "c", "b", "d"]


# TLS from the beginning


@pytest.mark.parametrize(
    ("host", "name"),
    [("pop.test.", "pop.test"), ("[::1]", "::1"), ("fe80::1%eth0", "fe80::1"), ("0:0::1", "::1"), ("pop", "pop")],
)
def test_hosts_as_certificates_name_them(host, name):
    assert named(host) == name


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@on_both_loops
async def test_whom_an_authority_has_signed_is_believed(authority, own, version, host):
    async with serving(echo, server_context(own, version)) as port:
        link = await dial(implicit(port, host, authority=authority.path))
        assert link.tls.version == version.name.replace("_", ".")
        assert (link.certificate.subject, link.certificate.issuer) == ("CN=localhost", "CN=authority")
        assert link.is_private
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


async def test_a_certificate_that_is_its_own_authority(tmp_path, own):
    """Whoever is given as an authority is believed, be it one or not."""
    async with serving(echo, server_context(own)) as port:
        link = await dial(implicit(port, authority=own.chain))
        await link.close()


async def test_nobody_knows_the_authority(own):
    async with serving(echo, server_context(own)) as port:
        assert await refused(implicit(port)) == (
            "the certificate of localhost is not believed: unable to get local issuer certificate; give its authority"
            f" (tls_ca) or pin it (tls_pin): sha256:{digest(own)}"
        )


async def test_self_signed(tmp_path):
    alone = self_signed(tmp_path / "alone", "localhost", datetime.now(UTC))
    async with serving(echo, server_context(alone)) as port:
        words = await refused(implicit(port))
    assert words == (
        "the certificate of localhost is not believed: self-signed certificate; give its authority (tls_ca) or pin it"
        " (tls_pin):"
        f" sha256:{digest(alone)}"
    )


async def test_expired(authority):
    old = authority.issue("old", Wish(common="localhost", dns=("localhost",), begins=-20, ends=-10))
    async with serving(echo, server_context(old)) as port:
        words = await refused(implicit(port, authority=authority.path))
    assert "is not believed: it has expired on " in words
    assert f"its owner has to renew it, until then pin it (tls_pin): sha256:{digest(old)}" in words


async def test_not_valid_yet(authority):
    early = authority.issue("early", Wish(common="localhost", dns=("localhost",), begins=5))
    async with serving(echo, server_context(early)) as port:
        words = await refused(implicit(port, authority=authority.path))
    assert words.endswith("it is not valid yet; is the clock of this machine right?")


async def test_for_another_name(authority):
    other = authority.issue("other", Wish(common="other", dns=("mail.example.org", "pop.example.org")))
    async with serving(echo, server_context(other)) as port:
        words = await refused(implicit(port, authority=authority.path))
    assert (
        "it is for mail.example.org, pop.example.org; connect by a name that it is for, or pin it (tls_pin): sha256:"
        in words
    )


async def test_too_old(authority, own):
    async with serving(shaking(server_context(own, ssl.TLSVersion.TLSv1_2))) as port:
        words = await refused(implicit(port, authority=authority.path, minimum="1.3"))
        assert words.endswith("speaks no TLS that is new enough: 1.3 is the oldest that is taken (tls_minimum)")


async def test_a_version_that_nobody_knows():
    async with serving(echo) as port:
        assert "minimum is 1.2 or 1.3" in await refused(implicit(port, minimum="1.1"))


@pytest.mark.parametrize("greeting", [b"+OK ready\r\n", b"* OK ready\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0"])
@on_both_loops
async def test_a_server_that_speaks_no_tls(greeting):
    async with serving(saying(greeting)) as port:
        words = await refused(implicit(port))
        assert "does not speak TLS on this port; try STLS" in words


def test_the_port_to_try_instead():
    assert "try STLS on port 110, which is a URL without the s" in no_tls(implicit(995))
    assert "try STARTTLS on port 143, which is a URL without the s" in no_tls(implicit(993))


@on_both_loops
async def test_a_server_that_closes_at_once():
    async def leave(reader, writer):
        await reader.read(1)

    async with serving(leave) as port:
        with pytest.raises(LinkLost):
            await dial(implicit(port))


async def test_no_cipher_in_common(authority, own):
    context = server_context(own, ssl.TLSVersion.TLSv1_2, "AES256-CCM")
    async with serving(shaking(context)) as port:
        words = await refused(implicit(port, authority=authority.path))
    assert "refuses the TLS handshake: no cipher in common" in words


# Pins


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@on_both_loops
async def test_a_pin_takes_the_place_of_name_dates_and_issuer(authority, host):
    old = authority.issue("pinned", Wish(common="elsewhere", dns=("elsewhere.test",), begins=-20, ends=-10))
    async with serving(echo, server_context(old)) as port:
        link = await dial(implicit(port, host, pin=digest(old)))
        assert link.certificate.digest == digest(old)
        await link.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@on_both_loops
async def test_another_certificate_than_the_pinned_one_hears_nothing(authority, own, version):
    """Not even where its authority is believed."""
    heard = []

    async def listen(reader, writer):
        heard.append(await reader.read(1))

    async with serving(listen, server_context(own, version)) as port:
        words = await refused(implicit(port, pin="0" * 64, authority=authority.path))
    assert f"is not the pinned one: it is sha256:{digest(own)}" in words
    assert heard in ([], [b""])


async def test_no_check_at_all_where_somebody_asked_for_it(own):
    async with serving(echo, server_context(own)) as port:
        link = await dial(implicit(port, is_checked=False))
        assert link.certificate.digest == digest(own)
        await link.close()


# Certificates of the client's own


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@on_both_loops
async def test_a_certificate_of_ones_own_is_shown(authority, own, version):
    mine = authority.issue("mine", Wish(common="mrose", is_for_clients=True))
    context = server_context(own, version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    async with serving(echo, context) as port:
        target = implicit(port, authority=authority.path, certificate=mine.chain, key=mine.key)
        link = await dial(target)
        link.write(b"one")
        assert await link.read() == b"one"
        await link.close()


async def test_a_server_that_wants_one_says_so_late_in_tls_13(authority, own):
    context = server_context(own, ssl.TLSVersion.TLSv1_3)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    async with serving(shaking(context)) as port:
        link = await dial(implicit(port, authority=authority.path))
        with pytest.raises(LinkLost, match="wants a certificate of the client"):
            await link.read()


async def test_files_that_cannot_be_used_are_named(tmp_path, own):
    empty, none = tmp_path / "empty.pem", tmp_path / "none.pem"
    empty.write_text("nothing")
    async with serving(echo, server_context(own)) as port:
        assert str(empty) in await refused(implicit(port, authority=empty))
        assert str(none) in await refused(implicit(port, authority=none))
        assert str(none) in await refused(implicit(port, certificate=none))
        assert str(own.chain) in await refused(implicit(port, certificate=own.chain))  # there is no key in it


@on_both_loops
async def test_cancelled_at_whatever_moment_it_leaves_no_socket_open():
    """A connection that stands a moment before the cancellation is closed too, and not when somebody tidies up."""
    made = []

    class Watched(socket.socket):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    async with serving(echo) as port:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("postane.net.dial.socket.socket", Watched)
            for turns in range(40):
                task = asyncio.create_task(dial(Target("127.0.0.1", port, CLEAR)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                link = (await asyncio.gather(task, return_exceptions=True))[0]
                if not isinstance(link, asyncio.CancelledError):
                    link.abort()
                for _ in range(5):
                    await asyncio.sleep(0)
    assert made
    assert [each for each in made if each.fileno() >= 0] == []
