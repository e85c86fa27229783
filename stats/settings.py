"""The stats station's settings: one frozen object, built in `__main__` or by the command line, never at import."""

from dataclasses import dataclass, field

from livelift.names import RunNames


@dataclass(frozen=True, slots=True)
class StatsSettings:
    """kafka "host:port"; redis a URL; which study (its name, or its folder until it is loaded) and run; `preview_seconds` between displays within ticks."""

    kafka: str
    redis: str = field(repr=False)  # may hold the password
    study: str
    run: str
    preview_seconds: float = 0.25

    @property
    def names(self) -> RunNames:
        return RunNames(self.study, self.run)
