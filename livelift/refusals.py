"""Reasons why the processor rejects a record of the events topic, to which anybody with access to the broker may write.

A refused record goes to the dead letters with its reason and offset and is counted; it changes nothing else.
"""

UNDECODABLE = "undecodable"
"""Neither an event nor a control mark: no value, no user in the key, no JSON of the study's fields."""

SCHEMA = "schema"
"""An event or a control mark of another schema version."""

FOREIGN_MARK = "foreign_mark"
"""A control mark that is not of this run's replay, or that contradicts what is known of it."""

NO_SUCH_ROW = "no_such_row"
"""The replay has no such `row`, or not at this place: negative, passed already, or beyond what was announced."""

OUT_OF_RANGE = "out_of_range"
"""A timestamp after the last event of the replay, or after what was announced of it."""

WRONG_PARTITION = "wrong_partition"
"""The key belongs to another partition: the user would have two open sessions."""

REFUSALS = (UNDECODABLE, SCHEMA, FOREIGN_MARK, NO_SUCH_ROW, OUT_OF_RANGE, WRONG_PARTITION)
