"""The reference page of the document is what the types say today, and every type and key is described."""

import doctest

import pytest

from livelift.document import Document, HistoryEntry
from livelift.document import page as module
from livelift.document.described import fields_of, summary_of, types_of
from livelift.document.page import PAGE, page


def test_the_page_of_the_document_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python -m livelift.document.page"
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("form", [Document, HistoryEntry])
def test_every_type_and_key_is_described(form: type) -> None:
    types = types_of(form)
    assert len(types) > 10
    for kind in types:
        assert summary_of(kind), kind
        assert all(field.meaning for field in fields_of(kind)), kind
