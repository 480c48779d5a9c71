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
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
