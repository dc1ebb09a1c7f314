from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0007_a_board_has_a_version")]

    operations = [
        migrations.AddField(
            model_name="evaluation",
            name="noted_at",
            field=models.DateTimeField(
                blank=True, help_text="When the stage's progress was written.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="submission_seconds",
            field=models.FloatField(
                blank=True, help_text="Per image, in the hour of the measuring.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="reference_seconds",
            field=models.FloatField(
                blank=True,
                help_text="Per image, in the hour of the measuring; a calibration's is the pace at "
                "which all times are shown.",
                null=True,
            ),
        ),
    ]
