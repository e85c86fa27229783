"""Declared measures as three functions made once, at the start: nothing of the declaration is looked up per event.

As `dataclasses` does, the source is written out and executed, with slots, thresholds and fields as constants in it. An
accumulator is one array of 64-bit integers: a slot for each measure that is a number by itself, then for `distinct` two
slots and the numbers of the values that were seen. One array, since a million users are many: sets would fill the memory,
and every object more is one more to wait for. Numbers that are there twice leave it whenever it has doubled, so that it
holds at most `FEW` or twice as many as there are values.
"""

from array import array
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

import msgspec
from xxhash import xxh3_64_intdigest as hash64

from livelift.event_time import SECOND
from livelift.measures import Between, Measure, Measures, Wanted
from livelift.source import LARGEST, Fields

FEW = 32
"""Numbers of a session, 8 bytes each, that are kept without looking which are there twice."""

NONE, MOST = -(2**63), 2**63 - 1
"""What no field can hold: a slot of `max`, `first` or `last`, and of `min`, that has met no event yet."""


class CompiledMeasures:
    """A study's declared measures, as `livelift.sessions.SessionMeasures`. `source` is what was executed.

    Parameters
    ----------
    also
        Fields that a decoded event has beside those of the measures.
    """

    def __init__(self, fields: Fields, measures: Measures, also: Collection[str] = ()) -> None:
        layout = _Layout(fields, measures)
        self.names = tuple(measures)
        self.source = _source(fields, measures, layout)
        made: dict[str, Any] = {"array": array, "hash64": hash64, "leave_out": _leave_out(layout)}
        exec(compile(self.source, "<declared measures>", "exec"), made)
        self.begin: Callable[[Any], array[int]] = made["begin"]
        self.extend: Callable[[array[int], Any, int], None] = made["extend"]
        self.finish: Callable[[array[int], int, int], tuple[int, ...]] = made["finish"]
        self.decode = msgspec.json.Decoder(_event(fields, measures, also)).decode
        self._code = layout.code

    def freeze(self, accumulator: "array[int]") -> bytes:
        return accumulator.tobytes()

    def thaw(self, frozen: bytes) -> "array[int]":
        accumulator = array(self._code)
        accumulator.frombytes(frozen)
        return accumulator


def _event(fields: Fields, measures: Measures, also: Collection[str]) -> type[msgspec.Struct]:
    """What the operator needs of an event; the record holds more."""
    types: dict[str, Any] = {"text": str, "integer": Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]}
    read = {name for measure in measures.values() for name in (*measure.fields, *measure.where)} | set(also)
    needed = [name for name in fields if name in read]
    own = [("v", Literal[1]), ("row", int)]  # `livelift.events.SCHEMA`: another one is not read
    return msgspec.defstruct(
        "Event", [*own, *((name, types[fields[name].type]) for name in needed)], gc=False, frozen=True
    )


class _Layout:
    """Which measure has which slot of the accumulator.

    Attributes
    ----------
    slot
        Measure → its number's place. A count of all events needs none where every event leaves a number.
    before
        Measure → the place that holds whether the event before met its condition.
    initial
        What the slots hold before the first event.
    distinct
        Measure → its tag: of several, the numbers' lowest bits say whose they are.
    """

    def __init__(self, fields: Fields, measures: Measures) -> None:
        self.slot: dict[str, int] = {}
        self.before: dict[str, int] = {}
        self.initial: list[int] = []
        names = [name for name, measure in measures.items() if measure.aggregate == "distinct"]
        self.distinct = {name: tag for tag, name in enumerate(names)}
        self.tag_bits = (len(names) - 1).bit_length() if names else 0
        self.every_event_leaves_a_number = len(names) == 1 and not measures[names[0]].where
        for name, measure in measures.items():
            if measure.aggregate in ("length", "distinct") or self.is_number_of_events(measure):
                continue
            self.slot[name] = self._add(
                {"min": MOST, "max": NONE, "first": NONE, "last": NONE}.get(measure.aggregate, 0)
            )
            if measure.follows_within is not None and measure.where:
                self.before[name] = self._add(0)
        self.left_out = self._add(0) if names else -1
        self.look_at = self._add(0) if names else -1
        self.head = len(self.initial)
        if names:
            self.initial[self.look_at] = self.head + FEW
        signed = any(fields[name].type == "integer" for measure in measures.values() for name in measure.fields)
        self.code = "q" if signed else "Q"

    def _add(self, initial: int) -> int:
        self.initial.append(initial)
        return len(self.initial) - 1

    def is_number_of_events(self, measure: Measure) -> bool:
        """Can it be told from how many numbers the accumulator holds, or held?"""
        plain = measure.aggregate == "count" and not measure.where and measure.follows_within is None
        return plain and self.every_event_leaves_a_number


def _leave_out(layout: _Layout) -> Callable[["array[int]"], None]:
    code, head, left_out, look_at = layout.code, layout.head, layout.left_out, layout.look_at

    def leave_out(accumulator: "array[int]") -> None:
        """Keep every number once."""
        numbers = set(accumulator[head:])
        accumulator[left_out] += len(accumulator) - head - len(numbers)
        accumulator[look_at] = head + max(FEW, 2 * len(numbers))
        accumulator[head:] = array(code, numbers)

    return leave_out


