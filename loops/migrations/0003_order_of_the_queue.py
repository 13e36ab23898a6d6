from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loops', '0002_mocks'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='attempt',
            name='attempt_waiting',
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(fields=['state', '-has_priority', 'submitted_at'], name='attempt_in_order'),
        ),
    ]
