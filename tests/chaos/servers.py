"""The servers as `livelift up` starts them, a broker with a listener behind each link, and copies of what Redis keeps."""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from local.kafka_server import KafkaServer
from local.ports import HOST, free_port
from local.redis_server import RedisServer
from tests.chaos.proxy import Link, Links


class LinkedKafka(KafkaServer):
    """A broker that stations reach through links, one each, and a test directly, at `address`.

    A client connects to whatever address the broker tells it: so every link needs a listener of its own, which tells the
    link's address.
    """

    def __init__(self, folder: Path, links: Links, stations: tuple[str, ...]) -> None:
        super().__init__(folder)
        self._ports = {station: free_port() for station in stations}
        self.links: Mapping[str, Link] = {
            station: links.open(partial(self._ports.__getitem__, station)) for station in stations
        }

    def _write_properties(self, file_name: str, data: str) -> str:
        super()._write_properties(file_name, data)
        file = self.folder / file_name
        text = file.read_text()
        names = {station: f"LINK{number}" for number, station in enumerate(self._ports)}
        for setting, own in (
            ("listeners", [f"{names[station]}://{HOST}:{port}" for station, port in self._ports.items()]),
            ("advertised.listeners", [f"{names[station]}://{link.address}" for station, link in self.links.items()]),
            ("listener.security.protocol.map", [f"{name}:PLAINTEXT" for name in names.values()]),
        ):
            given = next(line for line in text.splitlines() if line.startswith(f"{setting}="))
            text = text.replace(f"\n{given}\n", f"\n{','.join((given, *own))}\n")
        file.write_text(text)
        return file_name


def copy_of_redis(server: RedisServer, folder: Path) -> None:
    """Copy what Redis keeps on disk, while it runs: as it is at this moment."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for kept in server.folder.glob("appendonly*"):
        (shutil.copytree if kept.is_dir() else shutil.copyfile)(kept, folder / kept.name)


def put_back(server: RedisServer, folder: Path) -> None:
    """Let a Redis that is down find the copy of `folder` when it starts."""
    for kept in server.folder.glob("appendonly*"):
        shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    for kept in folder.iterdir():
        (shutil.copytree if kept.is_dir() else shutil.copyfile)(kept, server.folder / kept.name)
