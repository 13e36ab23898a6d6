"""How the catalogue reads in the API. It is read-only: nothing here takes input."""

from rest_framework import serializers

from rubrics.models import (
    Anchor,
    Dimension,
    Downcode,
    Level,
    Phase,
    Preset,
    PresetRound,
    Prompt,
    RubricVersion,
)


class LevelSerializer(serializers.ModelSerializer[Level]):
    """A level with its label for each company that has one."""

    labels = serializers.SerializerMethodField()

    class Meta:
        model = Level
        fields = ["ladder", "rank", "label", "labels", "scope", "width", "looks_for"]

    def get_labels(self, level: Level) -> dict[str, str]:
        """Map each company, and "default", to its label."""
        return {label.company: label.text for label in level.labels.all()}


class AnchorSerializer(serializers.ModelSerializer[Anchor]):
    """What one level looks like on a dimension."""

    class Meta:
        model = Anchor
        fields = ["rank", "text"]


class DimensionSerializer(serializers.ModelSerializer[Dimension]):
    """A row of a rubric."""

    anchors = AnchorSerializer(many=True, read_only=True)

    class Meta:
        model = Dimension
        fields = ["key", "label", "is_key", "structure_digest", "anchors"]


class DowncodeSerializer(serializers.ModelSerializer[Downcode]):
    """A failure signal; `dimension` is null where it caps the whole round."""

    dimension = serializers.SlugRelatedField[Dimension](slug_field="key", read_only=True)

    class Meta:
        model = Downcode
        fields = ["key", "text", "dimension", "cap_rank"]


class PhaseSerializer(serializers.ModelSerializer[Phase]):
    """A span of the time guide."""

    class Meta:
        model = Phase
        fields = ["name", "minutes"]


class PromptSerializer(serializers.ModelSerializer[Prompt]):
    """A question; its kit's fields are empty where it has none."""

    class Meta:
        model = Prompt
        fields = ["key", "text", "intent", "probes", "hints", "wrong_turns"]


class RubricSerializer(serializers.ModelSerializer[RubricVersion]):
    """A round kind, with the edition in force in short."""

    key = serializers.CharField(source="round_kind.key", read_only=True)
    ladder = serializers.CharField(source="round_kind.ladder", read_only=True)
    position = serializers.IntegerField(source="round_kind.position", read_only=True)
    title = serializers.CharField(source="round_kind.title", read_only=True)
    short_title = serializers.CharField(source="round_kind.short_title", read_only=True)
    summary = serializers.CharField(source="round_kind.summary", read_only=True)
    twin = serializers.CharField(
        source="round_kind.twin.key", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = RubricVersion
        fields = [
            "key",
            "ladder",
            "position",
            "title",
            "short_title",
            "summary",
            "twin",
            "edition",
            "minutes",
            "grades",
        ]


class EditionSummarySerializer(serializers.ModelSerializer[RubricVersion]):
    """An edition without what stands in it."""

    kind = serializers.CharField(source="round_kind.key", read_only=True)

    class Meta:
        model = RubricVersion
        fields = [
            "kind",
            "edition",
            "digest",
            "structure_digest",
            "title",
            "minutes",
            "is_wording_only",
            "published_at",
            "retired_at",
        ]


class EditionSerializer(EditionSummarySerializer):
    """An edition with all that stands in it."""

    dimensions = DimensionSerializer(many=True, read_only=True)
    downcodes = DowncodeSerializer(many=True, read_only=True)
    phases = PhaseSerializer(many=True, read_only=True)
    prompts = PromptSerializer(many=True, read_only=True)

    class Meta(EditionSummarySerializer.Meta):
        fields = [
            *EditionSummarySerializer.Meta.fields,
            "grades",
            "weight_note",
            "dimensions",
            "downcodes",
            "phases",
            "checklist",
            "probes",
            "prompts",
        ]


class PresetRoundSerializer(serializers.ModelSerializer[PresetRound]):
    """A round of a preset; `minutes` is null where the rubric's own length holds."""

    kind = serializers.CharField(source="round_kind.key", read_only=True)

    class Meta:
        model = PresetRound
        fields = ["kind", "title", "minutes", "focus"]


class PresetSerializer(serializers.ModelSerializer[Preset]):
    """A named list of rounds that a loop starts from."""

    rounds = PresetRoundSerializer(many=True, read_only=True)

    class Meta:
        model = Preset
        fields = ["key", "ladder", "title", "description", "target_rank", "rounds"]
