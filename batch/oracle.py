"""The batch oracle: sessions, counts and sums computed by SQL over the whole file, to equal the stream's (promise P1).

It shares the study file with the pipeline and no code, so agreement of the two is evidence that both are right.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from batch.arm_sql import arm_parts
from batch.database import open_database
from batch.feed import batches, fed, raw_sql
from batch.lines import text_lines
from batch.measure_sql import measure_sql
from batch.row_sql import FOR_EVER, event_parts, fields_at, row_parts
from batch.statements import query
from batch.table_sql import event_columns, table_sql
from batch.tick_rows import read_ticks
from batch.user_table_sql import person_sql, user_table_sql, users_sql
from livelift.assignment import VARIANTS
from livelift.errors import InputError, StateError
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums

ROWS_A_FETCH = 10_000

SHOWN_BYTES = 80
"""Of a row that a message quotes."""


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """A session; times in ms. `variant` None: no event has named the user's arm. `first_in_period` is its first event inside the period, None where it has none."""

    user: str
    variant: str | None
    start: int
    end: int
    measures: dict[str, int]
    in_period: bool
    first_in_period: int | None


@dataclass(frozen=True, slots=True)
class ResolvedDay:
    """An anchor day of a user (`day` counted from 1970-01-01 = 0) whose later day is over: 1 if the user was back on that, or how many
    sessions of the first days there were. The study's retentions are numbered from 1, each once in the order of the metrics."""

    user: str
    variant: str
    retention: int
    day: int
    returned: int


