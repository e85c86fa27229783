"""A scenario of a table over users: what if more of them were in one of its segments?"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from cli.flags import run_folder
from cli.returns import Worth, add_return, print_return
from cli.show import answers
from livelift.errors import SettingsError, StateError

if TYPE_CHECKING:
    from livelift.study import Study


def of_segment(
    study: "Study", run: str | None, table: str, to: str | None, move: float, population: float | None, worth: Worth, json_: bool
) -> None:  # fmt: skip
    """Say what the table's share would become larger by if a share `move` of all users were in the segment `to`.

    Raises
    ------
    SettingsError
        If there is no such table, share or segment.
    StateError
        If no user's later day is over.
    """
    from livelift.user_table_plan import user_table_plans
    from local.verdict_reader import kept_tables, redis_client
    from stats.estimates.scenario import Proportion, moved, times

    fitting = {
        name: next(iter(shares))
        for name, one in study.user_tables.items()
        if len(one.by) == 1 and (shares := [value.share for value in one.values.values() if value.share])
    }
    if table not in fitting:
        raise SettingsError(
            f"study '{study.name}' has no table '{table}' of one segment with a share",
            f"use one of: {', '.join(fitting)}" if fitting else "declare one: docs/14-tables.md",
        )
    if not 0 <= move <= 1:
        raise SettingsError(
            f"--move {move:g} is not possible", "use a share of all users, 0 to 1: 0.5 for half of them"
        )
    plan, value = user_table_plans(study)[table], fitting[table]
    with redis_client(run_folder()) as client:
        kept = kept_tables(client, study, [table], run)
    counts = {str(name): one for name, one in plan.returns(kept.groups[table], kept.tick, value).items()}
    if to not in counts:
        raise SettingsError(
            "--to names no segment of the table" if to is None else f"table '{table}' has no segment '{to}'",
            f"use one of: {', '.join(sorted(counts)) or 'none yet'}",
        )
    users, retained = counts.pop(to)
    rest = Proportion(sum(one[1] for one in counts.values()), sum(one[0] for one in counts.values()))
    if not users or not rest.users:
        raise StateError(
            f"whether users return is not known yet in '{to}' and in others", "wait: livelift tables shows it"
        )
    there = Proportion(retained, users)
    outcome = moved(there, rest, move)
    total = None if population is None else times(outcome, population)
    if json_:
        found: dict[str, Any] = {
            "table": table, "share_of": value, "to": to, "move": move,
            "share_there": there.share, "users_there": users, "share_of_others": rest.share, "users_of_others": rest.users,
            **asdict(outcome),
        }  # fmt: skip
        if total is not None:
            found |= {"population": population, "total": asdict(total)}
        add_return(found, total, worth)
        typer.echo(json.dumps(found))
        return
    title = study.user_tables[table].title or table
    answers.print(
        f"{title}: {_points(outcome.middle)} percentage points of all users, {_points(outcome.low)} to {_points(outcome.high)}, "
        f"if {move:.0%} of them were in '{to}' and behaved as those who are",
        soft_wrap=True,
        markup=False,
    )
    answers.print(
        f"= {move:.0%} × ({there.share:.2%} of {users:,} in '{to}' − {rest.share:.2%} of {rest.users:,} in the others)",
        soft_wrap=True,
        markup=False,
    )
    if total is not None:
        low, high = ("–" if end is None else f"{end:+,.0f}" for end in (total.low, total.high))
        answers.print(f"of {population:,.0f} users: {total.middle:+,.0f} more who return, {low} to {high}")
    print_return(total, worth)
    answers.print(
        "An association: nobody was assigned to a segment, and who moves there may not become like those who are there. "
        "The interval is one of 95 %, for one look.",
        soft_wrap=True,
    )


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.2f}"
