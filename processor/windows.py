"""The partition with the kind of windows that a study declares."""

from collections.abc import Callable, Mapping

from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.admission import belongs_here
from processor.gap_windows import GapWindows
from processor.partition import Partition
from processor.partition_state import PartitionState
from processor.row_windows import RowWindows
from processor.table_changes import TableShard
from processor.user_state import Users

KINDS: dict[str, type[Partition]] = {"gap": GapWindows, "row": RowWindows}


def new_partition(
    study: Study, measures: SessionMeasures, belongs: Callable[[bytes], bool] = belongs_here
) -> Partition:
    """A partition that has taken no record yet; `belongs` tells whether a key belongs to it."""
    return KINDS[study.windows.kind](study, measures, belongs)


def recovered_partition(
    study: Study,
    measures: SessionMeasures,
    state: PartitionState,
    users: Users,
    belongs: Callable[[bytes], bool] = belongs_here,
    shards: Mapping[int, TableShard] = {},
) -> Partition:
    """The partition as its records of state say (`Partition.recovered`)."""
    return KINDS[study.windows.kind].recovered(study, measures, state, users, belongs, shards)
