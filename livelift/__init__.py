"""The words all stations share: events, event time, sessions, study, assignment, codec, settings, errors.

Imports no station and no client library.
"""

__version__ = "0.1.0"
