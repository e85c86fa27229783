"""State record of a partition, without its users."""

import msgspec

from livelift.output_log import Counts
from processor.admission import Known
from processor.user_state import SCHEMA


class PartitionState(msgspec.Struct, array_like=True, tag=SCHEMA):
    """The form of the record, [schema, as-of offset, …]; the default is a partition that was never written."""

    as_of: int = -1
    watermark: int = -1
    row: int = -1
    counts: Counts = msgspec.field(default_factory=Counts)
    ended: bool = False
    known: Known = msgspec.field(default_factory=Known)
