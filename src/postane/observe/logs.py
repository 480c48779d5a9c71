"""The log: lines for people on a terminal, JSON for programs elsewhere, always on standard error.

Must not know: what is logged. Secrets never get this far: whoever logs names the verb, never its argument.
"""

import logging
import sys

import structlog


def configure_logs(level: str, form: str) -> None:
    """Set up structlog for this process; `form` is "json", "text" or "auto" (text on a terminal)."""
    is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    ending: list[structlog.typing.Processor] = (
        [_show_control_characters, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if is_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *ending,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # A line and its end are one write: what two workers tell at the same moment must not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _show_control_characters(
    _log: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What a peer said must not move the cursor of the person who reads it; JSON escapes by itself."""
    return {key: _shown(value) if isinstance(value, str) else value for key, value in event.items()}


def _shown(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
