"""curl logs in with an access token: by the keys of an authorization server, and by asking it."""

import time
from collections.abc import Iterator

import pytest

from support.authorization import AUDIENCE, CLIENT, ISSUER, Authorization, authorization_beside, make_key, sign
from support.corpus import corpus
from support.post import fill
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def server() -> Iterator[Authorization]:
    with authorization_beside() as server:
        yield server


@pytest.fixture(scope="module", params=["OAUTHBEARER", "XOAUTH2"])
def mechanism(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def office(server: Authorization, mechanism: str) -> Iterator[PostOffice]:
    """Told of a token, curl takes OAUTHBEARER where it can, whatever else it was told: one of them is announced."""
    office = PostOffice()
    secret = office.folder / "secret"
    secret.write_text(CLIENT[1])
    secret.chmod(0o600)
    keys = {"kind": "oauth", "jwks": f"{server.url}/jwks", "issuer": ISSUER, "audience": AUDIENCE}
    asked = {
        "kind": "oauth",
        "introspection": f"{server.url}/introspect",
        "audience": AUDIENCE,
        "client_id": CLIENT[0],
        "client_secret_file": str(secret),
    }
    office.configure({"auth": {"mechanisms": [mechanism, "PLAIN"]}, "accounts": [{"kind": "local"}, keys, asked]})
    with office:
        yield office


@pytest.fixture
def mailbox(office: PostOffice) -> Mailbox:
    mailbox = office.fresh()
    fill(office, mailbox, corpus()[:1])
    return mailbox


def signed(server: Authorization, name: str, **claims: object) -> str:
    now = time.time()
    return server.token(**{"email": name, "iat": now - 10, "exp": now + 300, **claims})


def curl(office: PostOffice, name: str, token: str, mechanism: str, expect: int = 0) -> bytes:
    """What it lists; it must have used that mechanism."""
    host, port = office.pop3
    login = ["-u", f"{name}:", "--oauth2-bearer", token, "--login-options", f"AUTH={mechanism}"]
    done = run([require("curl"), "-q", "-sS", "-v", "-m", "30", *login, f"pop3://{host}:{port}/"], expect=expect)
    assert f"> AUTH {mechanism}".encode() in done.stderr
    return done.stdout


def test_a_signed_token(office: PostOffice, server: Authorization, mailbox: Mailbox, mechanism: str) -> None:
    for name in (mailbox.name, mailbox.address):
        assert curl(office, name, signed(server, name), mechanism).startswith(b"1 ")


def test_a_token_that_is_asked_about(
    office: PostOffice, server: Authorization, mailbox: Mailbox, mechanism: str
) -> None:
    token = f"opaque-{mechanism}-{mailbox.name}"
    server.tokens[token] = {"username": mailbox.name, "aud": AUDIENCE}
    assert curl(office, mailbox.name, token, mechanism).startswith(b"1 ")


def test_other_tokens(office: PostOffice, server: Authorization, mailbox: Mailbox, mechanism: str) -> None:
    name = mailbox.name
    stranger = sign(make_key("P-256", "first"), {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 9, "email": name})
    expired, foreign = signed(server, name, exp=1), signed(server, name, aud="another")
    for token in (expired, foreign, signed(server, "nobody"), stranger, "opaque"):
        curl(office, name, token, mechanism, expect=67)
        assert token not in office.read_log()
    assert curl(office, name, signed(server, name), mechanism)


def test_a_token_of_16_kb(office: PostOffice, server: Authorization, mailbox: Mailbox, mechanism: str) -> None:
    token = signed(server, mailbox.name, groups=["staff"] * 1320)
    assert len(token) > 16_000
    assert curl(office, mailbox.name, token, mechanism).startswith(b"1 ")
