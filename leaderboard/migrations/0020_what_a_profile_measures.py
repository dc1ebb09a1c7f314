"""A claim asks what its profile measures, so that the list is made once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leaderboard", "0019_a_public_rank_is_of_now"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="evaluation",
            name="being_measured",
        ),
        migrations.AddIndex(
            model_name="evaluation",
            index=models.Index(
                condition=models.Q(("state", "running")),
                fields=["profile", "content_sha256"],
                name="being_measured",
            ),
        ),
    ]
