"""A dead letter fits a record whatever was refused."""

import json

from livelift.dead_letters import MOST_KEPT_BYTES, encode_letter


def test_a_huge_line_is_cut() -> None:
    letter = json.loads(encode_letter("undecodable", -1, b"\x00" * (16 << 20), partition=1, offset=7))
    assert letter == {
        "v": 1, "reason": "undecodable", "row": -1, "partition": 1, "offset": 7, "line": "\x00" * MOST_KEPT_BYTES,
    }  # fmt: skip


def test_non_text_bytes_and_huge_row_numbers_are_written_too() -> None:
    letter = json.loads(encode_letter("no_such_row", 10**30, "ä".encode() + b"\xff"))
    assert (letter["row"], letter["line"]) == (-1, "ä\\xff")
