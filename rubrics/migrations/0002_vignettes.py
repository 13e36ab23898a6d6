"""Vignettes and their reference levels, with triggers that keep both as they were written."""

import django.db.models.deletion
from django.db import migrations, models

REFUSE_CHANGE = """
CREATE FUNCTION rubrics_refuse_vignette_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND TG_TABLE_NAME = 'rubrics_vignette'
        AND to_jsonb(NEW) - 'retired_at' - 'position'
            = to_jsonb(OLD) - 'retired_at' - 'position'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A vignette does not change: % on % refused. Write a new one.',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
"""

GUARD_TABLE = """
CREATE TRIGGER {table}_is_immutable BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION rubrics_refuse_vignette_change();
"""

IMMUTABLE_TABLES = ["rubrics_vignette", "rubrics_reference"]


class Migration(migrations.Migration):

    dependencies = [
        ('rubrics', '0001_catalogue'),
    ]

    operations = [
        migrations.AddField(
            model_name='rubricversion',
            name='has_rungs',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='rubricversion',
            name='has_why_chain',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Vignette',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60)),
                ('digest', models.CharField(max_length=64)),
                ('position', models.PositiveSmallIntegerField()),
                ('title', models.CharField(max_length=120)),
                ('author', models.CharField(max_length=120)),
                ('reviewer', models.CharField(max_length=120)),
                ('prompt', models.TextField()),
                ('text', models.TextField()),
                ('shows', models.CharField(blank=True, max_length=40)),
                ('pair_key', models.CharField(blank=True, max_length=60)),
                ('retired_at', models.DateTimeField(null=True)),
                ('round_kind', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='vignettes', to='rubrics.roundkind')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='vignettes', to='rubrics.rubricversion')),
            ],
            options={
                'ordering': ['round_kind_id', 'position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Reference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(null=True)),
                ('reason', models.TextField()),
                ('dimension', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rubrics.dimension')),
                ('vignette', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='references', to='rubrics.vignette')),
            ],
            options={
                'ordering': ['vignette_id', 'dimension_id'],
            },
        ),
        migrations.AddConstraint(
            model_name='vignette',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('round_kind', 'key'), name='vignette_key_once'),
        ),
        migrations.AddConstraint(
            model_name='reference',
            constraint=models.UniqueConstraint(fields=('vignette', 'dimension'), name='reference_once'),
        ),
        migrations.AddConstraint(
            model_name='reference',
            constraint=models.CheckConstraint(condition=models.Q(('rank', None), ('rank__range', (0, 3)), _connector='OR'), name='reference_rank'),
        ),
        migrations.RunSQL(
            REFUSE_CHANGE, 'DROP FUNCTION rubrics_refuse_vignette_change()'
        ),
        *(
            migrations.RunSQL(
                GUARD_TABLE.format(table=table), f'DROP TRIGGER {table}_is_immutable ON {table}'
            )
            for table in IMMUTABLE_TABLES
        ),
    ]
