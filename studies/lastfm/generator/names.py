"""Generates names and ids as real data has them: many scripts, stray quotes, odd spaces; artists' names are unique."""

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from studies.lastfm.generator.music import ARTISTS, Music, artist_has_id, track_has_id, track_keys
from studies.lastfm.generator.randomness import Flags, Words, mix

Strings = Any
"""A pyarrow string array; pyarrow ships no types."""

_LATIN = [consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"]
_ACCENTED = [consonant + vowel for consonant in "bčdfghjklłmnñprsštvž" for vowel in "áéíöü"]
_CYRILLIC = [consonant + vowel for consonant in "бвгджзклмнпрстфхцчшщ" for vowel in "аеиоу"]
_HAN = [chr(0x4E00 + 37 * index) for index in range(100)]
_HANGUL = [chr(0xAC00 + 28 * index) for index in range(100)]
_KANA = [chr(0x30A1 + index % 80) + "ー" * (index // 80) for index in range(100)]

# Scripts and decorations are looked up by (rank modulo the length), so every name keeps the syllables of its rank.
_SCRIPTS = [_LATIN] * 44 + [_ACCENTED] * 2 + [_CYRILLIC, _HAN, _HANGUL, _KANA]
_DECORATIONS = [
    *["{}"] * 40, "The {}", "{} & The {}s", "{} feat. DJ {}", '"{}"', 'DJ "{}', "{} Trio", "{} / {}", "Die {}er", "{}'s",
    "{}\u2028live", "{} ☮ 🎸", " {} ", "{}\\", "!!! {}", "{}, {}", "MC {}", "{} Orchestra", "{}\u0085", "ال{}", "{} (UK)",
    "#{}",
]  # fmt: skip

_WORDS = [
    "Night", "Rain", "Love", "Summer", "Blue", "Last", "First", "Broken", "Silent", "Golden", "River", "City",
    "Dream", "Fire", "Winter", "Heart", "Paper", "Glass", "Wild", "Black", "White", "Red", "Slow", "Fast", "Lost",
    "Found", "Under", "Over", "Distant", "Electric", "Velvet", "Hollow", "Bright", "Dark", "Early", "Late", "Ocean",
    "Mountain", "Dancing", "Falling", "Running", "Waiting", "Sleeping", "Burning", "Shining", "Fading", "Crystal",
    "Plastic", "Digital", "Analog", "Midnight", "Morning", "Sunday", "Monday", "Machine", "Mirror", "Shadow",
    "Ghost", "Angel", "Devil", "Stranger", "Lover", "Brother", "Sister",
]  # fmt: skip
_TITLES, _TITLE_STEP = 16_384, 7_919  # an odd step meets every title once
_TITLE_DECORATIONS = [
    *["{}"] * 50, "{} (Live)", '{} (12" Mix)', '"{}"', '{}"', "{} - Remastered", "{} [Demo]", "{}?", "{}…", "¿{}?",
    "Интро: {}", "{}（ライブ）", "{} pt. 2", "{}\u2029", "'{}", "«{}»",
]  # fmt: skip


@cache
def artists() -> Strings:
    """Per rank: artist id (may be empty), a tab, the artist's name, a tab."""
    rank = np.arange(ARTISTS)
    identifiers = _where(artist_has_id(rank), uuids(~rank.astype(np.uint64))).to_pylist()
    return pa.array([f"{identifier}\t{_artist_name(index)}\t" for index, identifier in enumerate(identifiers)])


def _artist_name(rank: int) -> str:
    scattered = rank * 618_033 % 1_000_000  # neighbours in rank do not sound alike
    script = _SCRIPTS[rank % len(_SCRIPTS)]
    first, second, third = scattered // 10_000, scattered // 100 % 100, scattered % 100
    name = (script[first] + script[second] + script[third]).capitalize()
    return _DECORATIONS[rank % len(_DECORATIONS)].format(name, script[third])


@cache
def titles() -> Strings:
    """The titles from which tracks take theirs, each with the end of its row before and after it: tab, title, LF."""
    return pa.array([f"\t{_title(index)}\n" for index in range(_TITLES)])


def _title(index: int) -> str:
    rest, first = divmod(index, len(_WORDS))
    number, second = divmod(rest, len(_WORDS))
    title = f"{_WORDS[first]} {_WORDS[second]}" + (f" {number + 1}" if number else "")
    return _TITLE_DECORATIONS[index % len(_TITLE_DECORATIONS)].format(title)


def track_ids(music: Music) -> Strings:
    """The track id of each play, empty where there is none."""
    return _where(track_has_id(music), uuids(track_keys(music)))


def track_titles(music: Music) -> Strings:
    """Tab, title and LF of each play; an artist's tracks have different titles."""
    start = (mix(music.artist.astype(np.uint64)) % np.uint64(_TITLES)).astype(np.int64)
    return pc.take(titles(), pa.array((start + _TITLE_STEP * music.track) % _TITLES))


@cache
def _hex_digits() -> NDArray[np.uint8]:
    """The four hexadecimal digits of each 16-bit number."""
    return np.frombuffer("".join(f"{number:04x}" for number in range(1 << 16)).encode(), dtype=np.uint8).reshape(-1, 4)


def uuids(keys: Words) -> NDArray[np.uint8]:
    """For each key 36 characters of the form of a MusicBrainz id, different for different keys."""
    text = np.full((len(keys), 36), ord("-"), dtype=np.uint8)
    words = (mix(keys), mix(keys ^ np.uint64(0x5DEECE66D)))
    for part, column in enumerate((0, 4, 9, 14, 19, 24, 28, 32)):
        word = words[part // 4] >> np.uint64(16 * (part % 4))
        text[:, column : column + 4] = _hex_digits()[(word & np.uint64(0xFFFF)).astype(np.int64)]
    return text


def _where(present: Flags, text: NDArray[np.uint8]) -> Strings:
    """The rows of `text` as strings, empty where not `present`."""
    offsets = np.concatenate(([0], np.cumsum(present * text.shape[1]))).astype(np.int32)
    return pa.StringArray.from_buffers(len(present), pa.py_buffer(offsets), pa.py_buffer(text[present]))
