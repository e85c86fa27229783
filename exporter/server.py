"""The port on which a station's metrics are read: http://HOST:PORT/metrics."""

import errno
from threading import Thread
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import start_http_server

from exporter.instruments import Instruments
from livelift import settings
from livelift.errors import ResourceError, SettingsError

log = structlog.get_logger("exporter")

OFF = "off"


class MetricsServer:
    """Serves until `close`, or until the process ends."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(instruments: Instruments, address: str | None, default_port: int) -> MetricsServer | None:
    """Serve the metrics at `address`; None if they are switched off.

    Parameters
    ----------
    address
        "host:port", port 0 for any free one; "off"; None for 127.0.0.1 and the station's own port, or a free one where that
        is taken: a second worker on one machine is no mistake.

    Raises
    ------
    SettingsError
        If `address` is none of these.
    ResourceError
        If the port that was asked for is in use.
    """
    if address == OFF:
        return None
    host, port = _parsed(address) if address else ("127.0.0.1", default_port)
    try:
        server = MetricsServer(*start_http_server(port, host, instruments.registry))
    except OSError as error:
        if address or error.errno != errno.EADDRINUSE:
            raise ResourceError(
                f"metrics cannot be served at {host}:{port}: {error.strerror}",
                f"choose another port, or 0 for any: {settings.METRICS}=127.0.0.1:0 ({OFF} for none)",
            ) from None
        server = MetricsServer(*start_http_server(0, host, instruments.registry))
    log.info("metrics", address=f"{host}:{server.port}")
    return server


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(f"{settings.METRICS} is '{address}'", f"use HOST:PORT, 127.0.0.1:0 for any port, or {OFF}")
    return host, int(port)