class Oracle:
    """What the file at `data` comes to under `study`.

    The file is read once, when the first answer is asked for. Use it as a context manager, or `close` it: its database
    lies in a temporary folder, about 60 bytes a row.

    Parameters
    ----------
    data
        A file of the format that the study declares, or the folder of several (`batch.files`); text may be packed
        (`batch.packing`).
    select_from, select_to
        Only events in [select_from, select_to), in ms; others are rejected as `not_selected`.
    progress
        Called with the number of rows read so far, about every 8 MB of the file.
    """

    def __init__(
        self,
        data: Path,
        study: Study,
        *,
        select_from: int | None = None,
        select_to: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._data = data
        self._study = study
        self._progress = progress
        self._begun: list[tuple[int, Path]] = []  # the files that are read, and the number of the last row before each
        self._folder = TemporaryDirectory(prefix="livelift-oracle-")
        self._measures = measure_sql(study, fields_at(study))
        self._database = open_database(Path(self._folder.name), study, select_from, select_to)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the database; a closed oracle gives no more answers."""
        self._database.close()
        self._folder.cleanup()

    def counts(self) -> InputCounts:
        """What became of the rows of the file. Nothing is late in a batch.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        return self._counts

    def sessions(self) -> Iterator[ClosedSession]:
        """Every session of the file, in the order (due, user); at the end of the stream everything closes."""
        for user, variant, start, end, measures, *rest in self._rows("closed_sessions"):
            named = dict(zip(self._study.measures, measures, strict=True))
            yield ClosedSession(user, None if variant is None else VARIANTS[variant], start, end, named, *rest)

    def user_days(self) -> Iterator[ResolvedDay]:
        """Every anchor day that the stream reaches the later day's end of, in the order (due, user, retention)."""
        for user, variant, *rest in self._rows("resolved_days"):
            yield ResolvedDay(user, VARIANTS[variant], *rest)

    def ticks(self) -> list[TickSums]:
        """The sums at every midnight from the first look to the completion of the period, and at the end, last.

        Midnights after the greatest event time are not there: the stream does not reach them.

        Raises
        ------
        InputError
            If the file cannot be read, or has no acceptable row.
        """
        return self._evaluate(end_only=False)

    def final(self) -> TickSums:
        """The sums at the end of the stream.

        Raises
        ------
        InputError
            If the file cannot be read, or has no acceptable row.
        """
        return self._evaluate(end_only=True)[-1]

    def tables(self, before: int | None = None) -> dict[str, list[dict[str, Any]]]:
        """Table → its rows as a person reads them, in their order, over the events before `before` ms; None: all of them."""
        self.counts()
        study, limit = self._study, {"before": FOR_EVER if before is None else before}
        found = {name: self._shown(table_sql(one, study.fields), limit) for name, one in study.tables.items()}
        if study.users.values:
            self._database.execute(person_sql(study), limit)
            found["users"] = self._shown(users_sql(study), {})
            (last,) = self._database.execute("SELECT max(time) FROM event").fetchall()[0]
            tick = {"tick": last if before is None else before}
            found |= {name: self._shown(user_table_sql(study, one), tick) for name, one in study.user_tables.items()}
        return found

    def _shown(self, statement: str, parameters: dict[str, int]) -> list[dict[str, Any]]:
        rows = self._database.execute(statement, parameters)
        columns = [column[0] for column in rows.description or []]
        return [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]

    def _evaluate(self, *, end_only: bool) -> list[TickSums]:
        if self._counts.accepted == 0:
            raise InputError(
                f"{self._data} has no acceptable row: {self._counts.rows} rows, rejected {self._counts.rejected}"
                f"{self._an_example()}",
                "give a file of the format that the study declares, with events in the range that it accepts "
                "(docs/07-rejected-rows.md)",
            )
        self._database.execute("SET VARIABLE end_only = $value", {"value": end_only})
        self._database.execute("SET VARIABLE covered_to = $value", {"value": self._covered_to})
        try:
            for step in ("tick", "resolved", "pre_period", "total", "value"):
                self._database.execute(query(step))
            return read_ticks(self._database, self._study, self._counts)
        except (duckdb.ConversionException, duckdb.OutOfRangeException):
            raise StateError(
                "a user's total or mean is too large to be squared exactly",
                "look in the input for the users with the most events, or give the metric fewer units per raw unit (metrics.NAME.resolution in the study)",
            ) from None

    def _an_example(self) -> str:
        """The first rejected row of each reason, and of a text its line."""
        found = []
        for reason, row in self._wrong:
            begun = [(before, file) for before, file in self._begun if before < row]
            before, file = begun[-1] if begun else (0, self._data)
            of_file = f" of {file.name}" if len(self._begun) > 1 else ""
            found.append(
                f"; row {row - before}{of_file} is the first with '{reason}'{self._line_of(file, row - before)}"
            )
        return "".join(found)

    def _line_of(self, file: Path, number: int) -> str:
        """A row as it is written, for a message; empty where a row is no line."""
        if self._study.source.format in ("json", "parquet"):
            return ""
        line = next(text for row, text in text_lines(file, self._study.source) if row == number)
        return f": {line[:SHOWN_BYTES].rstrip().decode(errors='backslashreplace')!a}"

    @cached_property
    def _counts(self) -> InputCounts:
        """Reads the file: the tables up to `session` and `user_day` are there once the counts are."""
        with fed(self._database, self._study, self._batches), self._one_commit():
            self._create("line", "listener")
            if self._study.source.duplicate:
                self._create("repeated")
            for number in self._measures.numbered:
                self._database.execute(query("text", {"i": str(number)}))
            self._create(
                "event", *(["listener_arm"] if self._study.experiment.arm_field else []), "session", "user_day"
            )
            if self._study.event_tables:
                self._create("told")
            counts = self._count()
            self._wrong: list[tuple[str, int]] = self._database.execute(query("first_wrong")).fetchall()
            self._database.execute("DROP TABLE line")
        return counts

    def _create(self, *tables: str) -> None:
        for table in tables:
            self._database.execute(query(table, self._parts))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        return batches(self._study, self._data, self._progress, lambda file, before: self._begun.append((before, file)))

    @cached_property
    def _parts(self) -> dict[str, str]:
        """What the study puts into the statements."""
        raw = raw_sql(self._study, self._data, self._database)
        parts = {"raw": raw, **row_parts(self._study), **event_parts(self._study), **self._measures.parts()}
        line, event = event_columns(self._study, fields_at(self._study))
        parts["line_columns"] += line
        parts["event_columns"] += event
        return {**parts, **arm_parts(self._study)}

    def _count(self) -> InputCounts:
        self._covered_to: int | None = self._database.execute(query("covered_to")).fetchall()[0][0]
        by_reason: dict[str | None, int] = dict(self._database.execute(query("counts")).fetchall())
        acceptable = by_reason.pop(None, 0)
        rejected = {reason: by_reason[reason] for reason in sorted(filter(None, by_reason))}
        accepted = self._database.table("event").count("*").fetchall()[0][0]
        return InputCounts(acceptable + sum(rejected.values()), accepted, rejected, acceptable - accepted)

    @contextmanager
    def _one_commit(self) -> Iterator[None]:
        """All statements or none; one wait for the disk in place of one a statement."""
        self._database.begin()
        try:
            yield
        except BaseException:
            self._database.rollback()
            raise
        self._database.commit()

    def _rows(self, name: str) -> Iterator[tuple]:  # type: ignore[type-arg]
        """The rows of a query over the finished tables, fetched piece by piece on a cursor of their own."""
        self.counts()
        cursor = self._database.cursor()
        cursor.execute(query(name))
        while rows := cursor.fetchmany(ROWS_A_FETCH):
            yield from rows
