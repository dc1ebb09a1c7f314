from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('leaderboard', '0013_reports_move_to_their_table'),
    ]

    operations = [
        migrations.RemoveField(model_name='evaluation', name='noisy_reports'),
        migrations.RemoveField(model_name='evaluation', name='report'),
    ]
