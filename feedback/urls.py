"""Addresses of feedback: lists by prefix, verbs as sub-paths."""

from django.urls import path

from feedback.views import grading, queue, readiness, results, session, withdrawal

app_name = "feedback"

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("queue/claim/", queue.claim, name="claim"),
    path("reviews/<uuid:review_id>/", grading.review, name="review"),
    path("reviews/<uuid:review_id>/draft/", grading.review_draft, name="review_draft"),
    path("reviews/<uuid:review_id>/evidence/", grading.evidence_add, name="evidence_add"),
    path(
        "reviews/<uuid:review_id>/evidence/<uuid:evidence_id>/remove/",
        grading.evidence_remove,
        name="evidence_remove",
    ),
    path("reviews/<uuid:review_id>/submit/", grading.review_submit, name="review_submit"),
    path("reviews/<uuid:review_id>/release/", grading.review_release, name="review_release"),
    path("mocks/<uuid:mock_id>/session/", session.session, name="session"),
    path("mocks/<uuid:mock_id>/arrive/", session.mock_arrive, name="mock_arrive"),
    path("mocks/<uuid:mock_id>/finish/", session.session_finish, name="session_finish"),
    path("mocks/<uuid:mock_id>/absent/", session.mock_absent, name="mock_absent"),
    path("turns/<uuid:turn_id>/begin/", session.turn_begin, name="turn_begin"),
    path("turns/<uuid:turn_id>/end/", session.turn_end, name="turn_end"),
    path("turns/<uuid:turn_id>/card/", session.card, name="card"),
    path("turns/<uuid:turn_id>/note/", session.practice_note, name="practice_note"),
    path("results/<uuid:attempt_id>/", results.results, name="results"),
    path("results/<uuid:attempt_id>/withdraw/", withdrawal.withdraw, name="withdraw"),
    path("readiness/", readiness.readiness, name="readiness"),
    path("readiness/how/", readiness.how_computed, name="how_computed"),
    path("readiness/<uuid:loop_id>/", readiness.readiness_loop, name="readiness_loop"),
]
