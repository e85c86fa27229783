"""Names of topics, consumer groups and Redis keys, each with the study and the run, so that runs never share state."""

import re
from dataclasses import dataclass

from livelift.errors import SettingsError


@dataclass(frozen=True, slots=True)
class RunNames:
    """Where one run lives in Kafka and Redis.

    >>> RunNames("lastfm", "r1").events
    'livelift.lastfm.r1.events'
    """

    study: str
    run: str

    @property
    def application(self) -> str:
        """The Faust application id, hence the consumer group and the changelog's prefix."""
        return f"livelift.{self.study}.{self.run}"

    @property
    def events(self) -> str:
        return f"{self.application}.events"

    @property
    def output(self) -> str:
        """The ordered output log: closed sessions, users' totals, marks."""
        return f"{self.application}.output"

    @property
    def dead_letters(self) -> str:
        return f"{self.application}.dead"

    @property
    def changelog(self) -> str:
        """As Faust names the changelog of the table `state`."""
        return f"{self.application}-state-changelog"

    def key(self, name: str) -> str:
        """The Redis key `name` of this run."""
        return f"livelift:{self.study}:{self.run}:{name}"


def check_run(run: str, name: str) -> str:
    """An id that can be part of a topic's name, a key and a path; `name` is the setting or flag.

    >>> check_run("20261125-025059-4eda", "--run")
    '20261125-025059-4eda'

    Raises
    ------
    SettingsError
        If it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", run):
        raise SettingsError(f"{name} is '{run}'", "use up to 64 letters, digits, _ and -: it names topics")
    return run


def verdict_key(study: str) -> str:
    """Current verdict of the study, JSON: what a person GETs."""
    return f"livelift:{study}:verdict"


def preview_key(study: str) -> str:
    """What the numbers look like between two ticks, JSON; decides nothing."""
    return f"livelift:{study}:preview"


def headline_key(study: str) -> str:
    """The verdict's headline as a hash, for the shell: HGET … decision."""
    return f"livelift:{study}:headline"


def current_run_key(study: str) -> str:
    """The id of the run that `verdict` and `headline` speak of."""
    return f"livelift:{study}:run"


def changes_channel(study: str) -> str:
    """Channel on which every change of the verdict is published."""
    return f"livelift:{study}:changes"
