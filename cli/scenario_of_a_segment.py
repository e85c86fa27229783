"""A scenario of a table over users: what if more of them were in one of its segments?"""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from cli.flags import run_folder
from cli.returns import Worth, add_return, print_return
from cli.show import answers
from livelift.errors import SettingsError, StateError

if TYPE_CHECKING:
    from livelift.study import Study
    from stats.estimates.scenario import Proportion


@dataclass(frozen=True, slots=True)
class Move:
    """Who would move: a share of all users, from the others to the segment `to` of a table over users, of which `column` is a share.
    None: the table's first one."""

    table: str
    column: str | None
    to: str | None
    share: float


def of_segment(
    study: "Study", run: str | None, move: Move, population: float | None, worth: Worth, json_: bool
) -> None:
    """Say what the table's share would become larger by.

    Raises
    ------
    SettingsError
        If there is no such table, share or segment, or fewer users elsewhere than would move.
    StateError
        If no user's later day is over.
    """
    from livelift.user_table_plan import user_table_plans
    from local.verdict_reader import kept_tables, redis_client
    from stats.estimates.scenario import moved, times

    column, value = _share_of(study, move)
    if not 0 <= move.share <= 1:
        raise SettingsError(
            f"--move {move.share:g} is not possible", "use a share of all users, 0 to 1: 0.5 for half of them"
        )
    if worth is not None and population is None:
        raise SettingsError("a return is of so many users", "say how many: --population 10000000")
    plan = user_table_plans(study)[move.table]
    with redis_client(run_folder()) as client:
        kept = kept_tables(client, study, [move.table], run)
    counts = {str(name): one for name, one in plan.returns(kept.groups[move.table], kept.tick, value).items()}
    there, rest = _there_and_others(move, counts)
    outcome = moved(there, rest, move.share)
    total = None if population is None else times(outcome, population)
    if json_:
        found: dict[str, Any] = {
            "table": move.table, "column": column, "to": move.to, "move": move.share,
            "share_there": there.share, "users_there": there.users, "share_of_others": rest.share, "users_of_others": rest.users,
            **asdict(outcome),
        }  # fmt: skip
        if total is not None:
            found |= {"population": population, "total": asdict(total)}
        add_return(found, total, worth)
        typer.echo(json.dumps(found))
        return
    title = study.user_tables[move.table].title or move.table
    for line in (
        f"{title}: {column} {_points(outcome.middle)} percentage points of all users, {_points(outcome.low)} to "
        f"{_points(outcome.high)}, if {move.share:.0%} of them were in '{move.to}' and behaved as those who are",
        f"= {move.share:.0%} × ({there.share:.2%} of {there.users:,} in '{move.to}' − {rest.share:.2%} of {rest.users:,} in the others)",
    ):
        answers.print(line, soft_wrap=True, markup=False)
    if total is not None:
        low, high = ("–" if end is None else f"{end:+,.0f}" for end in (total.low, total.high))
        answers.print(f"of {population:,.0f} users: {total.middle:+,.0f} more who return, {low} to {high}")
    print_return(total, worth)
    answers.print(
        "An association: nobody was assigned to a segment, who returns has had more time to get there, and who is moved there may not "
        "become like those who are. The interval is one of 95 %, for one look.",
        soft_wrap=True,
    )


def _share_of(study: "Study", move: Move) -> tuple[str, str]:
    """The table's column that is a share, and the value of users that it is of."""
    shares = {
        name: {column: value.share for column, value in one.values.items() if value.share is not None}
        for name, one in study.user_tables.items()
        if len(one.by) == 1
    }
    fitting = [name for name, columns in shares.items() if columns]
    if move.table not in fitting:
        raise SettingsError(
            f"study '{study.name}' has no table '{move.table}' of one segment with a share",
            f"use one of: {', '.join(fitting)}" if fitting else "declare one: docs/14-tables.md",
        )
    columns = shares[move.table]
    column = next(iter(columns)) if move.column is None else move.column
    if column not in columns:
        raise SettingsError(
            f"table '{move.table}' has no share '{column}'", f"use one of: --metric {', '.join(columns)}"
        )
    return column, columns[column]


def _there_and_others(move: Move, counts: dict[str, tuple[int, int]]) -> tuple["Proportion", "Proportion"]:
    """Of (users, retained) by segment, those of the segment and of all others."""
    from stats.estimates.scenario import Proportion

    if move.to not in counts:
        raise SettingsError(
            "--to names no segment of the table"
            if move.to is None
            else f"table '{move.table}' has no segment '{move.to}'",
            f"use one of: {', '.join(sorted(counts)) or 'none yet'}",
        )
    users, retained = counts.pop(move.to)
    elsewhere = sum(one[0] for one in counts.values())
    if not users or not elsewhere:
        raise StateError(
            f"whether users return is not known yet in '{move.to}' and in others", "wait: livelift tables shows it"
        )
    most = elsewhere / (users + elsewhere)
    if move.share > most:
        raise SettingsError(
            f"--move {move.share:g} of all users is not possible: only {most:.1%} are elsewhere than in '{move.to}'",
            "move fewer",
        )
    return Proportion(retained, users), Proportion(sum(one[1] for one in counts.values()), elsewhere)


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.2f}"
