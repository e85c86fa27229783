"""Counts rows, sessions and durations of a generated file while it is written."""

import numpy as np

from livelift.assignment import CONTROL, variant_of
from livelift.study import Study
from studies.lastfm.generator.faults import user_id
from studies.lastfm.generator.listening import Listening
from studies.lastfm.generator.randomness import Flags
from studies.lastfm.generator.truth import VariantTruth


class Tally:
    """Sessions and durations a user.

    Attributes
    ----------
    is_treatment
        Per user of the file.
    rows, duplicates, sessions
        So far.
    """

    def __init__(self, users: int, study: Study) -> None:
        self._experiment = study.experiment
        salt, control_percent = study.experiment.salt, study.experiment.control_percent
        self.is_treatment: Flags = np.array(
            [variant_of(user_id(user), salt, control_percent) != CONTROL for user in range(users)], dtype=np.bool_
        )
        self.rows = self.duplicates = self.sessions = 0
        self._in_period, self._seconds, self._baseline = (np.zeros(users, dtype=np.int64) for _ in range(3))

    def add(self, listening: Listening, rows: int) -> None:
        """Count some users' listening, written as `rows` lines."""
        alive = np.bincount(listening.plays.session, minlength=len(listening.sessions)) > 0
        self.rows += rows
        self.duplicates += int(listening.plays.twice.sum())
        self.sessions += int(alive.sum())
        counted = alive & listening.in_period
        user = listening.sessions.user[counted]
        np.add.at(self._in_period, user, 1)
        np.add.at(self._seconds, user, listening.seconds[counted])
        np.add.at(self._baseline, user, listening.baseline[counted])

    def variant(self, name: str) -> VariantTruth:
        """What the variant `name` holds."""
        members = self.is_treatment == (name != CONTROL)
        sessions = int(self._in_period[members].sum())
        return VariantTruth(
            users=int(members.sum()),
            users_included=int((self._in_period[members] >= self._experiment.minimum_sessions).sum()),
            sessions_in_period=sessions,
            mean_minutes=int(self._seconds[members].sum()) / sessions / 60 if sessions else None,
            mean_minutes_without_lift=int(self._baseline[members].sum()) / sessions / 60 if sessions else None,
        )
