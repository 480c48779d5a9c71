"""Asks web servers, and trusts what comes back no further than it must: by `httpx2`.

An answer has a limit of size and of time, nothing is kept from one answer for the next (cookies), and no proxy or netrc
of the environment is used. It is asked over TLS, on loopback also without. What was sent is in no text: there may be
secrets in it; of a URL its query is told no more than that.

Must not know: what is asked for.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

from .base import (
    ANSWER_LIMIT,
    HttpAnswer,
    LinkLost,
    NetError,
    TooSlow,
    Unreachable,
    Untrusted,
    is_private_url,
    words_of,
)
from .distrust import words_of as words_of_tls
from .pem import explain_certificates

TIMEOUT = 30.0
"""Seconds for a question with all that it leads to."""

REDIRECTS = 3
"""How often a question is sent on, where that is allowed."""

CONNECTIONS = 20
"""Questions asked at once; others wait for their turn, within their time."""

_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked; there may be secrets in all of it."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


class HttpsClient:
    """An Http. `authority` is a PEM file of whom to believe, None: whom the system believes. With `follows`, a GET goes
    where an answer sends it on to, at most REDIRECTS times; a form never does.

    Opened at the first use: a process may fork after making it, not after using it.
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        limit: int = ANSWER_LIMIT,
        authority: Path | None = None,
        follows: bool = False,
    ) -> None:
        self._timeout = timeout
        self._limit = limit
        self._authority = authority
        self._redirects = REDIRECTS if follows else 0
        self._opened: httpx2.AsyncClient | None = None

    async def get(self, url: str) -> HttpAnswer:
        """See Http. Without `follows`, an answer that sends elsewhere is given as it is."""
        return await self._in_time(_Question("GET", url, {"Accept": "*/*"}))

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """See Http."""
        kind = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return await self._in_time(_Question("POST", url, {**kind, **(headers or {})}, urlencode(form).encode()))

    async def close(self) -> None:
        """See Http."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def _in_time(self, question: "_Question") -> HttpAnswer:
        try:
            async with asyncio.timeout(self._timeout):  # for all of it: the client's own is for each piece
                return await self._follow(question)
        except TimeoutError:
            raise self._too_slow(question.url) from None

    async def _follow(self, question: "_Question") -> HttpAnswer:
        follows = self._redirects > 0 and question.method == "GET"
        for _ in range(1 + self._redirects):
            if not is_private_url(question.url):
                raise Untrusted(f"{_told(question.url)} is not asked: it is no https:// URL")
            answer, elsewhere = await self._ask(question)
            if elsewhere is None or not follows:
                return answer
            asked, question = question.url, replace(question, url=_next(question.url, elsewhere))
        raise LinkLost(f"{_told(asked)} sends the question on, more than {self._redirects} times")

    async def _ask(self, question: "_Question") -> tuple[HttpAnswer, str | None]:
        """The answer, and where it sends on to."""
        url, headers = question.url, {**question.headers, "Accept-Encoding": "identity"}
        client = await self._client()
        try:
            async with client.stream(question.method, url, headers=headers, content=question.content) as answer:
                octets = await self._read(url, answer)
                elsewhere = answer.headers.get("Location") if answer.status_code in _MOVED else None
                return HttpAnswer(answer.status_code, octets), elsewhere
        except httpx2.TimeoutException:
            raise self._too_slow(url) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise _net_error(url, error) from None  # it holds the question
        finally:
            client.cookies.clear()

    async def _read(self, url: str, answer: httpx2.Response) -> bytes:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise LinkLost(f"{_told(url)} answered with a compression that it was not asked for")
        octets = bytearray()
        async for piece in answer.aiter_raw():
            octets += piece
            if len(octets) > self._limit:
                raise LinkLost(f"{_told(url)} answered with more than {self._limit} octets")
        return bytes(octets)

    def _too_slow(self, url: str) -> TooSlow:
        return TooSlow(f"{_told(url)} did not answer within {self._timeout:g} s")

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
        if self._authority is None:
            return httpx2.create_ssl_context(trust_env=False)
        try:
            return ssl.create_default_context(cafile=self._authority)
        except OSError as error:  # SSLError is one
            raise Untrusted(explain_certificates(self._authority, error)) from error


def _next(url: str, elsewhere: str) -> str:
    """Where a question is sent on to: from TLS never out of it, and be it to this machine."""
    target = urljoin(url, elsewhere)
    if url.startswith("https:") and not target.startswith("https:"):
        raise Untrusted(f"{_told(url)} sends the question on to where there is no TLS")
    return target


def _told(url: str) -> str:
    """A URL without its query and its user."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the server"
    return f"{parts.scheme}://{place}{parts.path}"


def _net_error(url: str, error: Exception) -> NetError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(f"the certificate of {_told(url)} is not believed: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return Untrusted(f"TLS with {_told(url)} failed: {words_of_tls(cause)}")
    systems = [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno]
    words = words_of(systems[-1] if systems else error)
    if isinstance(error, httpx2.ConnectError | httpx2.InvalidURL | httpx2.UnsupportedProtocol | UnicodeError):
        return Unreachable(f"cannot reach {_told(url)}: {words}")
    return LinkLost(f"{_told(url)} gave no answer: {words}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
