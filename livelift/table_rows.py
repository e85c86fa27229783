"""The rows of a study's tables as a person reads them, from the groups that stats keeps."""

from collections.abc import Iterable, Mapping

from livelift.quantiles import bins_table, quantiles_of
from livelift.study import Study
from livelift.table_plan import Shown, TablePlan
from livelift.user_table_plan import shown_plans

Groups = Mapping[str, Mapping[bytes, list[int]]]
"""Table → JSON key of a group → its integers."""


def groups_needed(study: Study, names: Iterable[str]) -> list[str]:
    """The tables whose groups these tables are made of: themselves, and their bins."""
    found = []
    for name in names:
        found.append(name)
        if name in study.tables:
            table = study.tables[name]
            quantiles = [column for column, value in table.values.items() if value.quantile is not None]
            found += [bins_table(name, table, column) for column in quantiles]
    return list(dict.fromkeys(found))


def rows_of(study: Study, names: Iterable[str], groups: Groups, tick: int) -> dict[str, list[dict[str, Shown]]]:
    """Table → its rows as of `tick` (ms).

    Raises
    ------
    KeyError
        If `groups` lack a table of `groups_needed`.
    """
    plans = shown_plans(study)
    found = {}
    for name in names:
        plan = plans[name]
        if isinstance(plan, TablePlan):
            found[name] = plan.rows(groups[name], quantiles_of(name, plan.table, groups))
        else:
            found[name] = plan.rows(groups[name], tick)
    return found
