"""A client that logs in by SASL over any protocol whose lines a test can say and hear."""

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable

from postane.sasl.base import Identity
from postane.sasl.registry import CLIENT_MECHANISMS

Say = Callable[[bytes], Awaitable[bytes]]
"""Says a line, gives what came back."""


async def log_in(
    say: Say, mechanism: str, identity: Identity, *, mark: bytes = b"+ ", is_initial: bool = True
) -> bytes:
    """AUTH to its end; the last line that came. `mark` begins a challenge; `is_initial`: respond on the first line."""
    client = CLIENT_MECHANISMS[mechanism](identity)
    initial = client.start()
    line = b"AUTH " + mechanism.encode()
    if initial is not None and is_initial:
        line += b" " + (b64encode(initial) or b"=")
        initial = None
    heard = await say(line)
    for _ in range(5):
        if not heard.startswith(mark):
            break
        challenge = b64decode(heard.removeprefix(mark).strip())
        response, initial = (initial if initial is not None else client.step(challenge)), None
        heard = await say(b64encode(response))
    if heard.startswith((b"+OK", b"235")):
        client.finish()
    return heard
