"""Names of topics, groups and keys. Each carries the study and the run, so that a fresh replay never meets old state."""

from dataclasses import dataclass


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
        """The ordered output log: closed sessions, resolved user-days, marks."""
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
