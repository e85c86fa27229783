# One image a station: docker build --target producer . (or processor, or stats; `docker compose build` makes all).
# An image holds its station's lock, the words that all stations share, and the station's own folder; nothing else.

# Packages are installed where there is a compiler: faust-streaming has no wheel for ARM.
FROM python:3.11.15-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv

FROM packages AS producer-packages
COPY requirements/producer.lock /tmp/
RUN /venv/bin/pip install --require-hashes --requirement /tmp/producer.lock

FROM packages AS processor-packages
COPY requirements/processor.lock /tmp/
RUN /venv/bin/pip install --require-hashes --requirement /tmp/processor.lock

FROM packages AS stats-packages
COPY requirements/stats.lock /tmp/
RUN /venv/bin/pip install --require-hashes --requirement /tmp/stats.lock


FROM python:3.11.15-slim-bookworm AS station
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LIVELIFT_FOLDER=/var/lib/livelift
RUN useradd --uid 10001 --create-home --home-dir /var/lib/livelift livelift
WORKDIR /app
COPY livelift livelift
COPY studies studies
COPY exporter exporter
COPY broker broker
USER livelift

FROM station AS producer
COPY --from=producer-packages /venv /venv
COPY producer producer
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9101/metrics', timeout=2)"]
CMD ["python", "-m", "producer"]

FROM station AS processor
COPY --from=processor-packages /venv /venv
COPY processor processor
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9102/metrics', timeout=2)"]
CMD ["python", "-m", "processor"]

FROM station AS stats
COPY --from=stats-packages /venv /venv
COPY stats stats
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9103/metrics', timeout=2)"]
CMD ["python", "-m", "stats"]
