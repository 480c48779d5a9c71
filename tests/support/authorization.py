"""A small authorization server: it signs tokens, shows its keys and tells of tokens; and it can behave badly.

It answers at `/jwks` and `/introspect`, over HTTP on loopback or over TLS. What it is to do wrong is set by its
fields, between two questions.
"""

import asyncio
import base64
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

NOW = 1_700_000_000.0
ISSUER = "https://login.example.org/"
AUDIENCE = "postane"
CLIENT = ("post office", "s3cr:t&+ü")
"""Who may ask about tokens: with letters that must be encoded (RFC 6749 s2.3.1)."""

CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "iat": NOW - 10,
    "exp": NOW + 300,
    "scope": "openid mail",
    "email": "mrose",
}


def make_key(kind: str, kid: str | None) -> Key:
    """A new private key: "RSA", or the name of a curve."""
    parameters: Any = None if kid is None else {"kid": kid}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters)
    if kind.startswith("P-"):
        return ECKey.generate_key(kind, parameters)  # type: ignore[arg-type]
    return OKPKey.generate_key(kind, parameters)  # type: ignore[arg-type]


def sign(key: Key, claims: object, algorithm: str = "ES256", **header: Any) -> str:
    """A token of these claims; `header` adds to its header, None takes out."""
    members = {"typ": "at+jwt", "kid": key.kid, **header, "alg": algorithm}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact({k: v for k, v in members.items() if v is not None}, payload, key, registry=registry)


def encode(value: object) -> str:
    """A part of a token: octets, or a value as JSON, in base64url."""
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def key_set(*keys: Key) -> bytes:
    """What is shown of keys."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


@dataclass
class Authorization:
    """The server. `tokens` are those that are active, with what is told of each."""

    url: str
    keys: list[Key]
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # the paths, in the order of the questions
    came: asyncio.Event = field(default_factory=asyncio.Event)  # set by a question
    status: int = 200
    location: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # in place of what it would say
    go_on: asyncio.Event = field(default_factory=asyncio.Event)  # cleared: it is slow
    is_away: bool = False

    def token(self, algorithm: str = "ES256", **claims: Any) -> str:
        """A token of the first key; a claim that is None is left out."""
        said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
        return sign(self.keys[0], said, algorithm)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question, and hang up."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            content = await reader.readexactly(int(fields.get("content-length", "0")))
            path = lines[0].split(" ")[1]
            self.asked.append(path)
            self.came.set()
            await self.go_on.wait()
            if not self.is_away:
                status, body = self._answer(path, fields, content)
                extra = {**({"Location": self.location} if self.location else {}), **self.headers}
                said = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
                writer.write(f"HTTP/1.1 {status} x\r\n{said}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    def _answer(self, path: str, fields: dict[str, str], content: bytes) -> tuple[int, bytes]:
        if self.status != 200 or self.body is not None:
            return self.status, self.body or b""
        if path == "/jwks":
            return 200, key_set(*self.keys)
        if path != "/introspect":
            return 404, b""
        if _who(fields.get("authorization", "")) != CLIENT:
            return 401, b'{"error": "invalid_client"}'
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        assert form["token_type_hint"] == "access_token"
        claims = self.tokens.get(form["token"])
        return 200, json.dumps({"active": False} if claims is None else {"active": True, **claims}).encode()


def _who(authorization: str) -> tuple[str, ...]:
    try:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
    except ValueError:
        return ()
    return tuple(unquote_plus(each) for each in pair.split(":", 1))


@contextlib.asynccontextmanager
async def open_authorization(tls: ssl.SSLContext | None = None) -> AsyncIterator[Authorization]:
    """A running server with one key, an ES256 one."""
    authorization = Authorization("", [make_key("P-256", "first")])
    authorization.go_on.set()
    server = await asyncio.start_server(authorization.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    authorization.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    try:
        yield authorization
    finally:
        authorization.go_on.set()
        server.close()
        await server.wait_closed()


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def authorization_beside() -> Iterator[Authorization]:
    """A running server in a thread of its own, for tests that wait for other programs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opened = open_authorization()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    try:
        yield run(opened.__aenter__())
    finally:
        run(opened.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
