"""A small authorization server that lets devices and browsers in: codes, polling, tokens that live an hour, refresh
tokens that are good for one use.

It speaks HTTP on loopback. What somebody does with a code is told to it by `decide`; what goes wrong is set by its
fields, between two questions.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT = "postane of the tests"


@dataclass
class DeviceServer:
    """The server. `decisions` are what a poll is answered with, one after the other, then "authorization_pending"."""

    url: str = ""
    secret: str | None = None
    decisions: list[str] = field(default_factory=list)
    interval: Any = 5
    life: Any = 600
    token_life: Any = 3600
    does_rotate: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refresh_tokens: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)  # with what was asked for them
    given: int = 0
    answers: list[tuple[int, bytes] | None] = field(default_factory=list)  # in place of its own; None: none at all
    metadata: dict[str, Any] | None = None
    metadata_path: str = "/.well-known/oauth-authorization-server"

    def decide(self, *decisions: str) -> None:
        """What the next polls are answered with: "yes", or an error's code."""
        self.decisions += decisions

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question, and hang up."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            content = await reader.readexactly(int(fields.get("content-length", "0")))
            form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
            path = head[0].split(" ")[1]
            self.asked.append((path, form))
            said = self.answers.pop(0) if self.answers else self._answer(path, form)
            if said is not None:
                status, body = said
                writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        if path == self.metadata_path and self.metadata is not None:
            return _json(200, self.metadata)
        if path not in ("/device", "/token"):
            return 404, b"<html>nothing here</html>"
        if form.get("client_id") != CLIENT or form.get("client_secret") != self.secret:
            return _json(401, {"error": "invalid_client", "error_description": "who are you?"})
        if path == "/device":
            return self._code()
        if form["grant_type"] == GRANT:
            return self._poll(form)
        if form["grant_type"] == "authorization_code":
            return self._redeem(form)
        assert form["grant_type"] == "refresh_token"
        return self._refresh(form["refresh_token"])

    def _code(self) -> tuple[int, bytes]:
        page = f"{self.url}/activate"
        members = {"device_code": "device 1", "user_code": "WDJB-MJHT", "verification_uri": page}
        more = {"verification_uri_complete": f"{page}?user_code=WDJB-MJHT", "expires_in": self.life}
        return _json(200, {**members, **more, "interval": self.interval})

    def _poll(self, form: dict[str, str]) -> tuple[int, bytes]:
        assert form["device_code"] == "device 1"
        decision = self.decisions.pop(0) if self.decisions else "authorization_pending"
        return self._tokens() if decision == "yes" else _json(400, {"error": decision})

    def let_in(self, url: str) -> str:
        """What a browser is sent on to, when somebody says yes on the page of this URL."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.url}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        self.codes[f"code/{len(self.codes)}"] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": list(self.codes)[-1], "state": asked["state"]})

    def _redeem(self, form: dict[str, str]) -> tuple[int, bytes]:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not asked or asked["redirect_uri"] != form["redirect_uri"] or asked["code_challenge"] != challenge:
            return _json(400, {"error": "invalid_grant"})
        return self._tokens()

    def _refresh(self, token: str) -> tuple[int, bytes]:
        if token not in self.refresh_tokens:
            return _json(400, {"error": "invalid_grant", "error_description": "used, or revoked"})
        if self.does_rotate:
            self.refresh_tokens.discard(token)
        return self._tokens(is_first=False)

    def _tokens(self, *, is_first: bool = True) -> tuple[int, bytes]:
        self.given += 1
        members = {"access_token": f"access-{self.given}", "token_type": "Bearer", "expires_in": self.token_life}
        if is_first or self.does_rotate:
            members["refresh_token"] = f"refresh-{self.given}"
            self.refresh_tokens.add(f"refresh-{self.given}")
        return _json(200, members)


def _json(status: int, members: dict[str, Any]) -> tuple[int, bytes]:
    return status, json.dumps(members).encode()


@contextlib.asynccontextmanager
async def open_device_server() -> AsyncIterator[DeviceServer]:
    """A running one, on a free port."""
    device_server = DeviceServer()
    server = await asyncio.start_server(device_server.serve, "127.0.0.1", 0)
    device_server.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield device_server
    finally:
        server.close()
        await server.wait_closed()
