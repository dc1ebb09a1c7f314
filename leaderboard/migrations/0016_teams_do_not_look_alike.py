from django.db import migrations, models

from leaderboard.services.names import skeleton


def fill(apps, schema_editor):
    """The oldest team of a look keeps it; later ones go on without a skeleton."""
    taken = set()
    teams = apps.get_model("leaderboard", "Team").objects
    changed = []
    for team in teams.order_by("created_at", "pk").iterator():
        look = (team.competition_id, skeleton(team.name))
        if look not in taken:
            taken.add(look)
            team.skeleton = look[1]
            changed.append(team)
    teams.bulk_update(changed, ["skeleton"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0015_splits_have_fingerprints")]

    operations = [
        migrations.AddField(
            model_name="team",
            name="skeleton",
            field=models.CharField(
                editable=False,
                help_text="The same for all names that look alike. Empty for teams that had such "
                "names before this was looked at.",
                max_length=300,
                null=True,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.UniqueConstraint(
                fields=("competition", "skeleton"), name="one_team_of_a_look_in_a_competition"
            ),
        ),
    ]
