"""The SASL mechanisms as targets of fuzzing, one each: any responses are steps or refused, and none proves by chance.

An input's responses end with LF each; its first octet that chooses says whether the first one is an initial response.
The clients' sides hardly read anything, but for SCRAM's: one target for all four of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from drive import read_case
from postane.sasl import base as sasl
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.wire.errors import RemoteProtocolError
from support.scram import BINDINGS, SURROUNDINGS, Client, begin, keys_of

_TOKEN = b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
_SAID = {
    "CRAM-MD5": [b"tim b913a602c7eda7a495b4e6e7334d3890\n"],
    "EXTERNAL": [b"\n", b"fred@example.com\n"],
    "LOGIN": [b"tim\ntanstaaftanstaaf\n"],
    "OAUTHBEARER": [
        b"n,a=user@example.com,\x01host=h\x01port=143\x01" + _TOKEN + b"\n",
        b"n,,\x01auth=\x01\x01\n\x01\n",
    ],
    "PLAIN": [b"\0tim\0tanstaaftanstaaf\n", b"tim\0tim\0\xff\n"],
    "XOAUTH2": [b"user=user@example.com\x01" + _TOKEN + b"\n", b"user=\x01auth=\x01\x01\n\n"],
}

_CLIENT = "sasl_scram_client"
_SCRAM = [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")]

_Outcome = tuple[object, ...]


def sasl_seeds(target: str) -> list[bytes]:
    """What right clients say to the mechanism of that target: of SCRAM, all that a login needs."""
    if target == _CLIENT:
        return [
            b"".join(challenge + b"\n" for challenge in challenges) for challenges in map(_right_challenges, _SCRAM)
        ]
    name = _names()[target]
    if name.startswith("SCRAM"):
        return [b"".join(response + b"\n" for response in responses) for responses, _ in _right_logins(name)]
    return _SAID[name]


def sasl_targets() -> Mapping[str, Callable[[bytes], None]]:
    """By their names: `sasl_plain`, `sasl_scram_sha_256_plus` and so on."""
    return {target: partial(_fuzz, name) for target, name in _names().items()} | {_CLIENT: _fuzz_scram_client}


def _names() -> Mapping[str, str]:
    return {f"sasl_{name.lower().replace('-', '_')}": name for name in SERVER_MECHANISMS}


def _fuzz(name: str, data: bytes) -> None:
    """The same each time; a proof is taken from nobody but a client that said all of it right."""
    case = read_case(data)
    responses: list[bytes | None] = [*case.octets.removesuffix(b"\n").split(b"\n")]
    if case.variant % 2:
        responses.insert(0, None)
    outcome = _exchange(name, responses)
    assert outcome == _exchange(name, responses)
    match outcome[-1]:
        case sasl.Verdict(int()) as verdict:
            said = [response for response in responses if response is not None]
            assert (said[:2], verdict) in _right_logins(name), outcome
        case sasl.Verdict(None, final):
            assert final.startswith(b"e="), outcome


def _exchange(name: str, responses: list[bytes | None]) -> _Outcome:
    seen: list[object] = []
    server = SERVER_MECHANISMS[name].make(SURROUNDINGS)
    take: Callable[[bytes | None], sasl.Step] = server.start
    try:
        for response in responses:
            step = take(response)
            if isinstance(step, sasl.KeysWanted):
                seen.append((step.name, step.digest))
                step = step.proceed(_KEYS[step.digest])
            assert isinstance(step, sasl.Step)
            seen.append(step)
            if not isinstance(step, sasl.Challenge):
                break
            take = server.step  # type: ignore[assignment]
    except RemoteProtocolError as error:
        seen.append((error.text, error.fault))
    return tuple(seen)


_PASSWORDS = (b"pencil", b"pen", b"brush")
"""The account has several, as with devices."""


def _keys(digest: sasl.ScramDigest) -> sasl.ScramKeys:
    each = [keys_of(password, digest) for password in _PASSWORDS]
    return replace(each[0], pairs=tuple(keys.pairs[0] for keys in each))


_KEYS = {digest: _keys(digest) for digest in sasl.ScramDigest}


def _right_logins(name: str) -> list[tuple[list[bytes], sasl.Verdict]]:
    """The responses of clients that know a password, and what is to come of them."""
    digest = sasl.ScramDigest.SHA_256 if "256" in name else sasl.ScramDigest.SHA_1
    if not name.endswith("-PLUS"):
        clients = [Client(password=password, digest=digest) for password in _PASSWORDS]
        return [*map(_right_login, clients), _right_login(Client(b"y,a=us=2Cer,", b"us=2Cer", digest=digest))]
    bound = ((b"p=" + kind.encode() + b",,", octets) for kind, octets in BINDINGS.items())
    return [_right_login(Client(header, binding=octets, digest=digest)) for header, octets in bound]


def _right_login(client: Client) -> tuple[list[bytes], sasl.Verdict]:
    first = begin(client, is_plus=bool(client.binding), keys=_KEYS[client.digest]).server_first
    return [client.first, client.final(first)], sasl.Verdict(_PASSWORDS.index(client.password), client.expected(first))


def _fuzz_scram_client(data: bytes) -> None:
    """Any challenges are answered or refused, and no server is believed but one that knows the password."""
    case = read_case(data)
    name = _SCRAM[case.variant % len(_SCRAM)]
    challenges = case.octets.removesuffix(b"\n").split(b"\n")
    client = _client(name)
    client.start()
    try:
        for challenge in challenges:
            client.step(challenge)
        client.finish()
    except RemoteProtocolError:
        return
    first, final = challenges
    assert [first, final.split(b",")[0]] == _right_challenges(name), challenges  # an extension is nobody's promise


def _client(name: str) -> sasl.ClientMechanism:
    return CLIENT_MECHANISMS[name](sasl.Identity("user", "pencil", "clients", BINDINGS, is_plus_offered=True))


def _right_challenges(name: str) -> list[bytes]:
    """What a server that knows the password says to that client."""
    client, server = _client(name), SERVER_MECHANISMS[name].make(SURROUNDINGS)
    wanted = server.start(client.start())
    assert isinstance(wanted, sasl.KeysWanted)
    first = wanted.proceed(_KEYS[wanted.digest]).octets
    verdict = server.step(client.step(first))
    assert isinstance(verdict, sasl.Verdict)
    return [first, verdict.final]
