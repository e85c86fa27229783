"""Two builds' reports are read, and their ratios computed and shown, as worked out by hand."""

from math import inf
from typing import Any

import pytest

from bench.markdown import against_markdown
from bench.ratios import LatencyRun, Rates, StageRun, latency_rows, latency_run, ratio, stage_rows, stage_run
from livelift.errors import VersionError

MACHINE = {
    "cpu": "a CPU", "cores": 2, "memory_gib": 4.0, "system": "Linux", "python": "3.11.7", "measured_at": "today",
}  # fmt: skip


def report(cpu: float, rate: float, *, part: str = "steady", equal: bool = True) -> dict[str, Any]:
    """What `python -m bench --only livelift:producer --runs 1` writes, as far as it is read."""
    whole = {"seconds": 9.0, "cpu_s_per_million": cpu + 1, "events_per_s": rate / 2}
    row = {"stage": "producer", "cpu_s_per_million": cpu, "events_per_s": rate, "part": part, "whole": whole}
    return {"rows": [row | {"equal_to_oracle": equal, "events": 1000}]}


def runs(*reports: dict[str, Any]) -> list[StageRun]:
    return [stage_run(one, "today") for one in reports]


def test_a_stage_s_report_is_read() -> None:
    assert stage_run(report(2.0, 100.0), "today") == StageRun(1000, Rates(2.0, 100.0), Rates(3.0, 50.0), True)
    assert stage_run(report(2.0, 100.0, part="whole", equal=False), "base") == StageRun(
        1000, None, Rates(3.0, 50.0), False
    )


def without(key: str) -> dict[str, Any]:
    (row,) = report(2.0, 100.0)["rows"]
    return {"rows": [{name: value for name, value in row.items() if name != key}]}


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"rows": []},
        {"rows": [1, 2]},
        {"rows": None},
        [],
        without("part"),
        without("whole"),
        without("equal_to_oracle"),
        without("cpu_s_per_million"),
        {"rows": [without("events")["rows"][0] | {"events": "many"}]},
    ],
)
def test_a_report_of_another_form_is_refused_naming_its_build(found: Any) -> None:
    with pytest.raises(VersionError, match="the bench of base writes its report in another form"):
        stage_run(found, "base")


def test_a_latency_report_is_read_or_refused() -> None:
    found = {"sessions": 9, "p50_ms": 10.5, "p99_ms": 30.0, "max_ms": 50.0, "unseen": 1}
    assert latency_run(found, "today") == LatencyRun(9, 10.5, 30.0, 1)
    with pytest.raises(VersionError, match="the bench of base"):
        latency_run({"sessions": 9, "p50_ms": 10.5}, "base")


def test_ratios_are_of_medians_with_the_spread_of_the_pairs() -> None:
    """Pairs: 1/2, 9/2, 2/4; medians 2 and 2."""
    assert ratio([1.0, 9.0, 2.0], [2.0, 2.0, 4.0]) == (1.0, 0.5, 4.5)


@pytest.mark.parametrize(
    ("today", "base", "expected"),
    [
        ([1.0], [0.0], (None, None, None)),
        ([0.0], [2.0], (0.0, 0.0, 0.0)),
        ([1.0, 2.0, 4.0], [0.0, 2.0, 2.0], (1.0, 1.0, 2.0)),  # one pair has no ratio
        ([inf], [10.0], (None, None, None)),
        ([10.0], [inf], (None, None, None)),
    ],
)
def test_a_ratio_that_means_nothing_is_unknown(today: list[float], base: list[float], expected: Any) -> None:
    assert ratio(today, base) == expected


def test_runs_that_were_not_in_turn_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_a_stage_has_a_row_for_cpu_and_one_for_throughput() -> None:
    today = runs(report(2.0, 300.0), report(3.0, 100.0), report(4.0, 200.0))
    base = runs(report(4.0, 100.0), report(4.0, 100.0), report(2.0, 400.0, equal=False))
    cpu, rate = stage_rows("producer", today, base)
    assert (cpu["figure"], cpu["today"], cpu["base"], cpu["part"], cpu["runs"]) == ("CPU-s / M", 3.0, 4.0, "steady", 3)
    assert cpu["ratio"] == {"of_medians": 0.75, "lowest": 0.5, "highest": 2.0}
    assert (rate["figure"], rate["today"], rate["base"]) == ("events/s", 200.0, 100.0)
    assert rate["ratio"] == {"of_medians": 2.0, "lowest": 0.5, "highest": 3.0}
    assert cpu["equal_to_oracle"] == rate["equal_to_oracle"] == {"today": True, "base": False}


def test_one_run_without_a_steady_part_makes_all_count_whole() -> None:
    today, base = runs(report(2.0, 100.0)), runs(report(2.0, 100.0, part="whole"))
    for cpu, rate in (stage_rows("stats", today, base), stage_rows("stats", base, today)):
        assert (cpu["part"], cpu["today"], cpu["base"], rate["today"]) == ("whole", 3.0, 3.0, 50.0)


def test_latency_has_a_row_for_each_quantile() -> None:
    p50, p99 = latency_rows([LatencyRun(9, 10.0, 30.0, 0)], [LatencyRun(8, 20.0, inf, 2)])
    assert (p50["figure"], p50["ratio"]["of_medians"]) == ("p50 ms", 0.5)
    assert (p99["figure"], p99["ratio"]["of_medians"], p99["unseen"]) == ("p99 ms", None, {"today": 0, "base": 2})


def test_the_table_shows_ratios_and_what_is_not_equal() -> None:
    cpu, rate = stage_rows("stats", runs(report(3.0, 3000.0)), runs(report(4.0, 1500.0, equal=False)))
    cpu |= {"equal_to_each_other": None, "compared": "9 numbers", "different": []}
    rate |= {"equal_to_each_other": False, "compared": "9 numbers", "different": [f"a[{i}]: 1 ≠ 2" for i in range(7)]}
    latency, _ = latency_rows([LatencyRun(9, 10.0, 30.0, 0)], [LatencyRun(8, 20.0, inf, 2)])
    builds = {"today": "abc as committed", "base": "def as committed"}
    shown = against_markdown({"machine": MACHINE, "builds": builds, "rows": [cpu, rate, latency]}).splitlines()
    assert shown[2:5] == [
        "| stats | CPU-s / M | 3.00 | 4.00 | **0.75** | 0.75 – 0.75 | NO: base | – | 1 |",
        "| stats | events/s | 3,000 | 1,500 | **2.00** | 2.00 – 2.00 | NO: base | no | 1 |",
        "| latency | p50 ms | 10.0 | 20.0 | **0.50** | 0.50 – 0.50 | 2 sessions of base unseen | – | 1 |",
    ]
    assert "today: abc as committed; base: def as committed; 1,000 events" in shown
    assert shown.count("  - and 2 more") == 1
    assert "  - a[0]: 1 ≠ 2" in shown
