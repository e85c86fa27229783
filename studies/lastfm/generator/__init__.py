"""Generates a log in the format of the Last.fm 1K data, calibrated to its published figures.

    calendar    which days and how many users a size covers
    people      the users: rate, session length, habits
    tables      the shapes of listening, as tables of integers
    randomness  seeded draws, the same on every machine
    sessions    the plan: which sessions, how many plays
    listening   gaps, schedule, the planted lift
    music       artists and tracks
    names       what they are called
    faults      the few bad rows
    writer      bytes; whole or not there
    tally       counting it
    truth       what was planted, beside the file
    generator   all of it in order

The same seed and parameters give the same bytes. The data that it imitates: Last.fm 1K Users by Òscar Celma,
http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html.
"""

from studies.lastfm.generator.generator import generate
from studies.lastfm.generator.truth import Truth, read_truth, truth_path

__all__ = ["Truth", "generate", "read_truth", "truth_path"]
