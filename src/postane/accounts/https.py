"""Asks an authorization server, and trusts what comes back no further than it must.

An answer has a limit of size and of time, redirects are not followed, nothing is kept from one answer for the next
(cookies), and no proxy or netrc of the environment is used. Everything that goes wrong is AccountsUnavailable: it may
pass, or the operator reads in the log what to do. What was sent is in no text: it has a token or a secret in it.

Must not know: tokens, accounts.
"""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from .base import AccountsUnavailable
from .schema import UNAVAILABLE

ANSWER_LIMIT = 262_144
"""Octets of an answer at most; a set of keys has a few thousand."""

CONNECTIONS = 20
"""Questions asked at once by one process; others wait for their turn, within their time."""


class Https:
    """Asks over HTTPS; `ca` is a file of who may have signed the server's certificate, without it the system says.

    Opened at the first use: a process may fork after making it, not after using it.
    """

    def __init__(self, timeout: float, ca: Path | None = None, limit: int = ANSWER_LIMIT) -> None:
        self._timeout = timeout
        self._ca = ca
        self._limit = limit
        self._opened: httpx2.AsyncClient | None = None

    async def get(self, url: str) -> bytes:
        """What is there. Raises AccountsUnavailable."""
        return await self._ask("GET", url, {}, b"")

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """What the server answers to a form. Raises AccountsUnavailable."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", url, {**headers, **kind}, urlencode(form).encode())

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> bytes:
        wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        client = await self._client()
        try:
            async with (
                asyncio.timeout(self._timeout),  # for all of it: the client's own is for each piece
                client.stream(method, url, headers=wanted, content=content) as answer,
            ):
                return await self._read(url, answer)
        except TimeoutError:
            raise unavailable(url, f"did not answer within {self._timeout:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:  # from None: it holds the question
            raise unavailable(url, str(error) or type(error).__name__) from None
        finally:
            client.cookies.clear()

    async def _read(self, url: str, answer: httpx2.Response) -> bytes:
        if answer.status_code in (401, 403):
            raise unavailable(url, f"answered {answer.status_code}: are client_id and client_secret_file right?")
        if answer.status_code != 200:
            raise unavailable(url, f"answered {answer.status_code}, not 200")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise unavailable(url, "answered with a compression that it was not asked for")
        octets = bytearray()
        async for piece in answer.aiter_raw():
            octets += piece
            if len(octets) > self._limit:
                raise unavailable(url, f"answered with more than {self._limit} octets")
        return bytes(octets)

    async def _client(self) -> httpx2.AsyncClient:
        if self._opened is None:
            trusted = await asyncio.to_thread(self._trusted)  # reads hundreds of certificates
            if self._opened is None:  # another who asked at the same time may have been faster
                self._opened = httpx2.AsyncClient(
                    verify=trusted,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=self._timeout,
                    limits=httpx2.Limits(max_connections=CONNECTIONS),
                )
        return self._opened

    def _trusted(self) -> ssl.SSLContext:
        if self._ca is None:
            return httpx2.create_ssl_context(trust_env=False)
        try:
            return ssl.create_default_context(cafile=self._ca)
        except OSError as error:  # SSLError is one
            raise unavailable(str(self._ca), f"cannot be read as certificates: {error.strerror or error}") from None


def unavailable(place: str, words: str) -> AccountsUnavailable:
    """The error for an authorization server, or a file of its, that cannot be used now."""
    return AccountsUnavailable(UNAVAILABLE, f"{place}: {words}")
