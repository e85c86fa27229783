"""Documents and entries of the history as JSON: one encoder, one typed decoder for each.

The text is the same as ever for the same numbers: keys in the order of the fields, floats as Python writes them.
"""

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from livelift.document.document import Document
from livelift.document.history import HistoryEntry, KeptGuardrail, KeptPrimary, KeptReading
from livelift.document.readings import Guardrail, Primary, Reading
from livelift.errors import NEW_RUN, VersionError

SCHEMA: Final = 4

READINGS: dict[type, tuple[type[msgspec.Struct], type[msgspec.Struct]]] = {
    Reading: (Primary, Guardrail),
    KeptReading: (KeptPrimary, KeptGuardrail),
}
"""What a field of this type holds: the deciding metric's reading or a guardrail's, which alone has a status."""

_encoder = json.JSONEncoder(allow_nan=False, check_circular=False)  # a value of frozen structs holds no circle

Form = TypeVar("Form", Document, HistoryEntry)


def encode(value: Document | HistoryEntry, indent: int | None = None) -> str:
    """The JSON text, over several lines with `indent`.

    Raises
    ------
    ValueError
        If a number is infinite or not a number: JSON has none of these.
    """
    encoder = _encoder if indent is None else json.JSONEncoder(allow_nan=False, indent=indent)
    return encoder.encode(msgspec.to_builtins(value))


class _Version(msgspec.Struct):
    schema: Any = None


_version = msgspec.json.Decoder(_Version)


def _reading(kind: type, value: Any) -> Any:
    primary, guardrail = READINGS[kind]
    return msgspec.convert(value, guardrail if "status" in value else primary)


def _decoder(form: type[Form]) -> Callable[[bytes | str], Form]:
    decoder = msgspec.json.Decoder(form, dec_hook=_reading)

    def decode(text: bytes | str) -> Form:
        try:
            schema = _version.decode(text).schema
            if schema == SCHEMA:
                return decoder.decode(text)
        except msgspec.MsgspecError as error:
            raise VersionError(f"the verdict in Redis cannot be read: {error}", NEW_RUN) from None
        raise VersionError(f"the verdict in Redis has schema {schema}, this program reads {SCHEMA}", NEW_RUN)

    return decode


decode_document = _decoder(Document)
"""The document in JSON text. Raises `VersionError` if this version did not write it."""

decode_entry = _decoder(HistoryEntry)
"""The same of an entry of the history."""
