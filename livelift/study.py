"""A study: every number of one experiment, read from its folder's `study.toml` and checked once, at the boundary.

`load_study` refuses a wrong file with the file, the key and the fix. The event type and the session measures of the
study stand in the file too; what it cannot express, in a `study.py` beside it.
"""

import hashlib
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from livelift.churn import Churn
from livelift.errors import StudyError
from livelift.event_time import DAY, SECOND, from_date
from livelift.experiments import Experiments, split_reference, with_experiment
from livelift.experiments import checks as experiment_checks
from livelift.lookups import Lookups
from livelift.measures import Measures
from livelift.quantiles import with_bins
from livelift.retention import FirstDays, LaterDay, Retention
from livelift.sessions import session_measures
from livelift.source import Fields, Source
from livelift.study_checks import OWN_TOTALS, SESSIONS, USERS, checks
from livelift.study_folders import DECLARATION, MODULE, find_study, shown
from livelift.study_messages import explained, given
from livelift.tables import Tables
from livelift.user_tables import RETENTION_COLUMNS, Segments, Users, UserTables
from livelift.user_tables import USERS as USERS_TABLE


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the study file: unknown keys are refused."""


class Windows(_Part, frozen=True):
    """What a window of a user's events is; lengths in seconds.

    kind
        *gap*: a session, which a gap of more than `gap_seconds` ends; *row*: each event is a closed session by itself.
    """

    gap_seconds: int = 0
    allowed_lateness_seconds: int = 0
    kind: Literal["gap", "row"] = "gap"

    @property
    def gap_ms(self) -> int:
        return self.gap_seconds * SECOND

    @property
    def lateness_ms(self) -> int:
        return self.allowed_lateness_seconds * SECOND


class Experiment(_Part, frozen=True):
    """Who is in which arm, and when.

    arm_field, control_value, treatment_value
        Where somebody else assigns: the field of the events that names the user's arm, and its two values. A user's arm is that
        of the first event in the period that names one; whom none names is not in the experiment. Without `arm_field` the arm is
        a hash of `salt` and user.
    control_percent
        Of the users, as assigned: what the sample-ratio check expects.
    """

    salt: str
    control_percent: int
    assignment: Literal["randomised", "observed"]
    period_start: date
    period_end: date
    pre_period_days: int
    minimum_sessions: int
    wait_days: int = 1
    arm_field: str = ""
    control_value: str | int = ""
    treatment_value: str | int = ""

    @property
    def can_be_drawn_again(self) -> bool:
        """Is the assignment a random split that this program can repeat, as the re-randomisation test does?"""
        return self.assignment == "randomised" and not self.arm_field

    @property
    def start_ms(self) -> int:
        """The period's first instant."""
        return from_date(self.period_start)

    @property
    def end_ms(self) -> int:
        """The period's end, exclusive."""
        return from_date(self.period_end)

    @property
    def wait_until_ms(self) -> int:
        """A session of the period that is not due before this never counts, and the completion does not wait for it any more."""
        return self.end_ms + self.wait_days * DAY

    @property
    def pre_start_ms(self) -> int:
        """The pre-period's first instant."""
        return self.start_ms - self.pre_period_days * DAY

    @property
    def days(self) -> int:
        """K, the number of looks: one at each midnight inside the period, one at its completion."""
        return (self.end_ms - self.start_ms) // DAY


class Names(_Part, frozen=True):
    """What a person reads for each variant."""

    control: str
    treatment: str


class Decision(_Part, frozen=True):
    """The rule. `minimum_lift` and `guardrail_margin` are fractions."""

    primary: str
    minimum_lift: float
    alpha: float
    guardrail_margin: float
    guardrail_alpha: float


class Statistics(_Part, frozen=True):
    buckets: int
    draws: int
    minimum_users: int
    planned_standard_error: float
    prior_session_seconds: int


class Health(_Part, frozen=True):
    sample_ratio_concentration: float
    sample_ratio_alpha: float
    maximum_late_share: float
    maximum_rejected_share: float
    inclusion_alpha: float = 0.01
    maximum_in_both_share: float = 0.01


class Simulated(_Part, frozen=True):
    """What the simulation of this very study found: how often the classic t-test over sessions rejects without an effect,
    once at the end and when watched. `design` is the `Study.design` that was simulated; `page` tells more of it."""

    design: str
    classic_once: str
    classic_watched: str
    page: str = ""


class Metric(_Part, frozen=True):
    """One metric: a user's value is one total of the user divided by another.

    numerator
        *sessions*, or the sum of a measure under its name.
    denominator
        *users* for a total per user, *sessions* for a mean over the user's sessions (the classic unit is then the session), or
        the sum of a measure.
    retention
        In place of the two: of the user's anchor days, the share with activity again some days later.
    first_days
        In place of the two: the user's sessions that begin in the first days, known once these are over.
    divide_by
        A shown value is the raw one over this.
    resolution
        A user's value is kept as a whole number of so many units per raw unit, so that sums are exact; 0: 10 of a mean length
        in seconds, a million of any other mean or ratio, which leaves room for values up to 3,037. A total per user is whole.
    """

    title: str
    unit: str
    higher_is_better: bool
    numerator: str = ""
    denominator: str = ""
    retention: Retention | None = None
    first_days: FirstDays | None = None
    divide_by: int = 1
    resolution: int = 0

    @property
    def later_day(self) -> LaterDay | None:
        """What is known at the end of a later day only."""
        return self.retention or self.first_days


