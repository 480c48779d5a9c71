"""What came from a POP3 server and was not read yet: lines out of it, and bodies.

RFC 1939 s3. A line may end with a bare LF, since there are servers that write nothing else. How the first line of a
reply ends tells how its body does: after a CRLF only CRLF ends a line, so that a message with `LF . LF` in it cannot
end itself early and be followed by a reply of its own making.

Must not know: what a line means, which replies have a body.
"""

from postane.wire.bare_lf import BareUnstuffer
from postane.wire.dots import END, Unstuffer, has_dotted_line
from postane.wire.errors import Fault, RemoteProtocolError


class ReplyBuffer:
    """Octets in; lines, and bodies that are not stuffed any more, out. `is_bare`: the last line ended with LF alone."""

    __slots__ = ("_body", "_buffer", "_scanned", "_start", "is_bare")

    def __init__(self) -> None:
        self._buffer = b""
        self._start = 0  # the first octet not given out
        self._scanned = 0  # the first octet not searched for a line end
        self._body: Unstuffer | BareUnstuffer | None = None
        self.is_bare = False

    def __len__(self) -> int:
        """Octets that were fed and not given out."""
        return len(self._buffer) - self._start

    def peek_all(self) -> bytes:
        """The same octets, left where they are."""
        return self._buffer[self._start :]

    def feed(self, octets: bytes) -> None:
        """Append what came from the server."""
        if self._buffer:
            self._buffer = self._buffer[self._start :] + octets
            self._scanned -= self._start
            self._start = 0
        else:
            self._buffer = octets

    def next_line(self, limit: int) -> bytes | None:
        """The next line without its end, None: it is not complete. `limit` counts octets with the line end.

        Raises RemoteProtocolError, fatal: which reply a line over it was meant to be cannot be known.
        """
        buffer, start = self._buffer, self._start
        found = buffer.find(b"\n", self._scanned)
        if found < 0:
            self._scanned = len(buffer)
            if len(buffer) - start >= limit:
                raise RemoteProtocolError("line too long", Fault.TOO_LONG, fatal=True)
            return None
        stop = found + 1
        if stop - start > limit:
            raise RemoteProtocolError("line too long", Fault.TOO_LONG, fatal=True)
        self._consume(stop)
        self.is_bare = found == start or buffer[found - 1] != 0x0D
        return buffer[start : found if self.is_bare else found - 1]

    def take_body(self) -> bytes | None:
        """The body that begins here, if all of it is here and no piece of it was given; None: ask for its pieces.

        RFC 1939 s3: up to a line with a single dot, which is left out.
        """
        if self._body is not None or self.is_bare:
            return None
        buffer, start = self._buffer, self._start
        if buffer.startswith(b".\r\n", start):
            self._consume(start + 3)
            return b""
        found = buffer.find(END, start)
        if found < 0:
            return None
        self._consume(found + len(END))
        body = buffer[start : found + 2]
        if has_dotted_line(body):
            body = body.replace(b"\r\n.", b"\r\n")
        return body[1:] if body.startswith(b".") else body

    def next_piece(self) -> bytes | None:
        """The next octets of the body, b"" where there are none at hand; None: it is complete."""
        body = self._body
        if body is None:
            body = self._body = BareUnstuffer() if self.is_bare else Unstuffer()
        if body.is_finished:
            self._body = None
            return None
        octets = body.feed(self.peek_all()) if len(self) else b""
        self._buffer, self._start, self._scanned = (body.rest if body.is_finished else b""), 0, 0
        if body.is_finished and not octets:
            self._body = None
            return None
        return octets

    def _consume(self, stop: int) -> None:
        if stop >= len(self._buffer):
            self._buffer, stop = b"", 0
        self._start = self._scanned = stop
