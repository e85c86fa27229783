"""The form in which a run's keys are written: another one is not read."""

from livelift.errors import NEW_RUN, VersionError

SCHEMA = 7


def require_schema(key: str, schema: bytes | None) -> None:
    """See that what the state's hash `key` calls its `schema` is ours; what is no number is damaged, and told as such by others.

    Raises
    ------
    VersionError
        If it is another number.
    """
    text = (schema or b"").decode()
    if text.isdigit() and int(text) != SCHEMA:
        raise VersionError(f"{key} has schema {text}, this program reads {SCHEMA}", NEW_RUN)
