"""Declared measures in SQL, by the oracle's own code: it shares the parsed declaration with the stream and nothing else.

Measure number i has columns of its own in `line` and `event`: `m<i>_met` (does the event meet the condition), `m<i>_value`
(the number that is aggregated). Texts are given numbers first, so that an event is numbers only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livelift.measures import Between, Measure, Wanted
from livelift.study import Study


@dataclass(frozen=True, slots=True)
class MeasureSql:
    """The parts of the statements in `batch/sql/` that depend on the measures; each is put in its place by `query`.

    line_columns
        Of `line`, over the fields.
    numbered
        Measures whose values are texts: each gets a table `text_<i>`.
    event_columns, event_joins
        Of `event`, over `line` and those tables.
    session_columns
        Of the events that `session` aggregates.
    measures
        The list of a session's measures, in the declared order.
    """

    line_columns: str
    numbered: tuple[int, ...]
    event_columns: str
    event_joins: str
    session_columns: str
    measures: str

    def parts(self) -> dict[str, str]:
        """Placeholder → SQL."""
        return {
            "line_columns": self.line_columns,
            "event_columns": self.event_columns,
            "event_joins": self.event_joins,
            "session_columns": self.session_columns,
            "measures": self.measures,
        }


def measure_sql(study: Study, at: Mapping[str, str]) -> MeasureSql:
    """The parts for a study whose fields are the expressions `at`."""
    line, event, session, joins, numbered = [], [], [], [], []
    for i, measure in enumerate(study.measures.values()):
        if measure.where:
            line.append(f"{condition(measure.where, at)} AS m{i}_met")
            event.append(f"m{i}_met")
            session.append(f"m{i}_met")
        if not measure.fields:
            continue
        session.append(f"m{i}_value")
        if study.fields[measure.fields[0]].type == "integer":
            line.append(f"{at[measure.fields[0]]} AS m{i}_value")
            event.append(f"m{i}_value")
            continue
        texts = [at[field] for field in measure.fields]
        part = " ".join(f"WHEN {text} <> '' THEN {number}" for number, text in enumerate(texts))
        line += [
            f"CASE {part} ELSE {len(texts) - 1} END AS m{i}_part",
            f"coalesce({', '.join(f'''nullif({text}, '')''' for text in texts)}, '') AS m{i}_text",
        ]
        event.append(f"text_{i}.number AS m{i}_value")
        joins.append(f"JOIN text_{i} USING (m{i}_part, m{i}_text)")
        numbered.append(i)
    return MeasureSql(
        line_columns="".join(f", {column}" for column in line),
        numbered=tuple(numbered),
        event_columns="".join(f", {column}" for column in event),
        event_joins=" ".join(joins),
        session_columns="".join(f", {column}" for column in session),
        measures=f"[{', '.join(_aggregate(i, measure) for i, measure in enumerate(study.measures.values()))}]::BIGINT[]",
    )


def _aggregate(i: int, measure: Measure) -> str:
    """One measure over the events of a session."""
    kept = [f"m{i}_met"] if measure.where else []
    if measure.follows_within is not None:
        kept.append(f"gap_after < {measure.follows_within * 1000} AND gap_after <= getvariable('gap_ms')")
    only = f" FILTER ({' AND '.join(kept)})" if kept else ""
    value = f"m{i}_value"
    match measure.aggregate:
        case "length":
            return "(max(time) - min(time)) // 1000"
        case "count":
            return f"count(*){only}"
        case "distinct":
            return f"count(DISTINCT {value}){only}"
        case "first" | "last" as which:
            return f"coalesce({which}({value} ORDER BY time, row){only}, 0)"
        case aggregate:
            return f"coalesce({aggregate}({value}){only}, 0)"


def condition(where: Mapping[str, Wanted], at: Mapping[str, str]) -> str:
    """Do the fields, as the expressions `at`, have the values that are wanted?"""
    met = []
    for field, wanted in where.items():
        if isinstance(wanted, Between):
            met += [f"{at[field]} >= {wanted.at_least}"] if wanted.at_least is not None else []
            met += [f"{at[field]} < {wanted.below}"] if wanted.below is not None else []
        else:
            values = wanted if isinstance(wanted, list) else [wanted]
            met.append(f"{at[field]} IN ({', '.join(map(literal, values))})")
    return f"({' AND '.join(met)})"


def literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
