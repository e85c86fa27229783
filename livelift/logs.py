"""Configures structured logging of a station: JSON lines on standard error or to a file."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from livelift.escaping import harmless_lines, json_line

FILE_BYTES = 16 << 20
"""What a log may grow to before it is moved aside, in place of the one that was moved before."""


def set_up(station: str, file: Path | None = None, *, tell: bool = False) -> None:
    """Send this process's logs to standard error, or append them to `file`: one JSON object a line with the station's name.

    With `tell`, a person on standard error reads as well what our own code has to say, in short lines.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]

    def named(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["station"] = station
        return event

    def formatter(*processors: structlog.typing.Processor) -> logging.Formatter:
        first = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[first, *processors])

    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        logging.raiseExceptions = False  # a line that a full disk does not take is not worth a traceback
        handler: logging.Handler = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(structlog.processors.format_exc_info, named, _as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    if tell:
        person = logging.StreamHandler(sys.stderr)
        person.addFilter(logging.Filter("livelift"))
        to_terminal = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
        person.setFormatter(formatter(_harmless, to_terminal))
        root.addHandler(person)
    root.setLevel(logging.INFO)
    for chatty in ("kafka", "aiokafka"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _as_json(_: object, __: str, event: structlog.typing.EventDict) -> str:
    return json_line(event, default=repr)


def _harmless(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Names of users, files and texts of events come from others."""
    return {key: harmless_lines(value) if isinstance(value, str) else value for key, value in event.items()}
