#!/usr/bin/env bash
# gbstats 0.8.0 (GrowthBook's statistics): where one arm has no spread, the effect is "0, interval [0, 0], p 1".
#
# 1,000 users with exactly 5 against 1,000 with 6 ± 2 differ by 1, beyond any doubt; Welch's test is well defined. The two-sided t-test answers an
# effect of 0 with an interval of no width, and p = 1: the surest answer that there is, and the wrong one. The same where control's mean is
# 0 (a new feature that nobody could use before), even for the absolute difference, which has no denominator. Only the field error_message
# tells; a dashboard that shows effect, interval and p shows "surely nothing". With a variance of 1e-9 in place of 0 the answer is right.
#
# Seen on 2026-11-27, Python 3.11.7, difference_type absolute:
#   control all 5: 0.0 [0.0, 0.0] p 1.0 (ZERO_NEGATIVE_VARIANCE)
#   control all 0: 0.0 [0.0, 0.0] p 1.0 (ZERO_NEGATIVE_BASELINE_VARIATION)
#   control 5, variance 1e-9: 1.0 [0.876, 1.124] p 0.0 (None)
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gbstats==0.8.0
"$folder/venv/bin/python" - <<'PYTHON'
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic


def sample(mean, variance, n=1_000):
    return SampleMeanStatistic(n=n, sum=n * mean, sum_squares=n * mean * mean + (n - 1) * variance)


def effect(control):
    test = TwoSidedTTest(control, sample(6.0, 4.0), FrequentistConfig(difference_type="absolute"))
    found = test.compute_result()
    return found.expected, [round(end, 3) for end in found.ci], round(found.p_value, 6), found.error_message


arms = {"control all 5": sample(5.0, 0.0), "control all 0": sample(0.0, 0.0), "control 5, variance 1e-9": sample(5.0, 1e-9)}
found = {words: effect(control) for words, control in arms.items()}
for words, (expected, interval, p, message) in found.items():
    print(f"{words}: {expected} {interval} p {p} ({message})")
constant, zero, nearly = found.values()
nothing = (0.0, [0.0, 0.0], 1.0)
kept = constant[:3] == nothing and zero[:3] == nothing and nearly[0] == 1.0 and nearly[2] == 0.0
raise SystemExit(0 if kept else 1)
PYTHON
