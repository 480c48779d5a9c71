"""The browser's way of OAuth: somebody says yes on a page, and the page sends the browser back to this machine.

RFC 6749 s4.1.1 with RFC 8252 s7.3 (a port on loopback that lives as long as this) and RFC 7636 s4.1 (a code is good for
nobody else). Where the browser is on another machine its last URL, which led nowhere there, can be pasted.

Must not know: where tokens are kept, how the page is opened.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from postane.net.base import Http, NetError

from .base import NoSecret
from .oauth import OauthRefusal, Provider, ask, check_url, may_pass, read_tokens, refused
from .tokens import Tokens

PATIENCE = 900.0
"""Seconds for somebody to say yes."""

HEAD_LIMIT = 16_384
"""Octets of a browser's question at most."""

HEAD_PATIENCE = 10.0
"""Seconds for it."""

Paste = Callable[[], Awaitable[str]]
"""Waits for somebody to type a line with a URL; "" when nobody will."""


@dataclass(frozen=True, slots=True)
class Page:
    """How somebody comes to the page: `show` is called once with its URL. `port` is where the browser comes back to;
    0: any that is free. `paste` is another way for what it brings. `clock` gives seconds since the epoch."""

    show: Callable[[str], object]
    clock: Callable[[], float]
    port: int = 0
    paste: Paste | None = None
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What proves that an answer is to this question, and that the code is this program's."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)

    @property
    def challenge(self) -> str:
        """RFC 7636 s4.2."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def authorize_in_browser(http: Http, provider: Provider, page: Page) -> Tokens:
    """Have somebody let this program in. Raises NoSecret."""
    if provider.browser_endpoint is None:
        raise NoSecret(f"{provider.name} has no page for browsers: let this program in with a device's code")
    proof, answers = _Secrets(), _Answers()
    try:
        server = await asyncio.start_server(answers.serve, "127.0.0.1", page.port, limit=HEAD_LIMIT)
    except OSError as error:
        raise NoSecret(f"port {page.port} cannot be listened to ({error.strerror}): name another one") from None
    try:
        back = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"  # RFC 8252 s8.3: never by name
        answers.state = proof.state
        page.show(_question(provider, proof, back))
        code = await _wait(provider, page, answers)
    finally:
        server.close()  # a browser's spare connections are not waited for
    return await _redeem(http, provider, page, {"code": code, "redirect_uri": back, "code_verifier": proof.verifier})


def _question(provider: Provider, proof: _Secrets, back: str) -> str:
    endpoint = check_url(provider.browser_endpoint or "")
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "state": proof.state,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
        **({"scope": provider.scope} if provider.scope else {}),
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


async def _wait(provider: Provider, page: Page, answers: "_Answers") -> str:
    """The code that the browser or somebody's hand brings."""
    pasting = asyncio.ensure_future(_paste(page.paste, answers)) if page.paste is not None else None
    try:
        async with asyncio.timeout(page.patience):
            found = await answers.found
    except TimeoutError:
        raise NoSecret(f"nobody has let this program in at {provider.name} in time: log in again") from None
    finally:
        if pasting is not None:
            pasting.cancel()
            await asyncio.gather(pasting, return_exceptions=True)
    if "code" in found:
        return found["code"]
    raise refused(provider, OauthRefusal(found["error"], found.get("error_description", "")))


async def _paste(paste: Paste, answers: "_Answers") -> None:
    while typed := await paste():
        with contextlib.suppress(ValueError):
            if answers.take(urlsplit(typed.strip()).query):
                return


async def _redeem(http: Http, provider: Provider, page: Page, form: Mapping[str, str]) -> Tokens:
    """Tokens for the code (RFC 6749 s4.1.3, RFC 7636 s4.5)."""
    try:
        members = await ask(http, provider, provider.token_endpoint, {"grant_type": "authorization_code", **form})
    except OauthRefusal as refusal:
        raise refused(provider, refusal) from None
    except NetError as error:
        raise NoSecret(f"{provider.name} cannot be asked: {error.text}", may_pass=may_pass(error)) from None
    return read_tokens(members, page.clock())


class _Answers:
    """What comes back. Only an answer that bears the state counts: anybody on this machine can ask this port."""

    def __init__(self) -> None:
        self.state = ""
        self.found: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    def take(self, query: str) -> bool:
        """Whether it is the answer (RFC 6749 s4.1.2, RFC 6749 s4.1.2.1)."""
        with contextlib.suppress(ValueError):
            said = {name: _plain(values[0]) for name, values in parse_qs(query, max_num_fields=50).items()}
            is_ours = hmac.compare_digest(said.get("state", "").encode(), self.state.encode())
            if self.state and is_ours and ("code" in said or "error" in said):
                if not self.found.done():
                    self.found.set_result(said)
                return True
        return False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question of a browser."""
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            async with asyncio.timeout(HEAD_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._reply(head.partition(b"\r\n")[0].decode("ascii", "replace")))
                await writer.drain()
        writer.close()

    def _reply(self, line: str) -> bytes:
        method, _, rest = line.partition(" ")
        is_answer = method == "GET" and self.take(urlsplit(rest.partition(" ")[0]).query)
        words = "Done. You may close this page." if is_answer else "This is not what is waited for."
        fields = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close"
        status = "200 OK" if is_answer else "404 Not Found"
        return f"HTTP/1.1 {status}\r\n{fields}\r\nContent-Length: {len(words)}\r\n\r\n{words}".encode()


def _plain(text: str) -> str:
    """For a form and a terminal."""
    return "".join(letter for letter in text if letter.isprintable())
