"""The declared times and fields in SQL, by the batch oracle's own code: what `line.sql` judges a row by."""

import re
from collections.abc import Mapping

from batch.measure_sql import literal
from batch.statements import query
from livelift.source import LARGEST, UNITS, Field, Source
from livelift.study import Study

FOR_EVER = 2**62
"""A time in ms that nothing reaches."""

YEAR_1, YEAR_2, YEAR_9999 = -62_135_596_800_000, -62_104_060_800_000, 253_370_764_800_000
"""Their first moments, ms."""


def row_parts(study: Study) -> dict[str, str]:
    """Placeholder of `line.sql` → SQL, but for what is read (`batch.feed`) and the measures."""
    values = "".join(
        f", x{i}, {_value(field, f'c{i}', f'x{i}')} AS v{i}" for i, field in enumerate(study.fields.values())
    )
    values += "".join(f", l{i}" for i, field in enumerate(study.fields.values()) if field.lookup)
    rules = [line for i, (name, field) in enumerate(study.fields.items()) for line in _rules(i, name, field)]
    event_key = ", event_key" if study.source.duplicate else ""
    return {"time": _time(study.source), "event_key": event_key, "values": values, "rules": "\n        ".join(rules)}


def event_parts(study: Study) -> dict[str, str]:
    """Placeholder of `event.sql` → SQL: the table `repeated` is there where a study declares what identifies an event."""
    return {"but_repeated": " AND row NOT IN (SELECT row FROM repeated)" if study.source.duplicate else ""}


def fields_at(study: Study) -> Mapping[str, str]:
    """Field → its column in `dated`."""
    return {name: f"v{i}" for i, name in enumerate(study.fields)}


def zone_macros(source: Source) -> list[str]:
    """`in_zone(ms)`: a local time as if it were UTC → ms since 1970; null if no clock showed it, the first if two did.

    The offset is that of a day before or a day after. At the calendar's ends, which no study reaches, none is applied.
    """
    if source.time_zone == "UTC":
        return ["in_zone(ms) AS ms"]
    zone = literal(source.time_zone)
    return [
        f"shown_in_zone(ms) AS epoch_ms(timezone({zone}, make_timestamptz((ms * 1000)::BIGINT)))",
        f"in_zone(ms) AS CASE WHEN ms < {YEAR_2} OR ms >= {YEAR_9999} THEN ms ELSE list_min(list_filter("
        "[ms - (shown_in_zone(ms + day) - (ms + day)) FOR day IN [-86400000, 86400000]], lambda t: shown_in_zone(t) = ms)) END",
    ]


def _time(source: Source) -> str:
    if source.time_format:
        return _time_of_format(source.time_format)
    return _time_of_number(UNITS[source.time_unit]) if source.time_unit else query("time_of_text")


def _time_of_format(form: str) -> str:
    """strptime takes more forms than the declared one: its digits and separators are asked for beside it."""
    parts = re.findall(r"%.|.", form)
    pattern = ""
    for place, part in enumerate(parts):
        neighbours = parts[max(0, place - 1) : place] + parts[place + 1 : place + 2]
        if part == "%Y":
            pattern += "[0-9]{4}"
        elif part.startswith("%"):
            pattern += (
                "[0-9]{2}" if any(len(other) > 1 or other in "0123456789" for other in neighbours) else "[0-9]{1,2}"
            )
        else:
            pattern += f"[{part}]" if part not in "\\^]" else "\\" + part
    parsed = f"epoch_ms(try_strptime(said, {literal(form)}))"
    return f"CASE WHEN regexp_full_match(said, {literal(pattern)}) AND {parsed} >= {YEAR_1} THEN in_zone({parsed}) END"


def _time_of_number(unit: int) -> str:
    if unit < 0:
        value = f"said::HUGEINT // {-unit}"
        pattern = "[0-9]{1,19}"
    else:
        fraction = "rpad(substr(split_part(said, '.', 2), 1, 3), 3, '0')::BIGINT"
        value = f"split_part(said, '.', 1)::HUGEINT * {unit}" + (f" + {fraction}" if unit == 1_000 else "")
        pattern = "[0-9]{1,19}([.][0-9]{1,9})?" if unit == 1_000 else "[0-9]{1,19}"
    return f"CASE WHEN regexp_full_match(said, '{pattern}') THEN least({value}, {FOR_EVER})::BIGINT END"


def _value(field: Field, text: str, nested: str) -> str:
    missing = {"text": "''", "integer": "NULL"}[field.type] if field.default is None else literal(field.default)
    there = text if field.type == "text" else _whole(text, field.decimals)
    kind = "VARCHAR" if field.type == "text" else "BIGINT"
    return f"CASE WHEN {nested} THEN NULL WHEN coalesce({text}, '') = '' THEN {missing}::{kind} ELSE {there} END"


def _whole(text: str, decimals: int) -> str:
    """A decimal number in units of its last place; null where it has more places, is too large or no number."""
    fraction = f"regexp_extract({text}, '[.]([0-9]+)', 1)"
    digits = f"regexp_extract({text}, '([0-9]+)', 1)"
    if decimals:
        digits += f" || rpad(left({fraction}, {decimals}), {decimals}, '0')"
    number = f"if(starts_with({text}, '-'), -1, 1) * ({digits})::HUGEINT"
    return (
        f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]{{1,15}}([.][0-9]{{1,15}})?') "
        f"AND trim(substr({fraction}, {decimals + 1}), '0') = '' AND abs({number}) <= {LARGEST} THEN ({number})::BIGINT END"
    )


def _rules(i: int, name: str, field: Field) -> list[str]:
    value, nested = f"v{i}", f"x{i}"
    rules = [(f"l{i}", "lookup")] if field.lookup and field.default is None else []
    rules += [(f"{value} IS NULL" if field.type == "integer" else nested, "type")]
    rules += [(f"{value} < {field.minimum}", "minimum")] if field.minimum is not None else []
    rules += [(f"{value} > {field.maximum}", "maximum")] if field.maximum is not None else []
    if field.values:
        rules.append((f"{value} NOT IN ({', '.join(map(literal, field.values))})", "values"))
    return [f"WHEN {broken} THEN '{name}.{rule}'" for broken, rule in rules]
