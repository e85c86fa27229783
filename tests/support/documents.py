"""A document as stats makes it, without a run, and the form that every document has."""

import json
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator

from livelift.document import Document, HistoryEntry, decode_document, decode_entry, encode
from livelift.document.json_schema import json_schema
from stats.decision import engine
from stats.edges.document import make_document
from tests.statistics.support import STUDY, tick


@cache
def _made() -> Document:
    sums = tick(5)
    _, verdict = engine.step(engine.initial(STUDY), sums, STUDY)
    return make_document(STUDY, "run", sums, verdict)


def sample_document(**changes: Any) -> Document:
    """The document of a made-up tick, with `changes`."""
    return msgspec.structs.replace(_made(), **changes)


_validators = {form: Draft202012Validator(json_schema(form)) for form in (Document, HistoryEntry)}


def assert_document_form(value: Document | HistoryEntry) -> None:
    """The JSON of `value` is as `livelift schema` says, and decoded and encoded again it is the same text."""
    text = encode(value)
    _validators[type(value)].validate(json.loads(text))
    decode = decode_document if isinstance(value, Document) else decode_entry
    assert decode(text) == value
    assert encode(decode(text)) == text
