"""The JSON Schema of a document and of an entry of the history, made from the types and their docstrings."""

from typing import Any

import msgspec

from livelift.document.coding import READINGS
from livelift.document.described import fields_of, summary_of, types_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = "#/$defs/{name}"


def json_schema(form: type) -> dict[str, Any]:
    """The JSON Schema of `form`: `Document` or `HistoryEntry`."""
    kinds = types_of(form)
    (root, *_), defined = msgspec.json.schema_components(kinds, schema_hook=_one_of, ref_template=_PLACE)
    for kind in kinds:
        described = defined[kind.__name__]
        described["description"] = summary_of(kind)
        for field in fields_of(kind):
            of = f"{', '.join(field.together)}: " if len(field.together) > 1 else ""
            value = described["properties"][field.name]
            described["properties"][field.name] = {"description": of + field.meaning, **value}
    return {"$schema": DIALECT, **root, "$defs": {kind.__name__: defined[kind.__name__] for kind in kinds}}


def _one_of(kind: type) -> dict[str, Any]:
    """The schema of a reading: the deciding metric's or a guardrail's."""
    return {"anyOf": [{"$ref": _PLACE.format(name=each.__name__)} for each in READINGS[kind]]}
