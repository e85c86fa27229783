"""Entry point of `livelift`: installs signal handlers first, then imports the commands, which takes a while."""

import sys

from cli.interrupts import end_at_once, end_in_order, end_now, interruption


def main() -> None:
    """Run a command. Errors of ours are two lines; Ctrl-C and SIGTERM end it in good order, in one line."""
    end_at_once()
    from cli.app import app
    from cli.failures import explained, show
    from livelift.errors import LiveliftError

    end_in_order()
    code: int | str | None = 0
    try:
        app()
    except SystemExit as ended:  # as Typer ends, also of a KeyboardInterrupt
        code = ended.code
    except BaseException as error:
        # A library may turn the interruption into an error of its own: an ImportError, DuckDB's RuntimeError.
        if interruption.number is None:
            known = explained(error) if isinstance(error, OSError) else error
            if not isinstance(known, LiveliftError):
                raise
            code = show(known)
    end_at_once()
    if interruption.number is not None:
        print(interruption.line, file=sys.stderr)
        code = interruption.exit_code
    end_now(code)
