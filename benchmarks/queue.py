"""What a claim costs with 1,000, 10,000 and 100,000 answers waiting in one cohort.

It is the action that the page calls, on a PostgreSQL and in a folder of its own, both removed
afterwards. Each claim is another grader's, of two hundred in turn, and is followed by what people
do in between: some hand in, some put back, some let the lease run out, and the next claim lets it
go. So the head of the queue is as full of leases, and the index as worn, as it would be in use. As
machines differ and are shared, what counts is how the times compare.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from benchmarks.servers import own_servers

SIZES = (1_000, 10_000, 100_000)
GRADERS, CANDIDATES = 200, 400
CLAIMS, WARM_UP = 400, 40
LEASED_AT_HEAD = 300
FLAT_WITHIN = 2.0
SEED = 20260302
BATCH = 5_000
FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench-queue"
SETTINGS = {
    "SITE_URL": "https://plumbline.example",
    "EMAIL_URL": "smtp://localhost",
    "LOG_LEVEL": "ERROR",
}


def main() -> int:
    """Print a table of each claim's time by size; say whether it is flat."""
    with own_servers(FOLDER, **SETTINGS):
        print(
            "  waiting   head leased   median ms   p95 ms   p95 CPU ms   queries, median and most"
        )
        p95s = {}
        for size in SIZES:
            with waiting(size) as (cohort, graders):
                for leased in (0, LEASED_AT_HEAD):
                    lease_the_head(cohort, leased)
                    figures = measured(graders)
                    print(f"{size:9,}{leased:14,}{figures}", flush=True)
                    p95s[size, leased] = figures.p95_ms
        ratios = [
            p95s[SIZES[-1], leased] / p95s[SIZES[0], leased] for leased in (0, LEASED_AT_HEAD)
        ]
    is_flat = max(ratios) <= FLAT_WITHIN
    words = " and ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"100,000 against 1,000: p95 times {words}, with the head free and leased; "
        f"within {FLAT_WITHIN:g}: {'held' if is_flat else 'MISSED'}."
    )
    return 0 if is_flat else 1


@contextmanager
def waiting(size: int) -> Iterator[tuple[Any, list[Any]]]:
    """Put so many answers of one cohort into the queue; empty the database afterwards."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from tests import factories  # noqa: PLC0415

    people = [factories.person() for _n in range(GRADERS + CANDIDATES)]
    cohort = factories.cohort(*people)
    graders, candidates = people[:GRADERS], people[GRADERS:]
    _hand_in(cohort, candidates, size)
    _remember(cohort, graders, candidates)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    yield cohort, graders
    call_command("flush", verbosity=0, interactive=False)


def _hand_in(cohort: Any, candidates: list[Any], size: int) -> None:
    """Write what as many hand-ins write, for all at once."""
    from django.utils import timezone  # noqa: PLC0415

    from feedback.models import QueueEntry  # noqa: PLC0415
    from loops.models import Attempt, Recording  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    now = timezone.now()
    version = factories.in_force()
    prompts = list(version.prompts.order_by("position"))
    rounds = [factories.loop(person, cohort).rounds.get() for person in candidates]
    numbers = dict.fromkeys(rounds, 0)
    for first in range(0, size, BATCH):
        attempts = []
        for place in range(first, min(first + BATCH, size)):
            round_ = rounds[place % len(rounds)]
            numbers[round_] += 1
            at = now - timedelta(minutes=30 * 24 * 60 * (size - place) / size)
            attempts.append(
                Attempt(
                    round=round_,
                    number=numbers[round_],
                    state=Attempt.State.SUBMITTED,
                    prompt=prompts[place % len(prompts)],
                    rubric_version=version,
                    predicted_rank=2,
                    energy=0,
                    started_at=at - timedelta(hours=1),
                    submitted_at=at,
                )
            )
        Attempt.objects.bulk_create(attempts)
        Recording.objects.bulk_create(
            Recording(
                attempt=attempt,
                state=Recording.State.READY,
                state_at=now,
                started_at=attempt.started_at,
                duration_ms=600_000,
            )
            for attempt in attempts
        )
        QueueEntry.objects.bulk_create(
            QueueEntry(
                attempt=attempt,
                cohort=cohort,
                candidate_id=candidates[(first + number) % len(candidates)].pk,
                round_kind_id=version.round_kind_id,
                is_open=True,
                since=attempt.submitted_at or now,
            )
            for number, attempt in enumerate(attempts)
        )


def _remember(cohort: Any, graders: list[Any], candidates: list[Any]) -> None:
    """Give everybody a past: whom they graded, and their balance."""
    from django.utils import timezone  # noqa: PLC0415

    from feedback.models import Pair, Standing  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    random, now = Random(SEED), timezone.now()
    kind = factories.round_kind()
    Standing.objects.bulk_create(
        Standing(cohort=cohort, member=person, given=random.randrange(9), taken=random.randrange(9))
        for person in (*graders, *candidates)
    )
    Pair.objects.bulk_create(
        Pair(
            cohort=cohort,
            round_kind=kind,
            grader=grader,
            candidate=candidate,
            reviews=1,
            last_at=now - timedelta(days=random.randrange(60)),
        )
        for grader in (*graders, *candidates)
        for candidate in random.sample([*graders, *candidates], 8)
        if grader != candidate
    )


def lease_the_head(cohort: Any, count: int) -> None:
    """Put both places of the answers that have waited longest into somebody's hands."""
    from django.db.models import F  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from feedback.models import QueueEntry, Review  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    at = timezone.now()
    holders = [factories.person(), factories.person()]
    head = list(QueueEntry.objects.waiting().filter(cohort=cohort, granted=0)[:count])
    Review.objects.bulk_create(
        Review(
            attempt_id=entry.attempt_id,
            grader=holder,
            claimed_at=at,
            lease_until=at + timedelta(hours=5),
        )
        for entry in head
        for holder in holders
    )
    leased = QueueEntry.objects.filter(pk__in=[entry.pk for entry in head])
    leased.update(granted=F("wanted"))


