"""Reads settings that all stations share from the environment; command-line flags set the same names."""

import os
from collections.abc import Mapping
from math import inf
from pathlib import Path

from livelift.addresses import check_kafka, check_redis
from livelift.errors import SettingsError
from livelift.names import check_run
from studies import DEFAULT

KAFKA = "LIVELIFT_KAFKA"
REDIS = "LIVELIFT_REDIS"
STUDY = "LIVELIFT_STUDY"
STUDIES = "LIVELIFT_STUDIES"
"""Folders that hold studies, as PATH lists folders of programs: `livelift.study_folders`."""
RUN = "LIVELIFT_RUN"
FOLDER = "LIVELIFT_FOLDER"
METRICS = "LIVELIFT_METRICS"

METRICS_PORTS = {"producer": 9101, "processor": 9102, "stats": 9103}
"""Where Prometheus finds a station, on 127.0.0.1 unless `METRICS` says otherwise."""

BOOTSTRAP_MS = 5_000
"""How long a client looks for Kafka before it says that there is none."""

DEFAULTS = {
    KAFKA: "127.0.0.1:9092",
    REDIS: "redis://127.0.0.1:6379/0",
    STUDY: DEFAULT,
    FOLDER: ".livelift",
}

TOPIC_WAIT_SECONDS = "LIVELIFT_TOPIC_WAIT_SECONDS"
FETCH_RECORDS = "LIVELIFT_FETCH_RECORDS"
SESSION_TIMEOUT = "LIVELIFT_SESSION_TIMEOUT"
CHECKPOINT_SECONDS = "LIVELIFT_CHECKPOINT_SECONDS"
STANDSTILL_SECONDS = "LIVELIFT_STANDSTILL_SECONDS"
NUMBERS = (TOPIC_WAIT_SECONDS, FETCH_RECORDS, SESSION_TIMEOUT, CHECKPOINT_SECONDS, STANDSTILL_SECONDS)
"""What stations read as positive numbers."""

STORE = "LIVELIFT_STORE"
STORES = ("memory", "rocksdict")
"""Where a processor keeps its users; the first is the default."""

_CHECKS = {KAFKA: check_kafka, REDIS: check_redis, RUN: check_run}


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The setting `name`, or its default.

    Raises
    ------
    SettingsError
        If it is not set and has no default, or is no address where one is wanted.
    """
    value = environment.get(name) or DEFAULTS.get(name)
    if not value:
        raise SettingsError(f"{name} is not set", f"set it in the environment: {name}=…")
    return _CHECKS[name](value, name) if name in _CHECKS else value


def number(name: str, default: float, environment: Mapping[str, str] = os.environ) -> float:
    """The setting `name` as a positive number.

    Raises
    ------
    SettingsError
        If it is not one.
    """
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < inf:
        raise SettingsError(f"{name} is '{text}'", "use a number above 0")
    return value


def choice(name: str, choices: tuple[str, ...], environment: Mapping[str, str] = os.environ) -> str:
    """The setting `name`, one of `choices`; the first of them is the default.

    Raises
    ------
    SettingsError
        If it is none of them.
    """
    value = environment.get(name) or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} is '{value}'", f"use one of: {', '.join(choices)}")
    return value


def check_stations(environment: Mapping[str, str] = os.environ) -> None:
    """Are the settings that stations read later such as they can use? To be asked before anything starts.

    Raises
    ------
    SettingsError
        Naming the first that is not.
    """
    for name in NUMBERS:
        number(name, 1.0, environment)
    choice(STORE, STORES, environment)


def metrics_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where this station is to serve its metrics; None for its default."""
    return environment.get(METRICS) or None


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where runs, caches and logs live."""
    return Path(setting(FOLDER, environment))
