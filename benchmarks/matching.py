"""How long the weekly pairing takes: drawn pools of 200, 1,000 and 5,000 people.

CPU time is that of this process. As machines differ and are shared, it is also given in units of
a fixed loop in plain Python, timed in the same run just before each pool.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import TypeVar

from loops.matching import Person, match

Result = TypeVar("Result")

SEED = 20260105
SIZES_AND_REPEATS = ((200, 5), (1000, 3), (5000, 1))

KINDS = ("coding", "ai_coding", "sd_ambiguous", "deep_dive", "behavioural", "leadership")
HOURS_EAST = (-8, -5, 0, 1, 2, 5.5, 8, 10)  # Los Angeles, New York, London … Kolkata … Sydney
SLOTS_A_DAY = 48  # a mock of an hour may start every half an hour
SLOTS_A_WEEK = 7 * SLOTS_A_DAY
FIRST_GOOD, LAST_GOOD = 14, 42  # of the day's starts: 7:00, and 21:00, which ends at 22:00
REFERENCE_ROUNDS = 5_000_000


def main() -> int:
    """Print one line for each size."""
    print("  people     edges   CPU s  CPU / loop   matched   total weight   peak MiB")
    for size, repeats in SIZES_AND_REPEATS:
        people = drawn_pool(size)
        loop_s, _ = cpu_seconds(reference_loop, 3)
        matching_s, matching = cpu_seconds(partial(match, people), repeats)
        print(
            f"{size:8,}{len(matching.edges):10,}{matching_s:8.3f}{matching_s / loop_s:12.2f}"
            f"{2 * len(matching.pairs):10,}{matching.weight:15,}{peak_mib():11.0f}"
        )
    print(f"The loop took {loop_s:.3f} s of CPU; each figure is the least of a few runs.")
    return 0


def drawn_pool(size: int) -> list[Person]:
    """Draw people of eight zones who offer evenings and weekends, always the same ones."""
    random = Random(f"{SEED}-{size}")
    past: list[dict[int, int]] = [{} for _ in range(size)]
    for _ in range(2 * size):
        one, other = random.sample(range(size), 2)
        past[one][other] = past[other][one] = random.randrange(120)
    people = []
    for number in range(size):
        slots_east = int(2 * random.choice(HOURS_EAST))
        people.append(
            Person(
                id=number,
                rank=random.choice((0, 1, 1, 2, 2, 2, 3)),
                kinds=frozenset(random.sample(KINDS, random.choice((1, 1, 2, 3)))),
                slots=in_utc(offered(random), slots_east),
                bad_slots=in_utc(bad(), slots_east),
                reliability_permille=random.choice((1000, 1000, 1000, 900, 800, 640)),
                bad_hour_debt=random.randrange(3),
                weeks_waited=random.choice((0,) * 9 + (1, 2)),
                blocked=frozenset({random.randrange(size)} if random.random() < 0.05 else ()),
                past_pairings=past[number],
            )
        )
    return people


def offered(random: Random) -> Iterator[int]:
    """Give a person's week in slots of their own clock, from Monday: one to four stretches."""
    for day in random.sample(range(7), random.choice((1, 2, 2, 3, 4))):
        earliest = 36 if day < 5 else 18  # six in the evening, nine in the morning
        first = random.randrange(earliest, 44)
        for slot in range(first, min(first + random.randrange(1, 6), 46)):
            yield day * SLOTS_A_DAY + slot


def bad() -> Iterator[int]:
    """Give the slots of a week whose mock has a part between 22:00 and 7:00."""
    for slot in range(SLOTS_A_WEEK):
        if not FIRST_GOOD <= slot % SLOTS_A_DAY <= LAST_GOOD:
            yield slot


def in_utc(slots: Iterator[int], slots_east: int) -> int:
    """Turn slots of a clock so many half hours ahead of UTC into a set of slots of UTC."""
    return sum(1 << slot for slot in {(slot - slots_east) % SLOTS_A_WEEK for slot in slots})


def reference_loop() -> int:
    """Do what takes a fixed amount of the interpreter's work."""
    total = 0
    for number in range(REFERENCE_ROUNDS):
        total += number * number % 7
    return total


def cpu_seconds(work: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """Run something a few times: the least CPU time, and what it gave."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        result = work()
        times.append(time.process_time() - started)
    return min(times), result


def peak_mib() -> float:
    """Read the most memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    sys.exit(main())
