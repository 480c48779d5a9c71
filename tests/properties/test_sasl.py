"""What every SASL mechanism promises: any octets are steps or refused, and a proof is about every octet of it."""

import hmac
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from postane.sasl import base as sasl
from postane.sasl.gs2 import BindingFlag, Gs2Header, decode_saslname, encode_saslname, split_gs2
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.sasl.scram import derive_keys
from postane.wire.errors import RemoteProtocolError
from postane.wire.saslprep import Unprepared, saslprep
from support.scram import BINDINGS, ITERATIONS, SALT, SURROUNDINGS, Client, Exchange, begin, keys_of

NAMES = list(SERVER_MECHANISMS)
KEYS = {digest: keys_of(b"pencil", digest) for digest in sasl.ScramDigest}

WORDS = [
    *(b"n,,", b"y,,", b"p=tls-exporter,,", b"p=", b"a=", b"n=user", b",", b"=", b"=2C", b"=3D", b"r=", b"clients"),
    *(b"c=biws", b"servers", b"m=", b",p=", b"AAAA", b"\x01", b"auth=", b"Bearer ", b"user=", b"token", b"\0", b" "),
    *(b"0123456789abcdef0123456789ABCDEF", b"tim", b"\xc3\xbc", b"\xff", b"\r\n", b"\x7f"),
]
messages = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join))
names = (
    st.text(min_size=1, max_size=30)
    .filter(lambda name: name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name))
    .filter(lambda name: not any(letter < " " or letter == "\x7f" for letter in name))
)
names = st.one_of(
    st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1),
    st.text("=,2C3Da\u00fc\u20ac", min_size=1, max_size=12),
)
server_messages = st.lists(
    st.sampled_from(
        [b"r=clients", b"x", b",s=c2FsdA==", b",i=4096", b",i=1", b"v=", b"AAAA", b"e=other-error", b",m=x"]
    ),
    max_size=6,
).map(b"".join)
digests = st.sampled_from(list(sasl.ScramDigest))


@given(st.sampled_from(NAMES), st.one_of(st.none(), messages), st.lists(messages, max_size=4))
def test_any_octets_are_steps_or_refused(name: str, initial: bytes | None, responses: list[bytes]) -> None:
    server = SERVER_MECHANISMS[name].make(SURROUNDINGS)
    try:
        step = server.start(initial)
        for response in responses:
            if isinstance(step, sasl.KeysWanted):
                step = step.proceed(KEYS[step.digest])
            if not isinstance(step, sasl.Challenge):
                break
            step = server.step(response)
    except RemoteProtocolError as error:
        assert str(error)
        return
    assert isinstance(step, sasl.Step)
    assert not (isinstance(step, sasl.Verdict) and step.pair is not None), "nobody proves anything by chance"


def bound(name: str, digest: sasl.ScramDigest, kind: str | None) -> Client:
    octets = encode_saslname(name)
    header = b"n,," if kind is None else b"p=" + kind.encode() + b",,"
    return Client(header, octets, digest=digest, binding=BINDINGS[kind] if kind else b"")


clients = st.builds(bound, names, digests, st.sampled_from([None, *BINDINGS]))


def begun(client: Client) -> Exchange:
    return begin(client, is_plus=bool(client.binding), keys=KEYS[client.digest])


@given(clients)
def test_the_right_keys_prove_and_the_server_proves_itself(client: Client) -> None:
    exchange = begun(client)
    assert encode_saslname(exchange.wanted.name) == client.name
    verdict = exchange.end(client.final(exchange.server_first))
    assert verdict == sasl.Verdict(0, client.expected(exchange.server_first))


PASSWORDS = [b"pencil", b"pen", b"brush", b"crayon"]
PAIRS = {(word, digest): keys_of(word, digest).pairs[0] for word in PASSWORDS for digest in sasl.ScramDigest}


@given(clients, st.lists(st.sampled_from(PASSWORDS), min_size=1, max_size=5), st.sampled_from(PASSWORDS))
def test_of_many_passwords_the_one_that_the_client_has_is_found(
    client: Client, words: list[bytes], word: bytes
) -> None:
    client = replace(client, password=word)
    keys = sasl.ScramKeys(SALT, ITERATIONS, tuple(PAIRS[each, client.digest] for each in words))
    exchange = begin(client, is_plus=bool(client.binding), keys=keys)
    verdict = exchange.end(client.final(exchange.server_first))
    if word in words:
        assert verdict == sasl.Verdict(words.index(word), client.expected(exchange.server_first))
    else:
        assert verdict == sasl.Verdict(None, b"e=invalid-proof")


