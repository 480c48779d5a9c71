"""What an authorization server answers, or that it cannot be used now.

Everything that goes wrong is AccountsUnavailable: it may pass, or the operator reads in the log what to do. What was
sent is in no text: it has a token or a secret in it.

Must not know: tokens, accounts; how a web server is asked (that is given to it).
"""

from collections.abc import Awaitable, Mapping

from postane.net.base import Http, HttpAnswer, NetError

from .base import AccountsUnavailable
from .schema import UNAVAILABLE


class Https:
    """Asks by `http`, which follows no redirects; its are the limits of size and of time."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def get(self, url: str) -> bytes:
        """What is there. Raises AccountsUnavailable."""
        return await _judged(url, self._http.get(url))

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """What the server answers to a form. Raises AccountsUnavailable."""
        return await _judged(url, self._http.post(url, form, headers))

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        await self._http.close()


async def _judged(url: str, asking: Awaitable[HttpAnswer]) -> bytes:
    try:
        answer = await asking
    except NetError as error:
        raise AccountsUnavailable(UNAVAILABLE, error.text) from None
    if answer.status in (401, 403):
        raise unavailable(url, f"answered {answer.status}: are client_id and client_secret_file right?")
    if answer.status != 200:
        raise unavailable(url, f"answered {answer.status}, not 200")
    return answer.octets


def unavailable(place: str, words: str) -> AccountsUnavailable:
    """The error for an authorization server, or a file of its, that cannot be used now."""
    return AccountsUnavailable(UNAVAILABLE, f"{place}: {words}")
