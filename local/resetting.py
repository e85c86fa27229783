"""Removes what a folder has of all studies, or of one: runs, logs, caches, topics and Redis keys."""

import shutil
from functools import partial

import redis

from livelift.names import is_topic_of_study, keys_of_study
from livelift.study import load_study
from livelift.study_folders import is_path
from local.kafka_server import KafkaServer
from local.redis_server import RedisServer
from local.run_folder import RunFolder


def reset(folder: RunFolder) -> None:
    """Remove every run, cache and kept verdict of this folder.

    Raises
    ------
    StateError
        If a stack is up.
    """
    with folder.only_stack():
        shutil.rmtree(folder.root, ignore_errors=True)


def study_to_reset(folder: RunFolder, name_or_folder: str) -> str:
    """The study's name. Of a study that is no more the name will do, if the folder has runs of it.

    Raises
    ------
    StudyError
        If there is no such study.
    """
    if not is_path(name_or_folder) and any(run.study == name_or_folder for run in folder.noted_runs()):
        return name_or_folder
    return load_study(name_or_folder).name


def reset_study(folder: RunFolder, study: str) -> None:
    """Remove everything that the folder has of one study; the others keep what they have.

    Raises
    ------
    StateError
        If a stack is up.
    ResourceError
        If Kafka or Redis does not start.
    """
    with folder.only_stack():
        folder.keep_or_drop_demo()
        if folder.redis.exists():
            with RedisServer(folder.redis) as server, redis.Redis.from_url(server.admin_url) as client:
                for key in client.scan_iter(match=keys_of_study(study), count=1_000):
                    client.unlink(key)
        if folder.kafka.exists():
            with KafkaServer(folder.kafka) as kafka:
                kafka.drop_topics(partial(is_topic_of_study, study))
        folder.forget_study(study)
        for place in (folder.cache, folder.generated):
            for left in place.glob(f"{study}-*"):  # no study's name has a dash in it
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()
