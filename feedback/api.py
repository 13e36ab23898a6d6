"""Grading and readiness in the API, to read, behind the same doors as the pages."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Case, IntegerField, QuerySet, When
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from feedback import access, serializers
from feedback.models import Review, Sitting
from feedback.queries.queue import offered
from feedback.queries.readiness import readiness_page
from feedback.queries.training import overview
from loops.access import loop_to_see
from loops.api import person_at
from loops.models import Attempt, Loop


class QueueFilter(django_filters.FilterSet):
    """Which of the waiting answers."""

    cohort = django_filters.UUIDFilter(field_name="round__loop__cohort__public_id")
    round_kind = django_filters.CharFilter(field_name="round__round_kind__key")

    class Meta:
        model = Attempt
        fields: list[str] = []


class QueueViewSet(ListModelMixin, GenericViewSet[Attempt]):
    """What you may grade now, in the order in which it is claimed."""

    queryset = Attempt.objects.none()
    serializer_class = serializers.WaitingAnswerSerializer
    filterset_class = QueueFilter

    def get_queryset(self) -> QuerySet[Attempt]:
        ids = [item.attempt for item in offered(person_at(self), timezone.now()).items]
        in_order = Case(
            *(When(pk=pk, then=place) for place, pk in enumerate(ids)), output_field=IntegerField()
        )
        return (
            Attempt.objects.filter(pk__in=ids)
            .order_by(in_order)
            .select_related("round__round_kind", "round__loop__cohort", "rubric_version")
        )


class ReviewFilter(django_filters.FilterSet):
    """Which of one's reviews."""

    round_kind = django_filters.CharFilter(field_name="attempt__round__round_kind__key")

    class Meta:
        model = Review
        fields = ["state"]


class ReviewViewSet(ReadOnlyModelViewSet[Review]):
    """The reviews you hold or have given, the newest claim first."""

    queryset = Review.objects.none()
    filterset_class = ReviewFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Review]:
        return access.reviews_to_write(person_at(self)).order_by("-claimed_at", "-pk")

    def get_object(self) -> Review:
        return access.review_to_write(person_at(self), self.kwargs["public_id"])

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "retrieve":
            return serializers.ReviewDetailSerializer
        return serializers.ReviewSerializer


class ReadinessViewSet(GenericViewSet[Any]):
    """A loop of yours as its readiness page reads it."""

    queryset = Loop.objects.none()
    serializer_class = serializers.ReadinessSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    @extend_schema(responses=serializers.ReadinessSerializer)
    def retrieve(self, request: Request, public_id: UUID) -> Response:
        """Read the board of one loop. Until an answer is revealed only its count moves."""
        page = readiness_page(loop_to_see(person_at(self), public_id), timezone.now())
        return Response(serializers.ReadinessSerializer(page).data)


class TrainingViewSet(GenericViewSet[Any]):
    """How far you are with the vignettes of each round kind."""

    queryset = Sitting.objects.none()
    serializer_class = serializers.TrainingSerializer
    pagination_class = None

    @extend_schema(responses=serializers.TrainingSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List the round kinds of both ladders."""
        page = overview(person_at(self), timezone.now())
        lines = [*page.engineer, *page.manager]
        return Response(serializers.TrainingSerializer(lines, many=True).data)


class SittingViewSet(ReadOnlyModelViewSet[Sitting]):
    """The vignettes you have opened, the newest first; references once you have handed in."""

    queryset = Sitting.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Sitting]:
        return access.sittings_of(person_at(self)).order_by("-opened_at", "-pk")

    def get_object(self) -> Sitting:
        return access.sitting_to_take(person_at(self), self.kwargs["public_id"])

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": timezone.now()}

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "retrieve":
            return serializers.SittingDetailSerializer
        return serializers.SittingSerializer


ROUTES = [
    ("queue", QueueViewSet, "queue"),
    ("reviews", ReviewViewSet, "review"),
    ("readiness", ReadinessViewSet, "readiness"),
    ("training", TrainingViewSet, "training"),
    ("sittings", SittingViewSet, "sitting"),
]
