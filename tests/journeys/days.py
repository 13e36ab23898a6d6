"""A clock that is moved by hand, a browser for each person, and what graders do over HTTP."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.models import Review, Usefulness
from loops.models import Attempt, Notice, User
from tests import factories
from tests.factories import DIMENSIONS


class Days:
    """Days that pass as a test says, and people who open pages and press buttons in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now().replace(second=0, microsecond=0)
        self._browsers: dict[int, Client] = {}
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def browser(self, user: User) -> Client:
        """Return the person's own browser."""
        if user.pk not in self._browsers:
            self._browsers[user.pk] = Client()
            self._browsers[user.pk].force_login(user)
        return self._browsers[user.pk]

    def reads(self, user: User, name: str, *ids: Any, status: int = 200) -> str:
        """Open a page and return what it says."""
        response = self.browser(user).get(reverse(name, args=ids), follow=True)
        assert response.status_code == status, (name, response.status_code)
        return _said(response)

    def does(self, user: User, name: str, *ids: Any, status: Any = 200, **fields: Any) -> str:
        """Press a button, or send a form, follow where it leads and return what that says."""
        response = self.browser(user).post(reverse(name, args=ids), fields, follow=True)
        assert response.status_code == status, (name, response.status_code, _said(response)[:3000])
        return _said(response)

    def grades(self, review: Review, rank: int) -> str:
        """Mark each dimension of a review, give all of them one level, hand it in."""
        for minute, key in enumerate(DIMENSIONS, start=1):
            self.does(
                review.grader,
                "feedback:evidence_add",
                review.public_id,
                **_scorecard(review),
                **{
                    "mark-start": f"{minute}:00",
                    "mark-end": f"{minute}:20",
                    "mark-about": f"dimension:{key}",
                    "mark-note": f"Seen of {key} by {review.grader.handle}",
                },
            )
        is_yes = rank >= review.attempt.round.loop.target_rank
        return self.does(
            review.grader,
            "feedback:review_submit",
            review.public_id,
            **_scorecard(review),
            **{f"dimension-{key}": str(rank) for key in DIMENSIONS},
            verdict="yes" if is_yes else "no",
            level_given=str(rank),
            confidence="fair",
            summary=f"What decided it, says {review.grader.handle}.",
        )

    def takes_and_grades(self, grader: User, attempt: Attempt, rank: int) -> Review:
        """Take the next answer of the queue, which is this one, and grade it."""
        self.does(grader, "feedback:claim")
        review = attempt.reviews.get(grader=grader)
        self.grades(review, rank)
        review.refresh_from_db()
        assert review.is_submitted
        return review

    def opens(self, attempt: Attempt) -> str:
        """Let the candidate say how useful each review was that waits, and read the results."""
        waiting = attempt.reviews.in_results().filter(usefulness=None)
        ids = [str(one) for one in waiting.values_list("public_id", flat=True)]
        marks: dict[str, Any] = {f"mark-{one}": str(Usefulness.Mark.VERY.value) for one in ids}
        return self.does(
            attempt.round.loop.member,
            "feedback:results_open",
            attempt.public_id,
            shown=ids,
            **marks,
        )

    def hands_in(self, user: User, cohort: Any) -> Attempt:
        """Put an answer in place that was handed in just now."""
        return factories.answer(user, cohort, submitted_at=self.now)


def told(kind: str) -> list[str]:
    """Return the handles of who was told of a kind."""
    of_it = Notice.objects.filter(kind=kind).order_by("person__handle")
    return list(of_it.values_list("person__handle", flat=True))


def _said(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


def _scorecard(review: Review) -> dict[str, Any]:
    return {"version": str(Review.objects.get(pk=review.pk).draft_version)}