@given(clients, st.data())
def test_any_octet_of_the_last_message_that_is_another_proves_nothing(client: Client, data: st.DataObject) -> None:
    exchange = begun(client)
    final = bytearray(client.final(exchange.server_first))
    at = data.draw(st.integers(0, len(final) - 1))
    final[at] = data.draw(st.integers(0, 255).filter(lambda octet: octet != final[at]))
    assert not proves(exchange, bytes(final))


@given(clients, st.data())
def test_a_proof_or_binding_with_another_bit_proves_nothing(client: Client, data: st.DataObject) -> None:
    exchange = begun(client)
    claim, _, proof = client.final(exchange.server_first).rpartition(b",p=")
    part = data.draw(st.sampled_from(["proof", "binding"]))
    if part == "proof":
        proof = with_another_bit(proof, data)
    else:
        text, comma, nonce = claim.removeprefix(b"c=").partition(b",")
        claim = b"c=" + with_another_bit(text, data) + comma + nonce
        proof = client.proof(exchange.server_first, claim)[0]  # right for what is claimed
    assert not proves(exchange, claim + b",p=" + proof)


@given(clients, st.binary(min_size=1, max_size=12), st.data())
def test_another_nonce_proves_nothing(client: Client, octets: bytes, data: st.DataObject) -> None:
    exchange = begun(client)
    text, _, nonce = client.claim(exchange.server_first).partition(b",r=")
    cut = data.draw(st.integers(0, len(nonce)))
    other = nonce[:cut] + octets.replace(b",", b"") + nonce[data.draw(st.integers(cut, len(nonce))) :]
    claim = text + b",r=" + other
    final = claim + b",p=" + client.proof(exchange.server_first, claim)[0]
    assert proves(exchange, final) == (other == nonce)


@given(clients, clients)
def test_a_binding_holds_for_its_own_kind_alone(one: Client, other: Client) -> None:
    liar = Client(one.header, one.name, one.nonce, one.password, one.digest, other.header, other.binding)
    exchange = begun(one)
    final = liar.final(exchange.server_first)
    assert proves(exchange, final) == ((one.header, one.binding) == (other.header, other.binding))


def with_another_bit(text: bytes, data: st.DataObject) -> bytes:
    octets = bytearray(b64decode(text))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return b64encode(octets)


def proves(exchange: Exchange, final: bytes) -> bool:
    try:
        verdict = exchange.end(final)
    except RemoteProtocolError:
        return False
    assert isinstance(verdict, sasl.Verdict)
    assert verdict.final.startswith(b"v=" if verdict.pair is not None else b"e=")
    return verdict.pair is not None


@given(names, st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1))
def test_a_name_and_a_password_arrive_as_they_are(name: str, password: str) -> None:
    claim = sasl.PasswordClaim(name, password)
    plain = SERVER_MECHANISMS["PLAIN"].make(SURROUNDINGS)
    assert plain.start(f"\0{name}\0{password}".encode()) == claim
    login = SERVER_MECHANISMS["LOGIN"].make(SURROUNDINGS)
    login.start(name.encode())
    assert login.step(password.encode()) == claim


@given(names)
def test_a_name_arrives_as_it_is_in_every_mechanism(name: str) -> None:
    digest = "0123456789abcdef" * 2
    token = "auth=Bearer x\x01\x01"
    said = {
        "CRAM-MD5": f"{name} {digest}".encode(),
        "EXTERNAL": name.encode(),
        "OAUTHBEARER": b"n,a=" + encode_saslname(name) + b",\x01" + token.encode(),
        "XOAUTH2": f"user={name}\x01{token}".encode(),
        "SCRAM-SHA-1": b"n,,n=" + encode_saslname(name) + b",r=x",
        "SCRAM-SHA-256": b"n,a=" + encode_saslname(name) + b",n=" + encode_saslname(name) + b",r=x",
    }
    for mechanism, message in said.items():
        server = SERVER_MECHANISMS[mechanism].make(SURROUNDINGS)
        server.start(None)
        assert server.step(message).name == name  # type: ignore[union-attr]


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60), st.integers(1, 300))
def test_tokens_of_any_length_pass_at_once(text: str, times: int) -> None:
    token = text * times
    for name, begin_with in (("OAUTHBEARER", "n,,\x01"), ("XOAUTH2", "user=u\x01")):
        claim = SERVER_MECHANISMS[name].make(SURROUNDINGS).start(f"{begin_with}auth=Bearer {token}\x01\x01".encode())
        assert isinstance(claim, sasl.TokenClaim)
        assert claim.token == token


@given(names)
def test_names_in_messages_there_and_back(name: str) -> None:
    octets = encode_saslname(name)
    assert b"," not in octets
    assert decode_saslname(octets) == name


