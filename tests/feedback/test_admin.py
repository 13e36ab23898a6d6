"""The admin shows reviews, snapshots and practice, and changes no grade."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.actions.ledger import pass_credit
from feedback.models import (
    AttemptMeasure,
    Conflict,
    GradingRules,
    LedgerEntry,
    QueueEntry,
    Report,
    Review,
    Snapshot,
    Standing,
)
from loops.models import Attempt, Cohort, Event, Invitation, Loop, Recording, User
from tests import factories
from tests.factories import NOW

MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
READ_ONLY = (
    Review,
    Snapshot,
    AttemptMeasure,
    GradingRules,
    QueueEntry,
    Report,
    Standing,
    LedgerEntry,
    Loop,
    Attempt,
    Recording,
    Event,
    Invitation,
)


@pytest.fixture
def operator(client: Client, candidate: User, peer: User, cohort: Cohort) -> Client:
    """A browser in which a superuser is signed in, and a row of everything."""
    attempt = factories.answer(candidate, cohort)
    review = factories.submitted_review(attempt, peer, downcodes=["unbounded"])
    GradingRules.objects.create(cohort=cohort)
    Report.objects.create(review=review, kind="unusable", made_at=NOW, taken_back_at=NOW)
    pass_credit(review=review, reason="review", at=NOW)
    factories.open_reviews(attempt)
    kind = attempt.rubric_version.round_kind
    calibrate_round_kind(round_kind=kind, at=NOW + timedelta(hours=48))
    Event.objects.create(at=NOW, verb="seen", subject="loops.loop", subject_id=1)
    Invitation.objects.create(
        cohort=cohort, created_by=peer, created_at=NOW, expires_at=NOW, token="secret-of-the-link"
    )
    client.force_login(User.objects.create_superuser("operator@example.org"))
    return client


@pytest.mark.parametrize("model", READ_ONLY)
def test_rows_are_shown_and_stay(operator: Client, model: type[Model]) -> None:
    row = model._default_manager.order_by("pk")[0]
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    change = reverse(f"{base}_change", args=[row.pk])

    assert operator.get(reverse(f"{base}_changelist")).status_code == 200
    assert operator.get(change).status_code == 200
    assert operator.post(change, {}).status_code == 403
    assert operator.get(reverse(f"{base}_add")).status_code == 403
    assert (
        operator.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )


def test_the_secret_of_a_link_is_not_shown(operator: Client) -> None:
    url = reverse("admin:loops_invitation_change", args=[Invitation.objects.get().pk])

    assert "secret-of-the-link" not in operator.get(url).content.decode()


def test_nothing_tells_who_reported_what_is_blind_or_who_differ(
    operator: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    """Who opens the admin may be the candidate of one answer, and asked to grade another."""
    blind = factories.review(
        factories.answer(candidate, cohort), peer, state="void", purpose="gold"
    )
    Report.objects.create(review=blind, kind="unusable", note="Blind words", made_at=NOW)
    reports = reverse("admin:feedback_report_changelist")
    report = reverse("admin:feedback_report_change", args=[Report.objects.order_by("pk")[0].pk])
    entry = QueueEntry.objects.order_by("pk")[0]
    entries = reverse("admin:feedback_queueentry_change", args=[entry.pk])

    told = {page: operator.get(page).content.decode() for page in (reports, report, entries)}

    assert str(blind.report.public_id) not in told[reports]
    assert peer.name not in told[report]
    assert "plit" not in told[entries]


def test_conflicts_are_not_shown(operator: Client) -> None:
    assert Conflict not in site._registry


def test_a_person_is_closed_and_not_deleted(operator: Client, peer: User) -> None:
    url = reverse("admin:loops_user_change", args=[peer.pk])
    facts = {"email": peer.email, "name": peer.name, "time_zone": "UTC"}

    closed = operator.post(url, facts | MEMBERSHIPS)

    peer.refresh_from_db()
    assert closed.status_code == 302
    assert not peer.is_active
    assert operator.post(reverse("admin:loops_user_delete", args=[peer.pk])).status_code == 403
    assert operator.get(reverse("admin:loops_user_changelist")).status_code == 200


def test_a_cohort_is_named_anew(operator: Client, cohort: Cohort) -> None:
    url = reverse("admin:loops_cohort_change", args=[cohort.pk])

    saved = operator.post(url, {"name": "Friday", "label_company": "meta"} | MEMBERSHIPS)

    cohort.refresh_from_db()
    assert saved.status_code == 302
    assert (cohort.name, cohort.label_company) == ("Friday", "meta")


def test_a_review_is_blind_in_the_admin_until_its_answer_is_revealed(
    operator: Client, candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    """Who may open the admin may be the candidate, or hold the other review."""
    attempt = factories.answer(candidate, cohort, submitted_at=timezone.now())
    review = factories.submitted_review(
        attempt, peer, summary="Secret summary", downcodes=["unbounded"]
    )
    factories.evidence(review, attempt.rubric_version.dimensions.first(), note="Secret note")
    url = reverse("admin:feedback_review_change", args=[review.pk])

    before = operator.get(url).content.decode()
    factories.submitted_review(attempt, second_peer)
    after = operator.get(url).content.decode()

    words = ("Secret summary", "Verdict", review.ticks.get().downcode.text, "Secret note")
    assert [word in before for word in words] == [False] * 4
    assert [word in after for word in words] == [True] * 4


def test_staff_alone_may_look(client: Client, peer: User) -> None:
    client.force_login(peer)

    assert client.get(reverse("admin:feedback_review_changelist")).status_code in {302, 403}
