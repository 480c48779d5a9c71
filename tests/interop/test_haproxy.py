"""A real HAProxy in front: both versions of the PROXY protocol, TLS that ends at it and TLS that goes through it."""

import json
import poplib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.certificates import Authority, Wish
from support.corpus import corpus
from support.haproxy import Haproxy, Way
from support.post import SENDER, read_all
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk, log_in

pytestmark = pytest.mark.interop

CLIENT = "127.0.9.7"
"""The client's address as HAProxy sees it; HAProxy's own is 127.0.0.1."""

FAR, FARTHER = "203.0.113.5", "2001:db8:113::5"
SETTINGS = {
    "proxy": {"trusted": ["127.0.0.1"]},
    "pop3s": {"listen": ["127.0.0.1:0"]},
    "smtps": {"listen": ["127.0.0.1:0"]},
    "tls": {"client_name": "common-name"},
    "limits": {"per_address": 4, "login": "5s"},
    "log": {"level": "debug"},
}
V1, V2, V2_SSL = "send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher,crc32c"
TELLING = [V1, V2, "send-proxy-v2-ssl"]


def _ways(office: PostOffice, folder: Path) -> dict[str, Way]:
    authority = Authority(folder)
    server = authority.issue("server", Wish("localhost", dns=["localhost"]))
    both = folder / "both.pem"
    both.write_text(server.chain.read_text() + server.key.read_text())
    ends = f"ssl crt {both} ca-file {authority.path} verify optional"
    pop3, smtp = office.pop3, office.smtp
    return {
        **{f"pop3 {how}": Way(pop3, how) for how in TELLING},
        **{f"smtp {how}": Way(smtp, how) for how in TELLING},
        "pop3 ended": Way(pop3, V2_SSL, ends),
        "smtp ended": Way(smtp, V2_SSL, ends),
        "pop3s through": Way(office.address("pop3s"), V2),
        "smtps through": Way(office.address("smtps"), V2),
        "pop3 far": Way(pop3, V2, source=FAR),
        "pop3 farther": Way(pop3, V1, source=FARTHER),
        "pop3 mute": Way(pop3, ""),
    }


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    """Everything from 127.0.0.1 comes by a proxy, so the tests themselves come from elsewhere."""
    with PostOffice(SETTINGS) as office:
        yield office


@pytest.fixture(scope="module")
def folder(office: PostOffice) -> Path:
    folder = office.folder / "haproxy"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def haproxy(office: PostOffice, folder: Path) -> Iterator[Haproxy]:
    """One in front of everything."""
    named = {name.replace(" ", "_"): way for name, way in _ways(office, folder).items()}
    with Haproxy(folder, named) as haproxy:
        yield haproxy


def _door(haproxy: Haproxy, name: str) -> tuple[str, int]:
    return haproxy.doors[name.replace(" ", "_")]


