"""Domain types shared by all stations: events, event time, sessions, study, assignment, codecs, settings, errors.

Imports no station and no client library.
"""

__version__ = "0.1.0"
