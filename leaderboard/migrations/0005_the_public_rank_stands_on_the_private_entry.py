from typing import Any

from django.db import migrations, models


def fill(apps: Any, schema_editor: Any) -> None:
    """Boards that are published already are read like all others."""
    alias = schema_editor.connection.alias
    Entry = apps.get_model("leaderboard", "Entry")
    order = ["score", "uploaded_at", "pk"]
    published = Entry.objects.using(alias).filter(board="private").order_by()
    for (competition,) in published.values_list("competition").distinct():
        entries = Entry.objects.using(alias).filter(competition=competition)
        ranked = entries.filter(board="public", is_ranked=True).order_by(*order)
        ranks = {team: rank for rank, (team,) in enumerate(ranked.values_list("team"), start=1)}
        private = list(entries.filter(board="private").only("team"))
        for entry in private:
            entry.public_rank = ranks.get(entry.team_id)
        Entry.objects.using(alias).bulk_update(private, ["public_rank"], batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [
        ("leaderboard", "0004_say_what_may_be_published"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="public_rank",
            field=models.PositiveIntegerField(
                help_text="Of a private entry: the team's rank on the public board at "
                "publication; empty where it had none.",
                null=True,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
