"""HTTP server of a station's metrics: http://HOST:PORT/metrics, and further pages where a station has some."""

import errno
from collections.abc import Iterable, Mapping
from threading import Thread
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from exporter.instruments import Instruments
from livelift import settings
from livelift.errors import ResourceError, SettingsError

log = structlog.get_logger("exporter")

OFF = "off"


class Page(Protocol):
    """Something else that Prometheus reads. What it raises becomes a 503: the scrape fails, the station goes on."""

    @property
    def content_type(self) -> str: ...

    def __call__(self, reader: str) -> bytes:
        """`reader` tells who asks from others: its address, and what it wrote behind `?`."""


class MetricsServer:
    """Serves until `close`, or until the process ends."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server
        self._thread = Thread(target=server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    instruments: Instruments, address: str | None, default_port: int, pages: Mapping[str, Page] | None = None
) -> MetricsServer | None:
    """Serve the metrics at `address`; None if they are switched off.

    Parameters
    ----------
    address
        "host:port", port 0 for any free one; "off"; None for 127.0.0.1 and the station's own port, or a free one where that
        is taken: a second worker on one machine is no mistake.
    pages
        More of them, by path.

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
    app = _app(instruments, pages or {})
    try:
        server = _started(host, port, app)
    except OSError as error:
        if address or error.errno != errno.EADDRINUSE:
            raise ResourceError(
                f"metrics cannot be served at {host}:{port}: {error.strerror}",
                f"choose another port, or 0 for any: {settings.METRICS}=127.0.0.1:0 ({OFF} for none)",
            ) from None
        server = _started(host, 0, app)
    log.info("metrics", address=f"{host}:{server.port}")
    return server


class _Quiet(WSGIRequestHandler):
    """A scrape is nothing to write to standard error."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _started(host: str, port: int, app: Any) -> MetricsServer:
    return MetricsServer(make_server(host, port, app, ThreadingWSGIServer, _Quiet))


def _app(instruments: Instruments, pages: Mapping[str, Page]) -> Any:
    metrics = make_wsgi_app(instruments.registry)

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        page = pages.get(environ["PATH_INFO"])
        if page is None:
            answered: Iterable[bytes] = metrics(environ, start_response)
            return answered
        try:
            body = page(f"{environ.get('REMOTE_ADDR', '')}?{environ.get('QUERY_STRING', '')}")
        except Exception as error:
            log.warning("a page cannot be served", path=environ["PATH_INFO"], error=str(error))
            start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{error}\n".encode()]
        start_response("200 OK", [("Content-Type", page.content_type), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(f"{settings.METRICS} is '{address}'", f"use HOST:PORT, 127.0.0.1:0 for any port, or {OFF}")
    return host, int(port)
