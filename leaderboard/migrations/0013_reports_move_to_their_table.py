from django.db import migrations, transaction

BATCH = 200
"""Rows of about 50 KB that are held in memory at once."""


def batches(rows):
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by('pk')[:BATCH]):
        yield found
        last = found[-1].pk


def forth(apps, editor):
    """Fill the table. What an interrupted run has moved already is left as it is."""
    alias = editor.connection.alias
    Evaluation = apps.get_model('leaderboard', 'Evaluation')
    Report = apps.get_model('leaderboard', 'Report')
    for found in batches(Evaluation.objects.using(alias).filter(reports=None)):
        reports = []
        for one in found:
            noisy = [dict(report) for report in one.noisy_reports]
            own = one.report
            for attempt, report in enumerate(noisy, start=1):
                key = report.pop('measurement_key', one.measurement_key)
                reports.append(Report(evaluation=one, attempt=attempt, is_noisy=True, measurement_key=key, found=report))
            # An evaluation that came to nothing showed its last noisy report once more.
            if own and own not in noisy:
                attempt = max(one.attempt, len(noisy) + 1)
                reports.append(Report(evaluation=one, attempt=attempt, measurement_key=one.measurement_key, found=own))
            one.isolation = own.get('isolation')
            if one.state == 'scored':
                per_class = own.get('splits', {}).get('public', {}).get('per_class', {})
                one.f1_by_class = {label: quality['f1'] for label, quality in per_class.items()}
        with transaction.atomic(using=alias):
            Report.objects.using(alias).bulk_create(reports)
            Evaluation.objects.using(alias).bulk_update(found, ['isolation', 'f1_by_class'])


def back(apps, editor):
    alias = editor.connection.alias
    Evaluation = apps.get_model('leaderboard', 'Evaluation')
    for found in batches(Evaluation.objects.using(alias).exclude(reports=None)):
        for one in found:
            reports = list(one.reports.order_by('attempt'))
            one.noisy_reports = [
                report.found if report.measurement_key == one.measurement_key else {'measurement_key': report.measurement_key, **report.found}
                for report in reports
                if report.is_noisy
            ]
            of_today = [report.found for report in reports if report.measurement_key == one.measurement_key]
            one.report = of_today[-1] if of_today else {}
        Evaluation.objects.using(alias).bulk_update(found, ['report', 'noisy_reports'])


class Migration(migrations.Migration):
    atomic = False  # a long history in one transaction would hold the site up

    dependencies = [
        ('leaderboard', '0012_reports_have_a_table'),
    ]

    operations = [migrations.RunPython(forth, back)]