class Figures:
    """What claims took: each one's time, CPU time and queries."""

    def __init__(self) -> None:
        self.wall_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.queries: list[int] = []

    @property
    def p95_ms(self) -> float:
        """Return the time that nineteen of twenty claims stay under."""
        return quantiles(self.wall_ms, n=20)[-1]

    def __str__(self) -> str:
        p95_cpu_ms = quantiles(self.cpu_ms, n=20)[-1]
        return (
            f"{median(self.wall_ms):12.1f}{self.p95_ms:9.1f}{p95_cpu_ms:13.1f}"
            f"{median(self.queries):10.0f}{max(self.queries):5}"
        )


def measured(graders: list[Any]) -> Figures:
    """Claim again and again, and live on in between; the first claims do not count."""
    from django.utils import timezone  # noqa: PLC0415

    from feedback.actions.queue import claim  # noqa: PLC0415
    from feedback.models import Review  # noqa: PLC0415

    random, figures = Random(SEED), Figures()
    for number in range(WARM_UP + CLAIMS):
        grader = graders[number % len(graders)]
        started, cpu_started, counted = time.perf_counter(), time.process_time(), QueryCount()
        with counted:
            review: Review = claim(by=grader, at=timezone.now())
        if number >= WARM_UP:
            figures.wall_ms.append(1000 * (time.perf_counter() - started))
            figures.cpu_ms.append(1000 * (time.process_time() - cpu_started))
            figures.queries.append(counted.count)
        _go_on(review, random.random(), timezone.now())
    return figures


def _go_on(review: Any, luck: float, at: datetime) -> None:
    """Hand in, put back, or let lapse what was claimed."""
    from feedback.actions import places, queue  # noqa: PLC0415
    from feedback.models import Review  # noqa: PLC0415

    if luck < 0.2:
        queue.release(review=review, by=review.grader, at=at)
    elif luck < 0.5:
        Review.objects.filter(pk=review.pk).update(lease_until=at)
    else:
        Review.objects.filter(pk=review.pk).update(
            state=Review.State.SUBMITTED,
            submitted_at=at,
            verdict=Review.Verdict.YES,
            confidence=Review.Confidence.FAIR,
            level_given_rank=2,
        )
        places.settle(attempt=review.attempt, at=at)


class QueryCount:
    """Counts queries, but for savepoints."""

    def __enter__(self) -> "QueryCount":
        from django.db import connection  # noqa: PLC0415

        self.count = 0
        self._wrapped = connection.execute_wrapper(self._count)
        self._wrapped.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._wrapped.__exit__(*error)

    def _count(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        self.count += "SAVEPOINT" not in sql
        return execute(sql, *rest)


if __name__ == "__main__":
    sys.exit(main())