class Study(_Part, frozen=True):
    schema: int
    name: str
    title: str
    source: Source
    windows: Windows
    experiment: Experiment
    names: Names
    decision: Decision
    statistics: Statistics
    health: Health
    metrics: dict[str, Metric]
    fields: Fields = {}
    lookups: Lookups = {}
    measures: Measures = {}  # empty: the folder's study.py has them
    simulated: Simulated | None = None
    experiments: Experiments = {}
    tables: Tables = {}
    users: Users = Users()
    segments: Segments = {}
    user_tables: UserTables = {}
    churn: Churn = Churn()
    fingerprint: str = ""  # SHA-256 of the folder's files, 16 hex digits: a changed study is a new run
    folder: str = ""  # absolute path; empty for a study that was read from bytes alone

    @property
    def design(self) -> str:
        """What error rates depend on, as 16 hexadecimal digits: another design has other rates, and so have the users of
        another study, as which a copy under another name counts."""
        parts = (
            self.name, self.fields, self.windows, self.measures, self.experiment, self.decision, self.statistics, self.metrics,
        )  # fmt: skip
        return _fingerprint(msgspec.json.encode(parts))

    @property
    def event_tables(self) -> Tables:
        """The tables that events are added to: the declared ones with their bins, and that of the users' rows."""
        own = {USERS_TABLE: self.users.table} if self.users.values else {}
        return {**with_bins(self.tables), **own}

    @property
    def all_tables(self) -> list[str]:
        """The tables that have rows to show, that of the users too."""
        return [*self.tables, *([USERS_TABLE] if self.users.values else []), *self.user_tables]

    @property
    def table_names(self) -> list[str]:
        """The tables that a person asks for by name; the users' rows have a command of their own."""
        return [*self.tables, *self.user_tables]

    def table_keys(self, name: str) -> list[str]:
        """The columns that tell a row of a table from others."""
        if name in self.tables:
            return self.tables[name].key_columns
        table = self.user_tables[name]
        return [*(self.segments[by].key_column for by in table.by), *(["day"] if table.retention else [])]

    def table_columns(self, name: str) -> list[str]:
        """All columns of a table, in their order."""
        if name in self.tables:
            return self.tables[name].columns
        table = self.user_tables[name]
        return [*self.table_keys(name), *(RETENTION_COLUMNS[1:] if table.retention else table.values)]

    def table_window(self, name: str) -> str:
        """A table's window; of users it is all of time."""
        return self.tables[name].window if name in self.tables else "all"

    @property
    def guardrails(self) -> tuple[str, ...]:
        """The metrics that are not the primary, in the file's order."""
        return tuple(name for name in self.metrics if name != self.decision.primary)


def load_study(name_or_folder: str) -> Study:
    """The study of that name, or in that folder (`livelift.study_folders`), with its measures checked against its metrics.

    With a dot and a name at its end, the study's further experiment of that name (`livelift.experiments`).

    Raises
    ------
    StudyError
        If there is no such study, or a file of it is wrong.
    """
    reference, experiment = split_reference(name_or_folder)
    folder = find_study(reference)
    file = shown(folder / DECLARATION)
    content = _read(folder / DECLARATION)
    study = parse_study(content, file)
    if study.name != folder.name:
        raise StudyError(
            f"{file}: key 'name' is '{study.name}', but the study's folder is called '{folder.name}'",
            f'write name = "{folder.name}": two studies of one name would share topics and keys',
        )
    module = _read(folder / MODULE) if (folder / MODULE).exists() else b""
    study = msgspec.structs.replace(study, folder=str(folder), fingerprint=_fingerprint(content + module))
    _check_measures(study, session_measures(study).names, file)
    return with_experiment(study, experiment) if experiment else study


def parse_study(content: bytes, file: str) -> Study:
    """Read and check the bytes of a study file; `file` is its name in messages.

    Raises
    ------
    StudyError
        Naming file, key and fix.
    """
    try:
        study = msgspec.toml.decode(content, type=Study)
    except msgspec.ValidationError as error:
        what, fix = explained(str(error), msgspec.toml.decode(content), Study)
        raise StudyError(f"{file}: {what}", fix) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{file}: not valid TOML: {error}", "mend the line that the message names") from None
    for key, wrong, fix in [*checks(study), *experiment_checks(study)]:
        if wrong:
            raise StudyError(f"{file}: key '{key}' is wrong{given(msgspec.toml.decode(content), key)}", fix)
    if study.measures:
        _check_measures(study, tuple(study.measures), file)
    return msgspec.structs.replace(study, source=_without_tables(study), fingerprint=_fingerprint(content), folder="")


def _without_tables(study: Study) -> Source:
    """The input's declaration; a table that lies beside the input is not taken for it, whatever `file_glob` is."""
    tables = [lookup.file for lookup in study.lookups.values()]
    return msgspec.structs.replace(study.source, exclude=list(dict.fromkeys([*study.source.exclude, *tables])))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StudyError(
            f"{shown(file)} cannot be read: {error.strerror}", "let it be a file that this user can read"
        ) from None


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _check_measures(study: Study, names: tuple[str, ...], file: str) -> None:
    """Every total that a metric names is one of the user's own or one of the measures `names`."""
    if taken := set(names) & set(OWN_TOTALS):
        raise StudyError(
            f"{file}: a measure is called '{min(taken)}', which is the name of a user's own total", "call it otherwise"
        )
    totals = {"numerator": (SESSIONS, *names), "denominator": (USERS, SESSIONS, *names)}
    for name, metric in study.metrics.items():
        for key, total in (("numerator", metric.numerator), ("denominator", metric.denominator)):
            if total and total not in totals[key]:
                raise StudyError(
                    f"{file}: key 'metrics.{name}.{key}' names '{total}', which is no measure of the study",
                    f"use one of: {', '.join(totals[key])}",
                )
