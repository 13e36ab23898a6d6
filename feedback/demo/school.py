"""Plays what the people of the demo read and rate as training, through the actions of a click."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from feedback.actions.training import open_next, references_of, submit
from feedback.demo.cast import id_of
from feedback.demo.lessons import Lesson, lessons
from loops.models import User
from rubrics.models import RoundKind


@dataclass
class School:
    """The lessons in order of time, held as the story comes to them."""

    now: datetime
    people: Mapping[str, User]
    _coming: list[Lesson] = field(init=False)

    def __post_init__(self) -> None:
        self._coming = lessons(self.now)

    def hold(self, *, until: datetime) -> None:
        """Hold what lies before that instant, so that reviews after it are by trained graders."""
        kinds: dict[str, RoundKind] = {}
        for lesson in self._until(until):
            plan = lesson.plan
            if plan.kind not in kinds:
                kinds[plan.kind] = RoundKind.objects.get(key=plan.kind)
            self._read(lesson, kinds[plan.kind])

    def _until(self, until: datetime) -> Iterator[Lesson]:
        while self._coming and self._coming[0].at <= until:
            yield self._coming.pop(0)

    def _read(self, lesson: Lesson, kind: RoundKind) -> None:
        by, plan = self.people[lesson.plan.member], lesson.plan
        sitting = open_next(kind=kind, by=by, at=lesson.at)
        sitting.public_id = id_of("sitting", plan.member, plan.kind, plan.days_ago, lesson.place)
        sitting.save(update_fields=["public_id"])
        if lesson.is_open:
            return
        references = references_of(sitting.vignette)
        ratings = {key: lesson.rating(key, rank) for key, rank in references.items()}
        submit(sitting=sitting, ratings=ratings, by=by, at=lesson.done_at)
