from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('feedback', '0002_live'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='evidence',
            index=models.Index(condition=models.Q(('stamped_at__isnull', False), ('start_ms', None)), fields=['review'], name='evidence_unplaced'),
        ),
    ]