@given(st.sampled_from(BindingFlag), st.one_of(st.none(), names), messages)
def test_a_header_there_and_back(flag: BindingFlag, acts_as: str | None, rest: bytes) -> None:
    header = Gs2Header(flag, "tls-exporter" if flag is BindingFlag.USED else "", acts_as)
    assert split_gs2(header.encode() + rest) == (header, rest)


@given(messages)
def test_any_octets_are_a_header_or_refused(octets: bytes) -> None:
    try:
        header, rest = split_gs2(octets)
    except RemoteProtocolError:
        return
    assert header.encode() + rest == octets


secrets = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1)
tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
nonces = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1)


def talk(client: sasl.ClientMechanism, server: sasl.ServerMechanism, *, has_initial: bool, secret: str) -> sasl.Step:
    """Both sides to the end of the exchange; a server that wants keys knows the secret."""
    said = client.start()
    step = server.start(said if has_initial else None)
    if not has_initial and said is not None:
        assert step == sasl.Challenge(b"")
        step = server.step(said)
    while not isinstance(step, (sasl.PasswordClaim, sasl.CramClaim, sasl.TokenClaim, sasl.OutsideClaim, sasl.Verdict)):
        if isinstance(step, sasl.KeysWanted):
            step = step.proceed(derive_keys(secret.encode(), b"salt", 4096, step.digest))
        else:
            step = server.step(client.step(step.octets))
    if isinstance(step, sasl.Verdict) and step.pair is not None:
        assert client.step(step.final) == b""
    return step


@given(st.sampled_from(NAMES), names, st.data(), nonces, st.booleans())
def test_both_sides_agree(mechanism: str, name: str, data: st.DataObject, nonce: str, has_initial: bool) -> None:
    secret = data.draw(tokens if mechanism in ("OAUTHBEARER", "XOAUTH2") else secrets)
    identity = sasl.Identity(name, secret, nonce, BINDINGS, is_plus_offered=True)
    client, server = CLIENT_MECHANISMS[mechanism](identity), SERVER_MECHANISMS[mechanism].make(SURROUNDINGS)
    if mechanism.startswith("SCRAM"):
        assume(fits_scram(name))
    match talk(client, server, has_initial=has_initial, secret=secret):
        case sasl.PasswordClaim(claimed, password):
            assert (claimed, password) == (name, secret)
        case sasl.CramClaim(claimed, challenge, digest):
            assert (claimed, challenge) == (name, SURROUNDINGS.stamp)
            assert digest == hmac.new(secret.encode(), challenge, "md5").hexdigest()
        case sasl.TokenClaim(claimed, token):
            assert (claimed, token) == (name, secret)
        case sasl.OutsideClaim(claimed):
            assert claimed == name
        case step:
            assert isinstance(step, sasl.Verdict)
            assert step.pair is not None
    client.finish()


def fits_scram(name: str) -> bool:
    """Whether anything is left of a name in the form of SASLprep."""
    try:
        return bool(saslprep(name))
    except Unprepared:
        return True


@given(st.sampled_from(NAMES), st.lists(st.one_of(messages, server_messages), max_size=4))
def test_any_challenges_are_answered_or_refused(mechanism: str, challenges: list[bytes]) -> None:
    client = CLIENT_MECHANISMS[mechanism](sasl.Identity("user", "secret", "clients", BINDINGS))
    client.start()
    is_refused = False
    for challenge in challenges:
        try:
            assert isinstance(client.step(challenge), bytes)
        except RemoteProtocolError:
            is_refused = True
            break
    if mechanism.startswith("SCRAM"):
        with pytest.raises(RemoteProtocolError):
            client.finish()  # nobody proves to be the server by chance
    elif not is_refused:
        client.finish()


@given(st.sampled_from([name for name in NAMES if name.startswith("SCRAM")]), secrets, secrets)
def test_a_server_with_other_keys_is_not_believed(mechanism: str, secret: str, other: str) -> None:
    client = CLIENT_MECHANISMS[mechanism](sasl.Identity("user", secret, "clients", BINDINGS, is_plus_offered=True))
    server = SERVER_MECHANISMS[mechanism].make(SURROUNDINGS)
    step = talk(client, server, has_initial=True, secret=other)
    assert isinstance(step, sasl.Verdict)
    digest = sasl.ScramDigest.SHA_256 if "256" in mechanism else sasl.ScramDigest.SHA_1
    is_same = derive_keys(secret.encode(), b"salt", 1, digest) == derive_keys(other.encode(), b"salt", 1, digest)
    assert (step.pair is not None) == is_same
