"""Addresses of feedback: lists by prefix, verbs as sub-paths."""

from django.urls import path

from feedback.views import grading, queue, readiness, results

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
    path("results/<uuid:attempt_id>/", results.results, name="results"),
    path("readiness/", readiness.readiness, name="readiness"),
    path("readiness/how/", readiness.how_computed, name="how_computed"),
    path("readiness/<uuid:loop_id>/", readiness.readiness_loop, name="readiness_loop"),
]
