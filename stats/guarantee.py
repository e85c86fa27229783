"""What the study promises, and what it does not, in the sentences that are printed beside every verdict."""

from livelift.study import Study
from stats.boundaries import calendar, constants, obrien_fleming
from stats.power import POWER, minimum_detectable_effect, needed_lift


def guarantee(study: Study) -> tuple[str, ...]:
    """The guarantee with the study's own numbers, one sentence an element.

    Examples
    --------
    >>> from livelift.study import load_study
    >>> guarantee(load_study("lastfm"))[0]
    'If the change does nothing to anyone: ship at most 2.5 %, "harms the primary" at most 2.5 %, watched at all 61 looks.'
    """
    decision, experiment, planned = study.decision, study.experiment, study.statistics.planned_standard_error
    at_end = constants(calendar(experiment.days, experiment.days), decision.alpha, obrien_fleming, two_sided=True)[-1]
    tail = f"{100 * decision.alpha / 2:g} %"
    exact = experiment.assignment == "randomised"
    of_the_boundary = (
        "These two are exact over the re-assignments that the salt could have made."
        if exact
        else "These two are approximate: the groups were observed, not randomised, so a difference is no proof of a cause."
    )
    return (
        (
            f'If the change does nothing to anyone: ship at most {tail}, "harms the primary" at most {tail}, '
            f"watched at all {experiment.days} looks."
        ),
        of_the_boundary,
        f"Some guardrail wrongly failed: at most {100 * decision.guardrail_alpha:g} % (approximate).",
        f"Ship claims a lift above 0, not above {100 * decision.minimum_lift:g} %.",
        (
            f'"Not proven" is no evidence of no effect: with the precision that was planned, crossing needs an observed lift '
            f"of {needed_lift(planned, at_end):+.1%} at the end, and a true one of "
            f"{minimum_detectable_effect(planned, at_end):+.1%} is found with a probability of {POWER:.0%}."
        ),
        (
            f"A guardrail that is neither proven worse nor proven safe against {100 * decision.guardrail_margin:g} % blocks "
            "nothing; with about a thousand users all of them are proven safe about never."
        ),
        (
            f"Only users with {experiment.minimum_sessions} or more sessions are included, a condition that arises after "
            "assignment and could differ between the arms."
        ),
    )
