"""The tree of errors that a user may see: each says what happened, why, and how to fix it.

LiveliftError
├── InputError          the data: empty, not the expected format, nothing acceptable
│   └── MissingInputError   there is none
├── StudyError          a study: unknown, or its file is wrong (names file, key and fix)
├── SettingsError       a flag or an environment variable that cannot be used
├── UnreachableError    Kafka or Redis does not answer, or refuses us
│   └── DeniedError         Redis denies its user a command, key or channel
├── ResourceError       the machine: disk, port, missing program
├── VersionError        a stored or sent record of an unknown schema version
├── StateError          stored state that contradicts the log (a gap, another run's data)
└── StandstillError     a station made no progress although there was work: start it again
"""

import errno
import os
from collections.abc import Sequence
from typing import Self

DISK_FULL = os.strerror(errno.ENOSPC)
"""What the operating system says of a full disk, and Kafka and Redis after it."""

NEW_RUN = "start a new run with this program: livelift reset, then livelift demo"
"""The fix where another version of this program wrote what is stored."""


class LiveliftError(Exception):
    """A failure with its cause and its fix, shown to a person without a traceback.

    Parameters
    ----------
    what
        What happened, one sentence.
    fix
        What the reader can do about it, one sentence or a command.
    """

    exit_code = 1

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}\n  fix: {fix}" if fix else what)


class InputError(LiveliftError):
    exit_code = 3


class MissingInputError(InputError):
    pass


class StudyError(LiveliftError):
    exit_code = 4


class SettingsError(LiveliftError):
    exit_code = 2


class UnreachableError(LiveliftError):
    exit_code = 5


class DeniedError(UnreachableError):
    """A right that the user of Redis lacks: names user, command, key or channel, and the line that gives it."""

    @classmethod
    def of_command(cls, user: str, command: str) -> Self:
        return cls._of(user, f"the command {command}", f"+{command.lower().replace(' ', '|')}")

    @classmethod
    def of_keys(cls, user: str, command: str, keys: Sequence[str]) -> Self:
        what = f"the key{'s' if len(keys) > 1 else ''} {', '.join(keys)} (command {command})"
        return cls._of(user, what, "~livelift:*")

    @classmethod
    def of_channel(cls, user: str, command: str, channel: str) -> Self:
        return cls._of(user, f"the channel {channel} (command {command})", "&livelift:*")

    @classmethod
    def _of(cls, user: str, what: str, right: str) -> Self:
        return cls(
            f"Redis denies its user '{user}' {what}",
            f"ACL SETUSER {user} {right}  (docs/08-redis.md has all rights that livelift needs)",
        )


class ResourceError(LiveliftError):
    exit_code = 6


class VersionError(LiveliftError):
    exit_code = 7


class StateError(LiveliftError):
    exit_code = 8


class StandstillError(LiveliftError):
    exit_code = 9
