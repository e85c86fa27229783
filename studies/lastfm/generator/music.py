"""Chooses the tracks: runs of one artist's tracks from a user's repertoire, which is drawn from all artists."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from studies.lastfm.generator.listening import Listening
from studies.lastfm.generator.people import People
from studies.lastfm.generator.randomness import SIZE, Flags, Ints, Words, mix, scattered

ARTISTS = 133_000
"""All artists: of them 107,528 with an id are played at full scale (tuned)."""

_FAVOURITES = 3  # power: a user plays the first of the repertoire most
_POPULAR = 3  # power: rank^(−2/3) of the artists' popularity
_ARTISTS_WITHOUT_ID = 0.07 * (_POPULAR + 1)  # of the least popular; falling with rank to none: 7 % of the plays
_TRACKS_WITHOUT_ID = (0.28 - 0.07) / (1 - 0.07)  # of the tracks of artists with an id; 28 % of the plays altogether
_TRACK_SALT = 1


@dataclass(frozen=True, slots=True)
class Music:
    """One entry a play: the artist's rank, 0 the most popular, and the number of the track among the artist's."""

    artist: Ints
    track: Ints


def choose_music(listening: Listening, people: People, seed: int) -> Music:
    """The artist and track of every play."""
    plays = listening.plays
    user = listening.sessions.user[plays.session]
    opens = np.diff(plays.session, prepend=-1) > 0
    chosen = _artist(user, (_favourites()[plays.artist] * people.repertoire[user]) >> 32, seed)
    drawn_at = _last_where(opens | (plays.switch < people.switches[user]))
    artist = chosen[drawn_at]
    # A new draw of the same artist goes on with the run: neighbours in a run are different tracks, so that two plays
    # in one second never make equal rows.
    run_start = _last_where(opens | (np.diff(artist, prepend=-1) != 0))
    tracks = tracks_of(artist)
    first_track = (plays.track[run_start].astype(np.int64) * tracks) >> 16
    track: Ints = (first_track + np.arange(len(artist)) - run_start) % tracks
    return Music(artist, track)


def tracks_of(artist: Ints) -> Ints:
    """How many tracks an artist has: more if popular, at least six."""
    return 6 + 60_000 // (artist + 300)


def artist_has_id(artist: Ints) -> Flags:
    """Whether an artist has an id: the less popular, the rarer it is without one."""
    chance = (_ARTISTS_WITHOUT_ID * SIZE * (artist + 1)) // ARTISTS
    draw = (mix(artist.astype(np.uint64)) >> np.uint64(48)).astype(np.int64)
    return np.array(draw >= chance)


def track_keys(music: Music) -> Words:
    """A number a track, all different."""
    keys: Words = (music.artist.astype(np.uint64) << np.uint64(16)) | music.track.astype(np.uint64)
    return keys


def track_has_id(music: Music) -> Flags:
    """Whether a track has an id; never if its artist has none."""
    draw = (scattered(_TRACK_SALT, music.artist, music.track) >> np.uint64(48)).astype(np.int64)
    return artist_has_id(music.artist) & (draw >= round(_TRACKS_WITHOUT_ID * SIZE))


def _artist(user: Ints, place: Ints, seed: int) -> Ints:
    """The artist at a place of a user's repertoire."""
    draw = scattered(seed, user, place)
    high, low = (draw >> np.uint64(48)).astype(np.int64), ((draw >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)
    knots = _popularity()
    return knots[high] + (((knots[high + 1] - knots[high]) * low) >> 16)


def _last_where(flags: Flags) -> Ints:
    """For each entry the index of the last true flag up to it; the first flag is true."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), 0))


@cache
def _favourites() -> Ints:
    """Place in the repertoire as a fraction of it, in units of 2⁻³²."""
    return np.array([(draw**_FAVOURITES << 32) >> (16 * _FAVOURITES) for draw in range(SIZE)], dtype=np.int64)


@cache
def _popularity() -> Ints:
    """Rank at the probability index / 65,536, one entry more than `SIZE`."""
    return np.array([(ARTISTS * index**_POPULAR) >> (16 * _POPULAR) for index in range(SIZE + 1)], dtype=np.int64)