def _source(fields: Fields, measures: Measures, layout: _Layout) -> str:
    """The three functions: `begin(event)`, `extend(a, event, gap)`, `finish(a, start, last)`."""
    taken = [line for name, measure in measures.items() for line in _taken(name, measure, fields, layout)]
    followed = [line for name, measure in measures.items() for line in _followed(name, measure, layout)]
    if layout.distinct:
        taken += [f"if len(a) > a[{layout.look_at}]:", "    leave_out(a)"]
    results = "".join(f"{_result(name, measure, layout)}, " for name, measure in measures.items())
    return "\n".join(
        [
            "def begin(event):",
            f"    a = array({layout.code!r}, {tuple(layout.initial)!r})",
            *(f"    {line}" for line in taken),
            "    return a",
            "def extend(a, event, gap):",
            *(f"    {line}" for line in [*followed, *taken] or ["pass"]),
            "def finish(a, start, last):",
            *([f"    numbers = set(a[{layout.head}:])"] if layout.distinct else []),
            f"    return ({results})",
            "",
        ]
    )


def _followed(name: str, measure: Measure, layout: _Layout) -> list[str]:
    """What the next event tells of the one before it."""
    if measure.follows_within is None:
        return []
    met = f" and a[{layout.before[name]}]" if name in layout.before else ""
    return [f"if gap < {measure.follows_within * SECOND}{met}:", f"    a[{layout.slot[name]}] += 1"]


def _taken(name: str, measure: Measure, fields: Fields, layout: _Layout) -> list[str]:
    """What an event adds by itself."""
    met = " and ".join(condition(f"event.{field}", wanted) for field, wanted in measure.where.items())
    if name in layout.before:
        return [f"a[{layout.before[name]}] = {met}"]
    lines = _added(name, measure, fields, layout)
    return [f"if {met}:", *(f"    {line}" for line in lines)] if met and lines else lines


def _added(name: str, measure: Measure, fields: Fields, layout: _Layout) -> list[str]:
    if measure.aggregate == "distinct":
        return [f"a.append({_number(measure, fields, layout, layout.distinct[name])})"]
    if name not in layout.slot or measure.follows_within is not None:
        return []
    place = f"a[{layout.slot[name]}]"
    if measure.aggregate == "count":
        return [f"{place} += 1"]
    value = f"event.{measure.fields[0]}"
    match measure.aggregate:
        case "sum":
            return [f"{place} += {value}"]
        case "min":
            return [f"if {value} < {place}:", f"    {place} = {value}"]
        case "max":
            return [f"if {value} > {place}:", f"    {place} = {value}"]
        case "first":
            return [f"if {place} == {NONE}:", f"    {place} = {value}"]
        case _:
            return [f"{place} = {value}"]


def condition(value: str, wanted: Wanted) -> str:
    """An expression over the expression `value`: is it what is wanted?"""
    if isinstance(wanted, Between):
        low = "" if wanted.at_least is None else f"{wanted.at_least} <= "
        high = "" if wanted.below is None else f" < {wanted.below}"
        return f"({low}{value}{high})"
    if isinstance(wanted, list):
        return f"({value} in {tuple(wanted)!r})"
    return f"({value} == {wanted!r})"


def _number(measure: Measure, fields: Fields, layout: _Layout, tag: int) -> str:
    """A value as an integer: of a text its 64-bit hash (XXH3: quicker than to look it up in a dict of all of them, which is
    never in the cache), seeded by which of several fields it is."""
    bits, signed = layout.tag_bits, layout.code == "q"
    if fields[measure.fields[0]].type == "integer":
        number = f"event.{measure.fields[0]}"
        return f"({number} << {bits} | {tag})" if bits else number
    seeds = [f", {seed}" if seed else "" for seed in range(len(measure.fields))]
    number = f"hash64(event.{measure.fields[-1]}.encode(){seeds[-1]})"
    for field, seed in reversed(list(zip(measure.fields[:-1], seeds[:-1], strict=True))):
        number = f"hash64(text.encode(){seed}) if (text := event.{field}) else {number}"
    if bits or signed:
        return f"(({number}) >> {bits + signed} << {bits} | {tag})"
    return number


def _result(name: str, measure: Measure, layout: _Layout) -> str:
    if measure.aggregate == "length":
        return f"(last - start) // {SECOND}"
    if measure.aggregate == "distinct":
        mask = (1 << layout.tag_bits) - 1
        tag = layout.distinct[name]
        return f"sum([number & {mask} == {tag} for number in numbers])" if mask else "len(numbers)"
    if layout.is_number_of_events(measure):
        return f"len(a) - {layout.head} + a[{layout.left_out}]"
    place = f"a[{layout.slot[name]}]"
    empty = {"min": MOST, "max": NONE, "first": NONE, "last": NONE}.get(measure.aggregate)
    return place if empty is None else f"(0 if {place} == {empty} else {place})"
