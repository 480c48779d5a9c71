"""SCRAM on both sides: the RFCs' examples, somebody else's client and server, and every way to lie."""

from base64 import b64decode, b64encode

import pytest
import scramp

from postane.sasl import scram
from postane.sasl.base import Challenge, Identity, KeyPair, KeysWanted, ScramDigest, ScramKeys, Surroundings, Verdict
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.sasl.scram import ScramClient, ScramServer, derive_keys, derive_pair
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from support.scram import (
    BINDINGS,
    END_POINT,
    EXPORTER,
    ITERATIONS,
    NONCE,
    SALT,
    SURROUNDINGS,
    Client,
    begin,
    keys_of,
    log_in,
)

SHA_1 = (  # RFC 5802 s5
    "SCRAM-SHA-1",
    "3rfcNHYJY1ZVvWVs7j",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
SHA_256 = (  # RFC 7677 s3
    "SCRAM-SHA-256",
    "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)


@pytest.mark.parametrize(("name", "nonce", "first", "challenge", "final", "end"), [SHA_1, SHA_256])
@pytest.mark.parametrize("is_initial", [True, False])
def test_the_example_of_the_rfc(name, nonce, first, challenge, final, end, is_initial) -> None:
    server = SERVER_MECHANISMS[name].make(Surroundings(b"", nonce))
    if not is_initial:
        assert server.start(None) == Challenge(b"")
    wanted = server.start(first) if is_initial else server.step(first)
    assert isinstance(wanted, KeysWanted)
    assert (wanted.name, name) == ("user", {"sha1": "SCRAM-SHA-1", "sha256": "SCRAM-SHA-256"}[wanted.digest])
    salt = b64decode(challenge.split(b",s=")[1].split(b",")[0])
    assert wanted.proceed(derive_keys(b"pencil", salt, 4096, wanted.digest)) == Challenge(challenge)
    assert server.step(final) == Verdict(0, end)


@pytest.mark.parametrize("name", [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")])
@pytest.mark.parametrize("is_right", [True, False])
def test_somebody_elses_client(name: str, is_right: bool) -> None:
    is_plus = name.endswith("-PLUS")
    binding = ("tls-server-end-point", END_POINT) if is_plus else None
    client = scramp.ScramClient([name], "us=e,rü", "pencil" if is_right else "pen", channel_binding=binding)
    server = SERVER_MECHANISMS[name].make(SURROUNDINGS)
    wanted = server.start(client.get_client_first().encode())
    assert isinstance(wanted, KeysWanted)
    assert wanted.name == "us=e,rü"
    challenge = wanted.proceed(keys_of(b"pencil", wanted.digest))
    client.set_server_first(challenge.octets.decode())
    verdict = server.step(client.get_client_final().encode())
    assert isinstance(verdict, Verdict)
    assert (verdict.pair is not None) is is_right
    if is_right:
        client.set_server_final(verdict.final.decode())
    else:
        with pytest.raises(scramp.ScramException, match="invalid-proof"):
            client.set_server_final(verdict.final.decode())


@pytest.mark.parametrize("digest", ScramDigest)
@pytest.mark.parametrize("password", ["pencil", "I\u00adX", "\u00aa", "p\u00e4ss w\u00f6rd", "\u2168"])
def test_somebody_else_derives_the_same_keys(digest: ScramDigest, password: str) -> None:
    name = "SCRAM-SHA-1" if digest is ScramDigest.SHA_1 else "SCRAM-SHA-256"
    salt, stored, server, iterations = scramp.ScramMechanism(name).make_auth_info(password, 5000, b"sixteen and more")
    keys = derive_keys(password.encode(), b"sixteen and more", 5000, digest)
    assert keys == ScramKeys(salt, iterations, (KeyPair(stored, server),))


def test_a_password_without_a_form_is_kept_as_it_is() -> None:
    odd = [b"a\xffb", b"a\x07b", b"ab"]
    assert len({derive_pair(each, b"salt", 1, ScramDigest.SHA_256).stored_key for each in odd}) == 3


def test_keys_and_bindings_do_not_show() -> None:
    keys = keys_of(b"pencil", ScramDigest.SHA_256)
    exchange = begin(Client(header=b"p=tls-exporter,,", binding=EXPORTER), is_plus=True)
    shown = repr((keys, exchange.wanted, exchange.server, SURROUNDINGS))
    for secret in (keys.pairs[0].stored_key, keys.pairs[0].server_key, EXPORTER, END_POINT):
        assert repr(secret)[2:-1] not in shown


@pytest.mark.parametrize("digest", ScramDigest)
@pytest.mark.parametrize("kind", BINDINGS)
def test_every_binding_of_the_connection_will_do(digest: ScramDigest, kind: str) -> None:
    client = Client(header=b"p=" + kind.encode() + b",,", binding=BINDINGS[kind], digest=digest)
    exchange = begin(client, is_plus=True)
    assert exchange.end(client.final(exchange.server_first)) == Verdict(0, client.expected(exchange.server_first))


@pytest.mark.parametrize("header", [b"n,,", b"n,a=user,", b"y,,", b"y,a=user,"])
def test_without_a_binding(header: bytes) -> None:
    assert log_in(Client(header=header)).pair is not None


def test_a_name_is_decoded() -> None:
    client = Client(name="=2C=3D2C=3D=2Cü".encode(), header="n,a==2C=3D2C=3D=2Cü,".encode())
    exchange = begin(client)
    assert exchange.wanted.name == ",=2C=,ü"
    assert exchange.end(client.final(exchange.server_first)).pair is not None


def test_extensions_that_are_optional_are_ignored_and_part_of_the_proof() -> None:
    client = Client(nonce=b"clients,x=y=,Q=\xff")
    server = SERVER_MECHANISMS["SCRAM-SHA-256"].make(SURROUNDINGS)
    first = server.start(client.first).proceed(keys_of(b"pencil", ScramDigest.SHA_256)).octets
    assert first.startswith(b"r=clientsservers,s=")
    claim = client.claim(first) + b",z=1"
    assert server.step(claim + b",p=" + client.proof(first, claim)[0]).pair is not None


LIES = {
    "wrong password": (Client(password=b"pen"), b"invalid-proof"),
    "wrong hash": (Client(digest=ScramDigest.SHA_1), b"invalid-proof"),
    "another header than at first": (Client(echo=b"y,,"), b"channel-bindings-dont-match"),
    "somebody else to act as": (Client(echo=b"n,a=user,"), b"channel-bindings-dont-match"),
    "a binding that was not announced": (Client(binding=EXPORTER), b"channel-bindings-dont-match"),
    "no header": (Client(echo=b""), b"channel-bindings-dont-match"),
}


@pytest.mark.parametrize(("client", "error"), LIES.values(), ids=LIES)
def test_a_lie_is_told_and_nothing_is_proven(client: Client, error: bytes) -> None:
    server = ScramServer(ScramDigest.SHA_256, SURROUNDINGS, is_plus=False)
    first = server.start(client.first).proceed(keys_of(b"pencil", ScramDigest.SHA_256)).octets
    assert server.step(client.final(first)) == Verdict(None, b"e=" + error)


def _bound(**changes: object) -> Client:
    return Client(**{"header": b"p=tls-exporter,,", "binding": EXPORTER} | changes)


FORGERIES = {
    "other data": _bound(binding=b"exported keying materiaL"),
    "the data of the other binding": _bound(binding=END_POINT),
    "no data": _bound(binding=b""),
    "less data": _bound(binding=EXPORTER[:-1]),
    "more data": _bound(binding=EXPORTER + b"\0"),
    "the header of the other binding": _bound(echo=b"p=tls-server-end-point,,"),
    "the other binding altogether": _bound(echo=b"p=tls-server-end-point,,", binding=END_POINT),
    "a header without binding": _bound(echo=b"n,,", binding=b""),
    "a header without binding, with data": _bound(echo=b"y,,"),
    "no header, data alone": _bound(echo=b""),
    "somebody else to act as": _bound(echo=b"p=tls-exporter,a=user,"),
}


@pytest.mark.parametrize("client", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_binding_fails_although_the_password_is_right(client: Client) -> None:
    assert log_in(client, is_plus=True) == Verdict(None, b"e=channel-bindings-dont-match")


REFUSED_AT_FIRST = {
    "-PLUS and no binding": (True, b"n,,n=user,r=x", {}, "-PLUS"),
    "-PLUS and a client that thinks there is none": (True, b"y,,n=user,r=x", {}, "-PLUS"),
    "a binding and no -PLUS": (False, b"p=tls-exporter,,n=user,r=x", {}, "-PLUS"),
    "a binding that nobody has": (True, b"p=tls-unique,,n=user,r=x", {}, "kind of channel binding"),
    "a binding that this connection has not": (
        *(True, b"p=tls-exporter,,n=user,r=x"),
        *({"bindings": {"tls-server-end-point": END_POINT}}, "kind of channel binding"),
    ),
    "a binding of nothing": (True, b"p=x,,n=user,r=x", {"bindings": {"x": b""}}, "kind of channel binding"),
    "a binding without a name": (True, b"p=,,n=user,r=x", {"bindings": {"": b"x"}}, "GS2"),
    "a connection without TLS": (True, b"p=tls-exporter,,n=user,r=x", {"bindings": {}}, "kind of channel binding"),
    "a list of mechanisms that was changed": (False, b"y,,n=user,r=x", {"is_plus_offered": True}, "hidden"),
    "another flag": (False, b"x,,n=user,r=x", {}, "GS2"),
    "the flag of RFC 5801": (False, b"F,n,,n=user,r=x", {}, "GS2"),
    "no header": (False, b"n=user,r=x", {}, "GS2"),
    "nothing": (False, b"", {}, "GS2"),
    "somebody else to act as": (False, b"n,a=other,n=user,r=x", {}, "another user"),
    "nobody to act as": (False, b"n,a=,n=user,r=x", {}, "empty"),
    "garbage to act as": (False, b"n,b=user,n=user,r=x", {}, "GS2"),
    "a mandatory extension": (False, b"n,,m=x,n=user,r=x", {}, "cannot be read"),
    "a mandatory extension at the end": (False, b"n,,n=user,r=x,m=x", {}, "not supported"),
    "an attribute twice": (False, b"n,,n=user,r=x,n=root", {}, "not supported"),
    "an extension without a value": (False, b"n,,n=user,r=x,x=", {}, "cannot be read"),
    "an extension without a name": (False, b"n,,n=user,r=x,,", {}, "cannot be read"),
    "an extension with a NUL": (False, b"n,,n=user,r=x,x=\0", {}, "cannot be read"),
    "the other order": (False, b"n,,r=x,n=user", {}, "cannot be read"),
    "no nonce": (False, b"n,,n=user", {}, "cannot be read"),
    "an empty nonce": (False, b"n,,n=user,r=", {}, "nonce"),
    "a nonce with a space": (False, b"n,,n=user,r=a b", {}, "nonce"),
    "a nonce that is not ASCII": (False, b"n,,n=user,r=\xc3\xbc", {}, "nonce"),
    "no name": (False, b"n,,n=,r=x", {}, "empty"),
    "a name with an equals sign": (False, b"n,,n=us=er,r=x", {}, "encoded"),
    "a name with half an escape": (False, b"n,,n=user=2,r=x", {}, "encoded"),
    "a name with a small escape": (False, b"n,,n=us=2cer,r=x", {}, "encoded"),
    "a name that is not UTF-8": (False, b"n,,n=us\xffer,r=x", {}, "UTF-8"),
    "a name with a NUL": (False, b"n,,n=us\0er,r=x", {}, "control"),
    "a name with a line end": (False, b"n,,n=us\r\ner,r=x", {}, "control"),
}


@pytest.mark.parametrize(("is_plus", "message", "changes", "words"), REFUSED_AT_FIRST.values(), ids=REFUSED_AT_FIRST)
def test_a_first_message_that_is_refused(is_plus: bool, message: bytes, changes: dict, words: str) -> None:
    surroundings = Surroundings(b"", NONCE, **{"bindings": BINDINGS} | changes)
    with pytest.raises(RemoteProtocolError, match=words):
        ScramServer(ScramDigest.SHA_1, surroundings, is_plus=is_plus).start(message)


def test_a_client_that_thinks_there_is_no_binding_is_right_where_none_is_offered() -> None:
    assert log_in(Client(header=b"y,,"), bindings={}, is_plus_offered=False).pair is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda final: b"", "cannot be read"),
        (lambda final: final.rpartition(b",p=")[0], "cannot be read"),
        (lambda final: final.rpartition(b",p=")[0] + b",p=", "base64"),
        (lambda final: final.rpartition(b",p=")[0] + b",p=====", "base64"),
        (lambda final: final + b"=", "base64"),
        (lambda final: final.removesuffix(b"="), "base64"),
        (lambda final: final + b",x=y", "base64"),
        (lambda final: final.replace(b",p=", b",m=x,p="), "not supported"),
        (lambda final: final.replace(b",p=", b",r=x,p="), "not supported"),
        (lambda final: final.replace(b"c=", b"d="), "cannot be read"),
        (lambda final: final.replace(b"c=biws,", b""), "cannot be read"),
    ],
)
def test_a_last_message_that_cannot_be_read(change, words: str) -> None:
    client = Client()
    exchange = begin(client)
    with pytest.raises(RemoteProtocolError, match=words):
        exchange.end(change(client.final(exchange.server_first)))


def test_a_right_proof_in_another_base64_is_not_taken() -> None:
    client = Client()
    exchange = begin(client)
    final = client.final(exchange.server_first)
    other = final[:-2] + bytes([final[-2] + 1]) + b"="  # the two bits that 32 octets leave over
    assert b64decode(other.rpartition(b"p=")[2]) == b64decode(final.rpartition(b"p=")[2])
    with pytest.raises(RemoteProtocolError, match="base64"):
        exchange.end(other)


@pytest.mark.parametrize("proof", [b"x", b"x" * 20, b"x" * 31, b"x" * 33, bytes(32)])
def test_a_proof_of_any_length_is_only_wrong(proof: bytes) -> None:
    client = Client()
    exchange = begin(client)
    final = client.claim(exchange.server_first) + b",p=" + b64encode(proof)
    assert exchange.end(final) == Verdict(None, b"e=invalid-proof")


@pytest.mark.parametrize("nonce", [b"clients", b"servers", b"clientsserver", b"clientsserversx", b""])
def test_a_nonce_that_is_not_ours_fails_although_the_proof_is_about_it(nonce: bytes) -> None:
    client = Client()
    exchange = begin(client)
    claim = b"c=biws,r=" + nonce
    final = claim + b",p=" + client.proof(exchange.server_first, claim)[0]
    assert exchange.end(final) == Verdict(None, b"e=other-error")


@pytest.mark.parametrize("digest", ScramDigest)
def test_each_password_fits_its_own_pair(digest: ScramDigest) -> None:
    passwords = [b"pencil", b"pen", b"brush"]
    keys = ScramKeys(SALT, ITERATIONS, tuple(keys_of(each, digest).pairs[0] for each in passwords))
    for number, password in enumerate(passwords):
        client = Client(password=password, digest=digest)
        exchange = begin(client, keys=keys)
        verdict = exchange.end(client.final(exchange.server_first))
        assert verdict == Verdict(number, client.expected(exchange.server_first))
    client = Client(password=b"crayon", digest=digest)
    exchange = begin(client, keys=keys)
    assert exchange.end(client.final(exchange.server_first)) == Verdict(None, b"e=invalid-proof")


def test_all_pairs_are_compared_and_the_first_that_fits_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    pair, other = (keys_of(each, ScramDigest.SHA_256).pairs[0] for each in (b"pencil", b"pen"))
    compared = []
    real = scram._is_proof
    monkeypatch.setattr(scram, "_is_proof", lambda *args: compared.append(args) or real(*args))
    for pairs, fitting in (((pair, other, other), 0), ((other, pair, pair), 1), ((other,) * 3, None)):
        compared.clear()
        client = Client()
        exchange = begin(client, keys=ScramKeys(SALT, ITERATIONS, pairs))
        assert exchange.end(client.final(exchange.server_first)).pair == fitting
        assert len(compared) == len(pairs)


def test_a_proof_of_another_exchange_fails() -> None:
    client = Client()
    exchange = begin(client)
    final = client.final(exchange.server_first)
    assert exchange.end(final).pair is not None
    assert begin(client, nonce="another").end(final).pair is None


@pytest.mark.parametrize("is_over", [False, True])
def test_no_step_is_taken_out_of_turn(is_over: bool) -> None:
    client = Client()
    server = ScramServer(ScramDigest.SHA_256, SURROUNDINGS, is_plus=False)
    wanted = server.start(client.first)
    if is_over:
        server.step(client.final(wanted.proceed(keys_of(b"pencil", ScramDigest.SHA_256)).octets))
    with pytest.raises(LocalProtocolError, match="over, or waits for keys"):
        server.step(b"c=biws,r=x,p=eA==")


@pytest.mark.parametrize(("name", "nonce", "first", "challenge", "final", "end"), [SHA_1, SHA_256])
def test_the_client_of_the_example(name, nonce, first, challenge, final, end) -> None:
    client = CLIENT_MECHANISMS[name](Identity("user", "pencil", first.rpartition(b"r=")[2].decode()))
    assert client.start() == first
    assert client.step(challenge) == final
    with pytest.raises(RemoteProtocolError, match="not proven"):
        client.finish()
    assert client.step(end) == b""
    client.finish()


@pytest.mark.parametrize("name", [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")])
@pytest.mark.parametrize("is_right", [True, False])
def test_somebody_elses_server(name: str, is_right: bool) -> None:
    password = "I\u00adX p\u00e4ss"
    keys = scramp.ScramMechanism(name).make_auth_info(password, 4096, b"sixteen and more")
    binding = ("tls-server-end-point", END_POINT) if name.endswith("-PLUS") else None
    server = scramp.ScramMechanism(name).make_server(lambda name: keys if name == "a,b=\u00fc" else None, binding)
    bindings = {"tls-server-end-point": END_POINT} if binding else {}
    client = CLIENT_MECHANISMS[name](Identity("a,b=\u00fc", password if is_right else "x", "mine", bindings))
    server.set_client_first(client.start().decode())
    final = client.step(server.get_server_first().encode())
    if is_right:
        server.set_client_final(final.decode())
        assert client.step(server.get_server_final().encode()) == b""
        client.finish()
    else:
        with pytest.raises(scramp.ScramException, match="invalid-proof"):
            server.set_client_final(final.decode())
        with pytest.raises(RemoteProtocolError, match="refuses"):
            client.step(server.get_server_final().encode())


@pytest.mark.parametrize(
    ("is_plus", "bindings", "is_plus_offered", "header"),
    [
        (False, {}, False, b"n,,"),
        (False, {}, True, b"n,,"),
        (False, BINDINGS, True, b"n,,"),
        (False, BINDINGS, False, b"y,,"),
        (True, BINDINGS, True, b"p=tls-exporter,,"),
        (True, {"tls-server-end-point": b"x", "tls-unique": b"x"}, True, b"p=tls-unique,,"),
        (True, {"tls-server-end-point": b"x"}, True, b"p=tls-server-end-point,,"),
    ],
)
def test_what_the_client_says_of_binding(is_plus: bool, bindings: dict, is_plus_offered: bool, header: bytes) -> None:
    identity = Identity("u", "x", "mine", bindings, is_plus_offered)
    assert ScramClient(ScramDigest.SHA_1, identity, is_plus=is_plus).start() == header + b"n=u,r=mine"


@pytest.mark.parametrize(
    ("identity", "is_plus"),
    [
        (Identity("u", "x", "mine"), True),
        (Identity("u", "x", "mine", {"tls-other": b"x"}), True),
        (Identity("u", "x", "mine", {"tls-exporter": b""}), True),
        (Identity("u", "x", "a,b"), False),
        (Identity("u", "x", "\u00fc"), False),
        (Identity("u", "x", ""), False),
        (Identity("", "x", "mine"), False),
        (Identity("u\0", "x", "mine"), False),
    ],
)
def test_a_client_that_cannot_begin(identity: Identity, is_plus: bool) -> None:
    with pytest.raises(LocalProtocolError):
        ScramClient(ScramDigest.SHA_1, identity, is_plus=is_plus).start()


def _begun() -> ScramClient:
    client = ScramClient(ScramDigest.SHA_256, Identity("user", "pencil", "mine"), is_plus=False)
    client.start()
    return client


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (b"", "cannot be read"),
        (b"e=other-error", "cannot be read"),
        (b"r=mine,s=c2FsdA==,i=4096", "nonce"),
        (b"r=yours,s=c2FsdA==,i=4096", "nonce"),
        (b"r=mine yours,s=c2FsdA==,i=4096", "nonce"),
        (b"r=mineyours,s=,i=4096", "base64"),
        (b"r=mineyours,s=c2FsdA,i=4096", "base64"),
        (b"r=mineyours,s=c2FsdA==,i=1", "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=4095", "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=5000001", "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=" + b"9" * 5000, "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=-4096", "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=04096", "iteration"),
        (b"r=mineyours,s=c2FsdA==,i=4_096", "iteration"),
        (b"m=x,r=mineyours,s=c2FsdA==,i=4096", "cannot be read"),
        (b"r=mineyours,s=c2FsdA==,i=4096,m=x", "not supported"),
        (b"r=mineyours,i=4096,s=c2FsdA==", "cannot be read"),
    ],
)
def test_a_challenge_that_is_not_answered(challenge: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        _begun().step(challenge)


@pytest.mark.parametrize(
    "end", [b"", b"v=", b"v=AAAA", b"v=" + b64encode(bytes(32)), b"e=invalid-proof", b"x=y", b"v=AAAA,m=x"]
)
def test_a_server_that_has_not_proven_itself_is_not_believed(end: bytes) -> None:
    client = _begun()
    client.step(b"r=mineyours,s=c2FsdA==,i=4096")
    with pytest.raises(RemoteProtocolError):
        client.step(end)
    with pytest.raises(RemoteProtocolError, match="not proven"):
        client.finish()


def test_a_server_that_skips_the_exchange_is_not_believed() -> None:
    client = _begun()
    with pytest.raises(RemoteProtocolError, match="not proven"):
        client.finish()


def test_no_challenge_is_answered_out_of_turn() -> None:
    client = _begun()
    first = b"r=mineyours,s=c2FsdA==,i=4096"
    client.step(first)
    with pytest.raises(RemoteProtocolError):
        client.step(first)
    with pytest.raises(RemoteProtocolError, match="no further"):
        client.step(first)
