"""The catalogue in the API, to read: rubrics, their editions, levels and presets."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from rubrics import serializers
from rubrics.models import Level, Preset, RubricVersion

KIND = OpenApiParameter(
    "kind", OpenApiTypes.STR, OpenApiParameter.PATH, description="Key of the round kind."
)
EDITION = OpenApiParameter("edition", OpenApiTypes.INT, OpenApiParameter.PATH)
KEY = OpenApiParameter("key", OpenApiTypes.STR, OpenApiParameter.PATH)


@extend_schema_view(retrieve=extend_schema(parameters=[KEY]))
class RubricViewSet(ReadOnlyModelViewSet[RubricVersion]):
    """Round kinds, each with its edition in force."""

    queryset = (
        RubricVersion.objects.in_force()
        .select_related("round_kind__twin")
        .order_by("round_kind__ladder", "round_kind__position", "round_kind__key")
    )
    serializer_class = serializers.RubricSerializer
    lookup_field = "round_kind__key"
    lookup_url_kwarg = "key"
    lookup_value_converter = "slug"


@extend_schema_view(
    list=extend_schema(
        parameters=[KIND], responses=serializers.EditionSummarySerializer(many=True)
    ),
    retrieve=extend_schema(parameters=[KIND, EDITION], responses=serializers.EditionSerializer),
)
class EditionViewSet(ReadOnlyModelViewSet[RubricVersion]):
    """The editions of a round kind, newest first; one of them with all that stands in it."""

    queryset = RubricVersion.objects.select_related("round_kind").order_by("-edition")
    lookup_field = "edition"
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[RubricVersion]:
        editions = RubricVersion.objects.filter(round_kind__key=self.kwargs["kind"])
        if self.action == "retrieve":
            return editions.with_content().order_by("-edition")
        return editions.select_related("round_kind").defer("source").order_by("-edition")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "retrieve":
            return serializers.EditionSerializer
        return serializers.EditionSummarySerializer


class LevelViewSet(ListModelMixin, GenericViewSet[Level]):
    """The levels of both ladders."""

    queryset = Level.objects.order_by("ladder", "rank")
    serializer_class = serializers.LevelSerializer


class PresetViewSet(ReadOnlyModelViewSet[Preset]):
    """The loops that one can start from."""

    queryset = Preset.objects.prefetch_related("rounds__round_kind").order_by("position", "key")
    serializer_class = serializers.PresetSerializer
    lookup_field = "key"
    lookup_value_converter = "slug"


ROUTES = [
    ("rubrics", RubricViewSet, "rubric"),
    ("rubrics/<slug:kind>/editions", EditionViewSet, "edition"),
    ("levels", LevelViewSet, "level"),
    ("presets", PresetViewSet, "preset"),
]
