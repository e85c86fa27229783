"""The *Tables* dashboard, in event time: a study's live tables that have few rows, by time and as of the end of the time range."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build

from grafana import frame, panels
from grafana.panels import ACCENT, Column, Look, Query, Size
from grafana.queries import as_of, at_ticks, still_there
from livelift.event_time import DAY, to_iso
from livelift.metrics import tables as t
from livelift.study import Study
from livelift.tables import Table, TableValue
from livelift.user_tables import UserTable

MOST_PANELS_A_ROW = 3

AROUND = 31 * DAY
"""Shown before the pre-period and after the period."""


def is_for(study: Study) -> bool:
    """Has the study a table that may be exported?"""
    return bool(t.by_time(study) or t.of_all_time(study) or study.user_tables)


def build_dashboard(study: Study, web: str) -> build.Dashboard:
    """The dashboard for `study`, linked to the web pages at `web`."""
    dashboard = frame.frame("tables", study, "Live tables: by time, and as of the end of the time range.", web)
    # Tables count every event, and hardly anybody's log begins or ends with the period.
    start, end = study.experiment.pre_start_ms - AROUND, study.experiment.end_ms + AROUND
    dashboard = dashboard.time(to_iso(max(0, start)), to_iso(end))
    for variable in (frame.study_variable(study), frame.run_variable()):
        dashboard = dashboard.with_variable(variable)
    rows: list[tuple[str, list[Any]]] = [
        *((table.title or name, _charts(name, table)) for name, table in t.by_time(study).items()),
        ("As of the end of the time range", _sheets(study)),
    ]
    for title, content in rows:
        if content:
            dashboard = dashboard.with_row(build.Row(title))
            for panel in content:
                dashboard = dashboard.with_panel(panel)
    return dashboard


def _charts(name: str, table: Table) -> list[Any]:
    """A bar a window, a panel a column."""
    found = []
    for column, value in table.values.items():
        if value.hidden or value.is_day:
            continue
        found.append(
            panels.chart(
                f"{table.title or name}: {_words(column)}",
                f"Of each {table.window}, once it is over: column {column} of the table {name}.",
                [Query(at_ticks(t.VALUE, table=name, column=column), _words(column))],
                Size(24 // MOST_PANELS_A_ROW, 7), unit=_unit(value), event_time=True, lowest=0,
                looks={_words(column): Look(ACCENT, bar=True)},
            )
        )  # fmt: skip
    return found


def _sheets(study: Study) -> list[Any]:
    units = {name: _units(table) for name, table in t.of_all_time(study).items()}
    units |= {name: _user_units(table) for name, table in study.user_tables.items()}
    titles = {name: table.title for name, table in (study.tables | study.user_tables).items()}
    found = []
    for name, columns in units.items():
        shown = [
            Column(_words(column).capitalize(), still_there(as_of(t.VALUE, table=name, column=column)), *unit)
            for column, unit in columns.items()
        ]
        found.append(_sheet(study.name, name, titles[name], ", ".join(study.table_keys(name)), shown))
    return found


def _units(table: Table) -> dict[str, tuple[str, int | None]]:
    """Column → its unit and decimals."""
    shown = {column: value for column, value in table.values.items() if not value.hidden and not value.is_day}
    return {column: (_unit(value), 2 if _is_fraction(value) else None) for column, value in shown.items()}


def _user_units(table: UserTable) -> dict[str, tuple[str, int | None]]:
    """Column → its unit and decimals."""
    if table.retention:
        return {"users": ("short", None), "retained": ("short", None), "share": ("percentunit", 1)}
    units: dict[str, tuple[str, int | None]] = {}
    for column, value in table.values.items():
        units[column] = ("percentunit", 1) if value.share else ("short", 2 if value.mean else None)
    return units


def _sheet(study: str, name: str, title: str, key: str, columns: list[Column]) -> Any:
    return panels.sheet(
        title or name,
        f"The table {name} as of the end of the time range; shown where it has at most {t.MOST_ROWS} rows.",
        "row", columns, Size(12, 9), key.capitalize() or "Rows", {},
        empty=f"nothing yet, or more than {t.MOST_ROWS} rows: livelift tables {name} --study {study}",
    )  # fmt: skip


def _words(column: str) -> str:
    return column.replace("_", " ")


def _is_fraction(value: TableValue) -> bool:
    return value.aggregate in ("mean", "ratio") or value.divide_by != 1


def _unit(value: TableValue) -> str:
    return "percent" if value.times == 100 else "short"
