"""The verdict document: what stats makes of a tick, Redis holds, and everybody else reads. Types and their JSON form.

`document.Document` is the whole of it, `history.HistoryEntry` what is kept of each tick; docs/13-document.md lists every key.
A field that is added under the same schema number needs a default, since documents without it are read as well.
"""

from livelift.document.coding import SCHEMA, decode_document, decode_entry, encode
from livelift.document.document import Document
from livelift.document.history import HistoryEntry, history_entry

__all__ = ["SCHEMA", "Document", "HistoryEntry", "decode_document", "decode_entry", "encode", "history_entry"]
