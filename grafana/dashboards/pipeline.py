"""The *Pipeline* dashboard, in wall-clock time: throughput, lag, watermarks, losses and restarts."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build

from grafana import frame, panels
from grafana.panels import ACCENT, BAD, CONTROL, GOOD, NEUTRAL, QUIET, TREATMENT, WARNING, Look, Query, Size
from grafana.queries import last_seen, now, per_second, quantile
from livelift.metrics import Metric, processor, producer, stats
from livelift.metrics import verdict as v
from livelift.refusals import REFUSALS, UNDECODABLE
from livelift.study import Study

OWN = 'study=~"$study|"'
"""What Prometheus says of a station itself has the study where `livelift up` told it; under Docker there is one study only."""

UP = {"0": ("down", BAD), "1": ("up", GOOD)}


def build_dashboard(study: Study, web: str) -> build.Dashboard:
    """The dashboard for `study`, linked to the web pages at `web`."""
    description = "The stations now: throughput, lag, watermarks, what was refused, times of the steps, restarts."
    dashboard = frame.frame("pipeline", study, description, web).time("now-15m", "now")
    dashboard = dashboard.with_variable(frame.study_variable(study))
    for title, content in (
        ("Flow", _flow()),
        ("Event time", _event_time()),
        ("What was taken, and what was not", _outcomes()),
        ("Work", _work()),
        ("Stations", _stations()),
    ):
        dashboard = dashboard.with_row(build.Row(title))
        for panel in content:
            dashboard = dashboard.with_panel(panel)
    return dashboard


def _flow() -> list[Any]:
    return [
        panels.tile(
            "Replay", "Share of the replay that was handed to Kafka. A live stream has no end: 0 %.",
            Query(f"max(clamp_max({last_seen(producer.ROWS_SENT)} / ({last_seen(producer.ROWS)} > 0), 1))"), Size(4, 4),
            unit="percentunit", empty="no replay", decimals=0,
        ),
        panels.tile(
            "Events processed", "Events that the processor took, since its workers started.",
            Query(f"sum({last_seen(processor.EVENTS)})"), Size(4, 4), unit="short", empty="none yet",
        ),
        panels.tile(
            "Waiting", "Events on Kafka that were not applied yet, over all partitions.",
            Query(f"sum({last_seen(processor.LAG)})"), Size(4, 4), unit="short", empty="no worker yet",
            limits=((None, GOOD), (100_000, WARNING)),
        ),
        panels.tile(
            "Age of the verdict", "Wall time since the shown numbers were last brought up to date.",
            Query(f"max({last_seen(v.VERDICT_TIMESTAMP)}) * 1000"), Size(4, 4), unit="dateTimeFromNow", empty="no verdict yet",
        ),
        panels.tile(
            "Stream", "Has the end of the stream been reached?",
            Query(f"max({last_seen(v.ENDED)})"), Size(4, 4), unit="none", empty="not begun",
            names={"0": ("flowing", NEUTRAL), "1": ("ended", GOOD)},
        ),
        panels.tile(
            "Alerts firing", "Prometheus alerts of the study that fire now: Alerting lists them with what to do.",
            Query(f'count(ALERTS{{alertstate="firing", severity!="info", {OWN}}}) or vector(0)'), Size(4, 4), unit="none", empty="0",
            limits=((None, GOOD), (1, BAD)),
        ),
        panels.chart(
            "How fast does the stream flow?", "Events a second: sent by the producer, taken by the processor.",
            [
                Query(f"sum({per_second(producer.EVENTS)})", "sent"),
                Query(f"sum({per_second(processor.EVENTS)})", "processed"),
            ],
            Size(12, 8), unit="eps", lowest=0, looks={"sent": Look(QUIET, 1), "processed": Look(GOOD)},
        ),
        panels.chart(
            "Does anything queue up?",
            "Records not handled yet: events by partition before the processor, outputs of all partitions before stats, and "
            "outputs that wait in stats until all partitions have reached a midnight.",
            [
                Query(f"sum by (partition) ({now(processor.LAG)})", "events, partition {{partition}}"),
                Query(f"sum({now(stats.LAG)})", "outputs before stats"),
                Query(f"sum({now(stats.WAITING)})", "outputs at a mark"),
            ],
            Size(12, 8), unit="short", lowest=0, looks={"outputs before stats": Look(ACCENT), "outputs at a mark": Look(QUIET, 1)},
        ),
    ]  # fmt: skip


def _event_time() -> list[Any]:
    watermark = f"min({now(processor.WATERMARK)})"
    return [
        panels.chart(
            "How far is event time?",
            "Event time of the last event sent, each partition's watermark (nothing on time is still to come before it), and the "
            "last tick of stats, against wall time.",
            [
                Query(f"max({now(producer.EVENT_TIME)} > 0) * 1000", "sent"),
                Query(f"max by (partition) ({now(processor.WATERMARK)}) * 1000", "watermark {{partition}}"),
                Query(f"max({now(v.TICK_EVENT_TIME, clock='')}) * 1000", "last tick"),
            ],
            Size(12, 8), unit="dateTimeAsIso", looks={"sent": Look(QUIET, 1), "last tick": Look(GOOD, 3)}, stepped=True,
        ),
        panels.chart(
            "How fast does event time pass?",
            "Event seconds a second of wall time: as asked for (0 = as fast as possible), and as the slowest watermark moved.",
            [
                Query(f"deriv({now(processor.WATERMARK)}[30s]) >= 0", "watermark {{partition}}"),
                Query(f"max({now(producer.SPEED)})", "asked for"),
            ],
            Size(6, 8), unit="short", looks={"asked for": Look(QUIET, 1, dashed=True)}, lowest=0,
        ),
        panels.chart(
            "How far apart are the partitions?",
            "Event time by which a batch's partition was behind the furthest one of its worker: median and 95 %.",
            [Query(quantile(q, processor.EVENT_TIME_LAG), name) for q, name in ((0.5, "median"), (0.95, "95 %"))],
            Size(6, 8), unit="s", lowest=0, looks={"median": Look(GOOD), "95 %": Look(WARNING, 1)},
        ),
        panels.tile(
            "Event time behind the clock", "Wall time minus the slowest watermark: seconds in a live stream, years in a replay.",
            Query(f"time() - min(last_over_time({now(processor.WATERMARK)}[$__range]))"), Size(6, 4), unit="s",
            empty="no watermark yet",
        ),
        panels.tile(
            "Slowest watermark", "The event time that every partition has reached.",
            Query(f"{watermark.replace(now(processor.WATERMARK), last_seen(processor.WATERMARK))} * 1000"), Size(6, 4),
            unit="dateTimeAsIso", empty="no watermark yet",
        ),
        panels.chart(
            "How many sessions are open?", "Sessions that may still go on, and users whose state is held.",
            [Query(f"sum({now(processor.SESSIONS_OPEN)})", "open sessions"), Query(f"sum({now(processor.USERS)})", "users")],
            Size(6, 6), unit="short", lowest=0, looks={"open sessions": Look(GOOD), "users": Look(QUIET, 1)},
        ),
        panels.chart(
            "How many sessions close?", "Sessions closed by the watermark, a second.",
            [Query(f"sum({per_second(processor.SESSIONS_CLOSED)})", "closed")],
            Size(6, 6), unit="cps", lowest=0, looks={"closed": Look(GOOD)},
        ),
    ]  # fmt: skip


def _outcomes() -> list[Any]:
    rows, refused = last_seen(v.INPUT_ROWS, clock=""), "|".join(("late", *REFUSALS))
    return [
        panels.chart(
            "What does the processor refuse?",
            "Records a second that came too late or were refused, by reason: dead letters, livelift rejects lists them.",
            [Query(f"sum by (outcome) ({per_second(processor.EVENTS, outcome=f'~{refused}')})", "{{outcome}}")],
            Size(8, 7), unit="eps", lowest=0, looks={"late": Look(WARNING), UNDECODABLE: Look(BAD)},
            words={reason: reason.replace("_", " ") for reason in REFUSALS},
        ),
        panels.bars(
            "What became of every row?", "All rows of the input by outcome and reason; they add up to the rows read.",
            [
                Query(f"sum by (outcome, reason) ({rows}) > 0 or sum by (outcome, reason) ({last_seen(v.INPUT_ROWS, clock='', outcome='accepted')})",
                      "{{outcome}} {{reason}}"),
            ],
            Size(8, 7), unit="short", empty="nothing read yet",
        ),
        panels.chart(
            "How large are the late and rejected shares?", "Of all rows, with the limits beyond which the verdict is unhealthy.",
            [
                Query(f"max({now(v.LATE_SHARE, clock='')})", "late"),
                Query(f"max({now(v.LATE_LIMIT, clock='')})", "limit of late"),
                Query(f"max({now(v.REJECTED_SHARE, clock='')})", "rejected"),
                Query(f"max({now(v.REJECTED_LIMIT, clock='')})", "limit of rejected"),
            ],
            Size(8, 7), unit="percentunit", decimals=2, lowest=0,
            looks={
                "late": Look(TREATMENT), "limit of late": Look(TREATMENT, 1, dashed=True),
                "rejected": Look(CONTROL), "limit of rejected": Look(CONTROL, 1, dashed=True),
            },
        ),
    ]  # fmt: skip


def _work() -> list[Any]:
    def tails(*named: tuple[str, Metric]) -> list[Query]:
        return [Query(quantile(0.95, metric), f"{name}, 95 %") for name, metric in named]

    return [
        panels.chart(
            "How large are the batches?", "Records handled at once, median: the larger, the cheaper each.",
            [
                Query(quantile(0.5, producer.BATCH_RECORDS), "producer"),
                Query(quantile(0.5, processor.BATCH_RECORDS), "processor"),
                Query(quantile(0.5, stats.BATCH_RECORDS), "stats"),
            ],
            Size(8, 7), unit="short", lowest=0,
            looks={"producer": Look(QUIET), "processor": Look(GOOD), "stats": Look(ACCENT)},
        ),
        panels.chart(
            "How long does a batch take?",
            "Producer: from one slice of events to the next. Processor: sessions, outputs acknowledged by Kafka, state "
            "acknowledged by the changelog.",
            tails(
                ("producer's slice", producer.BATCH_SECONDS), ("sessions", processor.APPLY_SECONDS),
                ("outputs", processor.OUTPUT_SECONDS), ("changelog", processor.CHANGELOG_SECONDS),
            ),
            Size(8, 7), unit="s", lowest=0, looks={"producer's slice, 95 %": Look(QUIET, 1)},
        ),
        panels.chart(
            "How long do Redis and a look take?", "An atomic commit to Redis, and the evaluation of a tick.",
            tails(("Redis", stats.COMMIT_SECONDS), ("tick", stats.TICK_SECONDS)),
            Size(8, 7), unit="s", lowest=0, looks={"Redis, 95 %": Look(BAD), "tick, 95 %": Look(ACCENT)},
        ),
    ]  # fmt: skip


def _stations() -> list[Any]:
    return [
        panels.states(
            "Which stations are up?", "Whether Prometheus reached each station. A producer ends by itself when all is sent.",
            [Query(f'up{{job="livelift", {OWN}}}', "{{station}} {{instance}}")], Size(12, 7), names=UP,
        ),
        panels.chart(
            "Did anything restart?",
            "In the last five minutes: processes that began anew, state restored from the changelog (starts and rebalances), runs "
            "loaded from Redis (starts, lost connections, moved cursors).",
            [
                Query(f'sum by (station) (changes(process_start_time_seconds{{job="livelift", {OWN}}}[5m]))', "{{station}} restarted"),
                Query(f"sum(increase({now(processor.RECOVERIES)}[5m]))", "state restored"),
                Query(f"sum(increase({now(stats.RELOADS)}[5m]))", "run loaded"),
            ],
            Size(12, 7), unit="none", lowest=0, looks={"state restored": Look(WARNING), "run loaded": Look(ACCENT)},
        ),
        panels.chart(
            "What do the stations cost?", "Processor cores that each station uses.",
            [Query(f'sum by (station) (rate(process_cpu_seconds_total{{job="livelift", {OWN}}}[$__rate_interval]))', "{{station}}")],
            Size(12, 7), unit="none", decimals=2, lowest=0, looks={},
        ),
        panels.chart(
            "How much memory do they hold?", "Resident memory of each station's processes.",
            [Query(f'sum by (station) (process_resident_memory_bytes{{job="livelift", {OWN}}})', "{{station}}")],
            Size(12, 7), unit="bytes", lowest=0, looks={},
        ),
    ]  # fmt: skip