def _secured(folder: Path, certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if certificate:
        context.load_cert_chain(folder / "client.pem", folder / "client.key")
    return context


def _sessions(office: PostOffice) -> list[Any]:
    return list(json.loads(office.run("sessions", "--json").stdout))


def _ended(office: PostOffice, **wanted: Any) -> list[Any]:
    lines = [json.loads(line) for line in office.log.read_text().splitlines() if line.startswith("{")]
    ends = [line for line in lines if line["event"] == "session"]
    return [line for line in ends if wanted.items() <= line.items()]


@pytest.mark.parametrize("how", TELLING)
def test_pop3_knows_the_client(office: PostOffice, haproxy: Haproxy, how: str) -> None:
    box = office.fresh()
    with log_in(_door(haproxy, f"pop3 {how}"), box.name, box.password, source=CLIENT) as talk:
        (session,) = [each for each in _sessions(office) if each["account"] == box.name]
        assert session["address"] == CLIENT
        assert talk.ask(b"QUIT").startswith(b"+OK")
    wait_until(lambda: bool(_ended(office, account=box.name, peer=CLIENT, speaker="127.0.0.1")), "it is logged")


@pytest.mark.parametrize("how", [*TELLING, "ended", "through"])
def test_smtp_traces_the_client(office: PostOffice, haproxy: Haproxy, folder: Path, how: str) -> None:
    box = office.fresh()
    address = _door(haproxy, f"{'smtps' if how == 'through' else 'smtp'} {how}")
    context = _secured(folder) if how == "ended" else ssl._create_unverified_context()
    where: Any = {"host": "localhost", "port": address[1], "source_address": (CLIENT, 0), "timeout": 20}
    is_tls = how in ("ended", "through")
    with smtplib.SMTP_SSL(context=context, **where) if is_tls else smtplib.SMTP(**where) as smtp:
        smtp.ehlo("client.test")
        assert not smtp.has_extn("starttls") or not is_tls
        smtp.sendmail(SENDER, [box.address], corpus()[0].octets)
    (message,) = _read(office, haproxy, box)
    assert f"from client.test ([{CLIENT}])".encode() in message
    assert (b"with ESMTPS id" in message) is is_tls


def _read(office: PostOffice, haproxy: Haproxy, box: Mailbox) -> list[bytes]:
    class Behind:
        pop3 = _door(haproxy, f"pop3 {V2}")

    del office
    return read_all(Behind, box)  # type: ignore[arg-type]


def test_tls_that_goes_through(office: PostOffice, haproxy: Haproxy) -> None:
    """The handshake comes in the same breath as the header, and is held with the post office itself."""
    box = office.fresh()
    host, port = _door(haproxy, "pop3s through")
    context = ssl._create_unverified_context()
    pop = poplib.POP3_SSL(host, port, context=context, timeout=20)
    assert "STLS" not in pop.capa()
    pop.user(box.name)
    pop.pass_(box.password)
    pop.quit()
    wait_until(lambda: bool(_ended(office, account=box.name, service="pop3s", tls="TLSv1.3")), "it is logged")


def test_tls_that_ends_at_the_proxy(office: PostOffice, haproxy: Haproxy, folder: Path) -> None:
    """It is encrypted for the client: no STLS; what is logged is what the client spoke; nothing is bound to it."""
    box = office.fresh()
    _, port = _door(haproxy, "pop3 ended")
    pop = poplib.POP3_SSL("localhost", port, context=_secured(folder), timeout=20)
    offered = pop.capa()
    assert "STLS" not in offered
    assert "PLAIN" in offered["SASL"]
    assert "EXTERNAL" not in offered["SASL"]
    assert not any(name.endswith("-PLUS") for name in offered["SASL"])
    pop.user(box.name)
    pop.pass_(box.password)
    pop.quit()
    wait_until(lambda: bool(_ended(office, account=box.name, service="pop3", tls="TLSv1.3")), "it is logged")


def test_a_certificate_that_the_proxy_has_verified(office: PostOffice, folder: Path) -> None:
    box = office.fresh()
    ways = folder / "certificate"
    ways.mkdir()
    authority = Authority(ways)
    server = authority.issue("server", Wish("localhost", dns=["localhost"]))
    authority.issue("client", Wish(box.name, is_for_clients=True))
    both = ways / "both.pem"
    both.write_text(server.chain.read_text() + server.key.read_text())
    way = Way(office.pop3, V2_SSL, f"ssl crt {both} ca-file {authority.path} verify optional")
    with Haproxy(ways, {"ended": way}) as haproxy:
        pop = poplib.POP3_SSL("localhost", haproxy.doors["ended"][1], context=_secured(ways, True), timeout=20)
        assert "EXTERNAL" in pop.capa()["SASL"]
        assert pop._shortcmd("AUTH EXTERNAL =").startswith(b"+OK")  # type: ignore[attr-defined]
        pop.quit()
    wait_until(lambda: bool(_ended(office, account=box.name, credential="certificate")), "it is logged")


def test_who_is_far_away_sends_no_password_in_clear_text(office: PostOffice, haproxy: Haproxy) -> None:
    """HAProxy is on loopback, its client is not."""
    for name, told in (("pop3 far", FAR), ("pop3 farther", FARTHER)):
        with Talk(_door(haproxy, name)) as talk:
            assert talk.ask(b"USER somebody").startswith(b"-ERR [AUTH]")
            talk.ask(b"QUIT")
        wait_until(lambda told=told: bool(_ended(office, peer=told, speaker="127.0.0.1")), "it is logged")


def test_clients_are_limited_one_by_one(office: PostOffice, haproxy: Haproxy) -> None:
    door = _door(haproxy, f"pop3 {V2}")
    talks = [Talk(door, source="127.0.9.50") for _ in range(4)]
    assert all(talk.greeting.startswith(b"+OK") for talk in talks)
    with Talk(door, source="127.0.9.50") as refused:
        assert refused.greeting.startswith(b"-ERR")
    with Talk(door, source="127.0.9.51") as another:
        assert another.greeting.startswith(b"+OK")
    for talk in talks:
        talk.close()


def test_failed_logins_count_for_the_client() -> None:
    settings = {
        "proxy": {"trusted": ["127.0.0.1"]},
        "auth": {"plaintext_without_tls": "always", "failure_delay": "1ms", "lockout_after": 3},
    }
    with PostOffice(settings) as office:
        box, ways = office.fresh(), {name: Way(office.pop3, V2, source=name) for name in (FAR, "203.0.113.6")}
        with Haproxy(office.folder, {f"from_{name}": way for name, way in ways.items()}) as haproxy:
            for number in range(3):
                with Talk(haproxy.doors[f"from_{FAR}"]) as talk:
                    talk.ask(f"USER guess{number}".encode())
                    assert talk.ask(b"PASS guess").startswith(b"-ERR [AUTH]")
            with Talk(haproxy.doors[f"from_{FAR}"]) as talk:
                talk.ask(f"USER {box.name}".encode())
                assert talk.ask(f"PASS {box.password}".encode()).startswith(b"-ERR [SYS/TEMP]")
            log_in(haproxy.doors["from_203.0.113.6"], box.name, box.password).close()


def test_who_is_no_trusted_proxy_is_who_it_is(office: PostOffice, haproxy: Haproxy) -> None:
    """A header of anybody else is a command that nobody knows."""
    del haproxy
    box = office.fresh()
    with Talk(office.pop3, source=CLIENT) as talk:
        assert talk.ask(b"PROXY TCP4 203.0.113.9 127.0.0.1 1 2").startswith(b"-ERR")
        talk.ask(b"QUIT")
    log_in(office.pop3, box.name, box.password, source=CLIENT).close()
    wait_until(lambda: bool(_ended(office, account=box.name, peer=CLIENT)), "it is logged")
    assert not _ended(office, peer="203.0.113.9")


def test_a_proxy_that_does_not_introduce_its_client_is_told_of(office: PostOffice, haproxy: Haproxy) -> None:
    with Talk(_door(haproxy, "pop3 mute"), greeting=False) as talk:
        talk.send(b"CAPA\r\n")
        assert talk.ends()
    wait_until(lambda: bool(_ended(office, ending="not introduced", why="no PROXY header")), "it is logged")


@contextmanager
def _checked(office: PostOffice, folder: Path, options: str) -> Iterator[Haproxy]:
    folder.mkdir()
    way = Way(office.pop3, f"{options} check inter 50ms", checks="+OK")  # with a reset at once many are never seen
    with Haproxy(folder, {"checked": way}) as haproxy:
        yield haproxy


@pytest.mark.parametrize("options", [V1, V2])
def test_health_checks_are_no_news(options: str) -> None:
    with PostOffice({"proxy": {"trusted": ["127.0.0.1"]}, "log": {"level": "debug"}}) as office:
        with _checked(office, office.folder / "haproxy", options) as haproxy:
            wait_until(lambda: len(_ended(office, level="debug")) >= 4, "it looked in several times")
            with Talk(haproxy.doors["checked"], source=CLIENT) as talk:
                assert talk.greeting.startswith(b"+OK")
                assert talk.ask(b"QUIT").startswith(b"+OK")
            wait_until(lambda: bool(_ended(office, peer=CLIENT)), "it is logged")
        news = [line for line in _ended(office) if line["level"] != "debug"]
        assert [line["peer"] for line in news] == [CLIENT]
        assert "not introduced" not in office.log.read_text()
