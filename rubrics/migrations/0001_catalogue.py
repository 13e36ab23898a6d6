"""The catalogue's tables, and the triggers that keep what is published as it was."""

import django.contrib.postgres.fields
import django.db.models.constraints
import django.db.models.deletion
from django.db import migrations, models

# A published edition is what people were graded by, so PostgreSQL itself refuses to change one: every
# row of it stays as it was inserted, but for the edition's own `retired_at`. TRUNCATE fires no row
# trigger, so emptying a test database still works.
REFUSE_CHANGE = """
CREATE FUNCTION rubrics_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND TG_TABLE_NAME = 'rubrics_rubricversion'
        AND to_jsonb(NEW) - 'retired_at' = to_jsonb(OLD) - 'retired_at'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A published rubric edition does not change: % on % refused. Publish a new edition.',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
"""

GUARD_TABLE = """
CREATE TRIGGER {table}_is_immutable BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION rubrics_refuse_change();
"""

IMMUTABLE_TABLES = [
    "rubrics_rubricversion",
    "rubrics_dimension",
    "rubrics_anchor",
    "rubrics_downcode",
    "rubrics_phase",
    "rubrics_prompt",
]


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Dimension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40)),
                ('position', models.PositiveSmallIntegerField()),
                ('label', models.CharField(max_length=120)),
                ('is_key', models.BooleanField(default=False)),
                ('structure_digest', models.CharField(max_length=64)),
            ],
            options={
                'ordering': ['version_id', 'position', 'key'],
            },
        ),
        migrations.CreateModel(
            name='Level',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ladder', models.CharField(choices=[('ic', 'Engineer'), ('em', 'Engineering manager')], max_length=2)),
                ('rank', models.PositiveSmallIntegerField(choices=[(0, 'below'), (1, 'senior'), (2, 'staff'), (3, 'principal')])),
                ('scope', models.TextField()),
                ('width', models.TextField()),
                ('looks_for', models.TextField()),
            ],
            options={
                'ordering': ['ladder', 'rank'],
                'constraints': [models.UniqueConstraint(fields=('ladder', 'rank'), name='level_once_per_ladder'), models.CheckConstraint(condition=models.Q(('ladder__in', ['ic', 'em'])), name='level_ladder_known'), models.CheckConstraint(condition=models.Q(('rank__range', (0, 3))), name='level_rank_0_to_3')],
            },
        ),
        migrations.CreateModel(
            name='Preset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40, unique=True)),
                ('ladder', models.CharField(choices=[('ic', 'Engineer'), ('em', 'Engineering manager')], max_length=2)),
                ('position', models.PositiveSmallIntegerField()),
                ('title', models.CharField(max_length=120)),
                ('description', models.TextField()),
                ('target_rank', models.PositiveSmallIntegerField(choices=[(0, 'below'), (1, 'senior'), (2, 'staff'), (3, 'principal')])),
            ],
            options={
                'ordering': ['position', 'key'],
                'constraints': [models.CheckConstraint(condition=models.Q(('ladder__in', ['ic', 'em'])), name='preset_ladder_known'), models.CheckConstraint(condition=models.Q(('target_rank__range', (1, 3))), name='preset_target_1_to_3')],
            },
        ),
        migrations.CreateModel(
            name='RoundKind',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40, unique=True)),
                ('ladder', models.CharField(choices=[('ic', 'Engineer'), ('em', 'Engineering manager')], max_length=2)),
                ('position', models.PositiveSmallIntegerField()),
                ('title', models.CharField(max_length=120)),
                ('short_title', models.CharField(max_length=22)),
                ('summary', models.CharField(max_length=60)),
                ('twin', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='twin_of', to='rubrics.roundkind')),
            ],
            options={
                'ordering': ['ladder', 'position', 'key'],
            },
        ),
        migrations.CreateModel(
            name='PresetRound',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('title', models.CharField(blank=True, max_length=120)),
                ('minutes', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('focus', models.TextField(blank=True)),
                ('preset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rounds', to='rubrics.preset')),
                ('round_kind', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='preset_rounds', to='rubrics.roundkind')),
            ],
            options={
                'ordering': ['preset_id', 'position'],
            },
        ),
        migrations.CreateModel(
            name='RubricVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('edition', models.PositiveIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('structure_digest', models.CharField(max_length=64)),
                ('title', models.CharField(max_length=120)),
                ('minutes', models.PositiveSmallIntegerField()),
                ('grades', models.TextField()),
                ('weight_note', models.TextField(blank=True)),
                ('checklist', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('probes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('is_wording_only', models.BooleanField(default=False)),
                ('source', models.TextField(blank=True)),
                ('published_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('round_kind', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='rubrics.roundkind')),
            ],
            options={
                'ordering': ['round_kind_id', 'edition'],
            },
        ),
        migrations.CreateModel(
            name='Prompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40)),
                ('position', models.PositiveSmallIntegerField()),
                ('text', models.TextField()),
                ('intent', models.TextField(blank=True)),
                ('probes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('hints', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('wrong_turns', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='prompts', to='rubrics.rubricversion')),
            ],
            options={
                'ordering': ['version_id', 'position', 'key'],
            },
        ),
        migrations.CreateModel(
            name='Phase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('minutes', models.PositiveSmallIntegerField()),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='phases', to='rubrics.rubricversion')),
            ],
            options={
                'ordering': ['version_id', 'position'],
            },
        ),
        migrations.CreateModel(
            name='Downcode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('text', models.TextField()),
                ('cap_rank', models.PositiveSmallIntegerField(choices=[(0, 'below'), (1, 'senior'), (2, 'staff'), (3, 'principal')])),
                ('dimension', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='downcodes', to='rubrics.dimension')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='downcodes', to='rubrics.rubricversion')),
            ],
            options={
                'ordering': ['version_id', 'position', 'key'],
            },
        ),
        migrations.AddField(
            model_name='dimension',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dimensions', to='rubrics.rubricversion'),
        ),
        migrations.CreateModel(
            name='Anchor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(choices=[(0, 'below'), (1, 'senior'), (2, 'staff'), (3, 'principal')])),
                ('text', models.TextField()),
                ('dimension', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='anchors', to='rubrics.dimension')),
            ],
            options={
                'ordering': ['dimension_id', 'rank'],
                'constraints': [models.UniqueConstraint(fields=('dimension', 'rank'), name='anchor_once_per_rank'), models.CheckConstraint(condition=models.Q(('rank__range', (1, 3))), name='anchor_rank_1_to_3')],
            },
        ),
        migrations.CreateModel(
            name='LevelLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('company', models.CharField(default='default', max_length=40)),
                ('text', models.CharField(max_length=40)),
                ('level', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='labels', to='rubrics.level')),
            ],
            options={
                'ordering': ['level_id', 'company'],
                'constraints': [models.UniqueConstraint(fields=('level', 'company'), name='level_label_once_per_company'), models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='level_label_not_empty')],
            },
        ),
        migrations.AddConstraint(
            model_name='roundkind',
            constraint=models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('ladder', 'position'), name='round_kind_position_once_per_ladder'),
        ),
        migrations.AddConstraint(
            model_name='roundkind',
            constraint=models.CheckConstraint(condition=models.Q(('ladder__in', ['ic', 'em'])), name='round_kind_ladder_known'),
        ),
        migrations.AddConstraint(
            model_name='roundkind',
            constraint=models.CheckConstraint(condition=models.Q(('twin__isnull', True), models.Q(('twin', models.F('id')), _negated=True), _connector='OR'), name='round_kind_not_its_own_twin'),
        ),
        migrations.AddConstraint(
            model_name='presetround',
            constraint=models.UniqueConstraint(fields=('preset', 'position'), name='preset_round_position_once'),
        ),
        migrations.AddConstraint(
            model_name='presetround',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__isnull', True), ('minutes__gt', 0), _connector='OR'), name='preset_round_minutes_positive'),
        ),
        migrations.AddConstraint(
            model_name='rubricversion',
            constraint=models.UniqueConstraint(fields=('round_kind', 'edition'), name='rubric_version_edition_once'),
        ),
        migrations.AddConstraint(
            model_name='rubricversion',
            constraint=models.UniqueConstraint(fields=('round_kind', 'digest'), name='rubric_version_digest_once'),
        ),
        migrations.AddConstraint(
            model_name='rubricversion',
            constraint=models.CheckConstraint(condition=models.Q(('edition__gte', 1)), name='rubric_version_edition_from_1'),
        ),
        migrations.AddConstraint(
            model_name='rubricversion',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__gt', 0)), name='rubric_version_has_minutes'),
        ),
        migrations.AddConstraint(
            model_name='rubricversion',
            constraint=models.CheckConstraint(condition=models.Q(('retired_at__isnull', True), ('retired_at__gte', models.F('published_at')), _connector='OR'), name='rubric_version_retired_after_published'),
        ),
        migrations.AddConstraint(
            model_name='prompt',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='prompt_key_once'),
        ),
        migrations.AddConstraint(
            model_name='prompt',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='prompt_position_once'),
        ),
        migrations.AddConstraint(
            model_name='prompt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('hints', []), ('intent', ''), ('probes', []), ('wrong_turns', [])), models.Q(('intent', ''), ('probes', []), ('hints', []), ('wrong_turns', []), _connector='OR', _negated=True), _connector='OR'), name='prompt_kit_whole_or_absent'),
        ),
        migrations.AddConstraint(
            model_name='phase',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='phase_position_once'),
        ),
        migrations.AddConstraint(
            model_name='phase',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__gt', 0)), name='phase_has_minutes'),
        ),
        migrations.AddConstraint(
            model_name='downcode',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='downcode_key_once'),
        ),
        migrations.AddConstraint(
            model_name='downcode',
            constraint=models.CheckConstraint(condition=models.Q(('cap_rank__range', (0, 2))), name='downcode_cap_0_to_2'),
        ),
        migrations.AddConstraint(
            model_name='dimension',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='dimension_key_once'),
        ),
        migrations.AddConstraint(
            model_name='dimension',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='dimension_position_once'),
        ),
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION rubrics_refuse_change()"),
        *(
            migrations.RunSQL(
                GUARD_TABLE.format(table=table), f"DROP TRIGGER {table}_is_immutable ON {table}"
            )
            for table in IMMUTABLE_TABLES
        ),
    ]
