"""The document as JSON: any that the engine makes has the printed schema's form, and what has not is refused in words."""

import json
from collections.abc import Iterator
from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from typer.testing import CliRunner

from cli.app import app
from livelift.document import (
    SCHEMA,
    Document,
    HistoryEntry,
    decode_document,
    decode_entry,
    encode,
    history_entry,
)
from livelift.document.json_schema import json_schema
from livelift.errors import NEW_RUN, VersionError
from stats.decision import engine
from stats.edges.document import make_document
from tests.statistics.support import STUDY, Effects, tick
from tests.support.documents import assert_document_form, sample_document

DECODERS = [(decode_document, sample_document()), (decode_entry, history_entry(sample_document()))]


@settings(max_examples=25, deadline=None)
@given(
    days=st.lists(st.integers(0, 65), min_size=1, max_size=4, unique=True).map(sorted),
    effects=st.builds(Effects, st.sampled_from([-5.0, -0.2, 0.0, 0.3]), st.sampled_from([0.0, 0.5])),
    users=st.sampled_from([0, 1, 3, 120, 400]),
    noise=st.sampled_from([0.0, 0.3, 3.0]),
    close=st.booleans(),
)
def test_any_document_of_the_engine_has_the_schema_s_form(
    days: list[int], effects: Effects, users: int, noise: float, close: bool
) -> None:
    state = engine.initial(STUDY)
    for day in days:
        sums = tick(day, effects, users=users, noise=noise)
        between = make_document(STUDY, "r1", sums, engine.preview(state, sums, STUDY))
        state, verdict = engine.step(state, sums, STUDY)
        document = make_document(STUDY, "r1", sums, verdict)
        for value in (between, document, history_entry(document)):
            assert_document_form(value)
    if close and state.final is None and days[-1] < STUDY.experiment.days:
        _, verdict = engine.close_early(state, sums, STUDY, "over")
        assert_document_form(make_document(STUDY, "r1", sums, verdict))


def with_one_number(value: Any, number: float) -> Iterator[Any]:
    """`value` again and again, each time with another float in it replaced by `number`."""
    if isinstance(value, float):
        yield number
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            for changed in with_one_number(getattr(value, name), number):
                yield replace(value, **{name: changed})
    elif isinstance(value, dict):
        for key, each in value.items():
            for changed in with_one_number(each, number):
                yield value | {key: changed}
    elif isinstance(value, tuple):
        for i, each in enumerate(value):
            for changed in with_one_number(each, number):
                yield (*value[:i], changed, *value[i + 1 :])


@pytest.mark.parametrize("number", [nan, inf, -inf])
@pytest.mark.parametrize("value", [value for _, value in DECODERS], ids=["document", "entry"])
def test_no_number_of_a_document_may_be_infinite_or_nan(value: Document | HistoryEntry, number: float) -> None:
    changed = list(with_one_number(value, number))
    assert len(changed) > 30
    for each in changed:
        for indent in (None, 1):
            with pytest.raises(ValueError, match="not JSON compliant"):
                encode(each, indent)


@pytest.mark.parametrize(("decode", "value"), DECODERS, ids=["document", "entry"])
@pytest.mark.parametrize("schema", [1, 2, 9, None, str(SCHEMA), [SCHEMA]])
def test_another_version_is_refused_in_words(decode: Any, value: Any, schema: Any) -> None:
    plain = msgspec.to_builtins(value) | {"schema": schema}
    for text in (json.dumps(plain), json.dumps({"schema": schema}), json.dumps({"schema": schema, "metrics": 3})):
        with pytest.raises(
            VersionError, match=rf"the verdict in Redis has schema .*, this program reads {SCHEMA}"
        ) as refusal:
            decode(text)
        assert refusal.value.fix == NEW_RUN
    with pytest.raises(VersionError, match="has schema None"):
        decode("{}")


@pytest.mark.parametrize(("decode", "value"), DECODERS, ids=["document", "entry"])
def test_what_is_no_document_is_refused_in_words(decode: Any, value: Any) -> None:
    text = encode(value)
    plain = json.loads(text)
    broken = [
        text[:-1],
        "",
        "[]",
        "3",
        "null",
        text.replace('"se": ', '"other": '),
        text.replace('"lift": null', '"lift": ""'),
    ]
    broken += [
        json.dumps({key: plain[key] for key in plain if key not in (gone, "")}) for gone in plain if gone != "schema"
    ]
    broken += [
        json.dumps(plain | {"metrics": {"m": metric}})
        for metric in ({}, [], plain["metrics"]["skip_rate"] | {"sequential": 3})
    ]
    for each in broken:
        if each != text:
            with pytest.raises(VersionError, match="cannot be read"):
                decode(each)


def test_keys_that_a_later_program_added_are_passed_over() -> None:
    plain = msgspec.to_builtins(sample_document())
    plain["health"]["new"] = 3
    assert decode_document(json.dumps(plain | {"new": {"a": []}})) == sample_document()


def test_the_printed_schemas_refuse_what_is_wrong() -> None:
    """The schemas that the commands print accept no wrong document."""
    for flags, form in ((["schema"], Document), (["schema", "--history"], HistoryEntry)):
        printed = CliRunner().invoke(app, flags)
        assert printed.exit_code == 0
        assert json.loads(printed.stdout) == json_schema(form)
        Draft202012Validator.check_schema(json_schema(form))
    validator = Draft202012Validator(json_schema(Document))
    plain = json.loads(encode(sample_document()))
    assert validator.is_valid(plain)
    wrong = {"schema": SCHEMA + 1, "decision": "maybe", "as_of": 3, "preview": None, "rules": {}, "metrics": {"m": {}}}
    for key, value in wrong.items():
        assert not validator.is_valid(plain | {key: value}), key
        assert not validator.is_valid({other: plain[other] for other in plain if other != key}), key
