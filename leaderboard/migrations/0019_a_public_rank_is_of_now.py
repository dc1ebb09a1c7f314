"""The rank on the public board that a private entry tells is the one there is."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leaderboard', '0018_what_counts_of_a_team'),
    ]

    operations = [
        migrations.AlterField(
            model_name='entry',
            name='public_rank',
            field=models.PositiveIntegerField(help_text="Of a private entry: the team's rank on the public board; empty where it has none.", null=True),
        ),
    ]
