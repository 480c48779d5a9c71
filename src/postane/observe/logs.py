"""The log: lines for people on a terminal, JSON for programs elsewhere, always on standard error.

Must not know: what is logged. Secrets never get this far: whoever logs names the verb, never its argument.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.typing import FilteringBoundLogger

from .lines import JsonLine, LineWriter, Stamp

MOST_SHOWN = 255
"""Octets shown of what a client called a name: no name in the DNS has more."""


def configure_logs(level: str, form: str) -> None:
    """Set up structlog for this process; `form` is "json", "text" or "auto" (text on a terminal)."""
    is_terminal = sys.stderr.isatty()
    is_text = form == "text" or (form == "auto" and is_terminal)
    rendering: list[structlog.typing.Processor] = (
        [_show_control_characters, structlog.dev.ConsoleRenderer(colors=is_terminal)] if is_text else [JsonLine()]
    )
    structlog.configure(
        processors=[Stamp(), *rendering],
        wrapper_class=_make_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_logger_factory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _make_logger(level: int) -> type[FilteringBoundLogger]:
    """structlog's class, with a shorter way for what each session tells: a copy less at each of three steps."""
    usual = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return usual

    def info(self: Any, event: Any = None, *args: Any, **told: Any) -> Any:
        if args or event is None or self._context:
            return usual.info(self, event, *args, **told)
        told["event"] = event
        line: Any = told
        try:
            for process in self._processors:
                line = process(self._logger, "info", line)
        except structlog.DropEvent:
            return None
        return self._logger.info(line)

    return type(usual.__name__, (usual,), {"info": info})


def _logger_factory(stream: TextIO) -> Callable[..., structlog.typing.WrappedLogger]:
    """A line and its end are one write: what two workers tell at the same moment must not mix."""
    try:
        writer = LineWriter(stream.fileno(), stream.encoding, stream.errors or "strict")
    except (AttributeError, OSError):  # no file of the system's, as under a test
        return structlog.WriteLoggerFactory(stream)
    return lambda *_: writer


def log_unraisable() -> None:
    """From now on this process logs what cannot be raised, which Python would print beside the log."""
    sys.unraisablehook = _tell_unraisable


def _tell_unraisable(trouble: "sys.UnraisableHookArgs") -> None:
    log, error = structlog.get_logger("postane"), trouble.exc_value
    if isinstance(error, UnicodeDecodeError) and isinstance(trouble.object, bytes):
        # ssl decodes the name that a client asks for before anybody of ours is asked; the handshake fails.
        log.info("client asked for a name that is none", why=f"{error.reason}: {error.object[:MOST_SHOWN]!r}")
    else:
        log.error("unraisable error", exc_info=error)


def _show_control_characters(
    _log: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What a peer said must not move the cursor of the person who reads it; JSON escapes by itself."""
    return {key: _shown(value) if isinstance(value, str) else value for key, value in event.items()}


def _shown(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
