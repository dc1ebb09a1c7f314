import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The table and columns that 0013 fills."""

    dependencies = [
        ('leaderboard', '0011_the_panel_is_read_from_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='evaluation',
            name='f1_by_class',
            field=models.JSONField(blank=True, help_text='On the public split.', null=True),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='isolation',
            field=models.JSONField(blank=True, help_text='What shut the models in.', null=True),
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField()),
                ('is_noisy', models.BooleanField(default=False, help_text='Too noisy to count; its quads count on.')),
                ('measurement_key', models.CharField(blank=True, help_text='Of the protocol and the plan it was measured under.', max_length=64)),
                ('found', models.JSONField()),
                ('evaluation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='leaderboard.evaluation')),
            ],
            options={
                'ordering': ['evaluation_id', 'attempt'],
                'constraints': [models.UniqueConstraint(fields=('evaluation', 'attempt'), name='one_report_an_attempt')],
            },
        ),
    ]
