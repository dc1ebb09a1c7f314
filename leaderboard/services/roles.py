"""A PostgreSQL role for machines that run models. It may do what a worker does, and no more.

A worker reads competitions, data and models. It writes evaluations, reports, answers, workers and
canaries, and it places teams on the boards. It cannot read accounts, sessions, tokens or
invitations, and it deletes only entries of boards.
"""

from __future__ import annotations

from django.db import connection, models, transaction
from psycopg import sql

from leaderboard.models import (
    AuditEntry,
    Baseline,
    BoardVersion,
    Canary,
    Competition,
    Dataset,
    Declaration,
    Entry,
    Evaluation,
    Happening,
    HardwareProfile,
    NextEntry,
    Preparation,
    QueueShare,
    Ranged,
    RankRange,
    ReferenceModel,
    Rescore,
    Split,
    StoredReport,
    Submission,
    Team,
    TrackRange,
    Training,
    Trial,
    Verification,
    Worker,
)
from leaderboard.models.answers import Answers
from leaderboard.services import audit

NAME = "worker"
READ = "SELECT"

GRANTS: dict[type[models.Model], str] = {
    Dataset: READ,
    Declaration: READ,
    Split: READ,
    ReferenceModel: READ,
    Baseline: READ,
    Submission: READ,
    # Locking a row needs the right to write one of its columns.
    HardwareProfile: "SELECT, UPDATE (id)",
    # The team's place among those that wait for workers.
    Team: "SELECT, UPDATE (queue_id, waiting, waiting_since, running, turn)",
    # A worker writes a calibration, and closes a competition whose end has come.
    Competition: "SELECT, UPDATE (calibration_id, state, pause_message)",
    Evaluation: "SELECT, INSERT, UPDATE",
    # A worker says what happened. The process that sends notices reads who is told.
    Happening: "SELECT, INSERT",
    # The end of a competition is written down. Only the key of the new entry is read.
    AuditEntry: "SELECT (id), INSERT",
    # Whether a row of the private board has a rank; nothing that teams handed in.
    Verification: "SELECT (id, competition_id, team_id, state, due_at)",
    # A worker tries models. It claims a trial, and writes its end.
    Trial: "SELECT, UPDATE",
    # It trains a reference, and leaves the model in its row. The site stores that model for the
    # competition and the person of the row, so a worker may not write these two.
    Training: "SELECT, UPDATE (state, claimed_at, finished_at, said, quality, model)",
    StoredReport: "SELECT, INSERT",
    Answers: "SELECT, INSERT, UPDATE",
    Worker: "SELECT, INSERT, UPDATE",
    Canary: "SELECT, INSERT",
    Entry: "SELECT, INSERT, UPDATE, DELETE",
    Preparation: READ,
    QueueShare: READ,
    Rescore: READ,
    Ranged: READ,
    RankRange: READ,
    TrackRange: "SELECT, DELETE",  # with its entry
    NextEntry: "SELECT, INSERT, DELETE",
    BoardVersion: "SELECT, INSERT, UPDATE",
}


@transaction.atomic
def grant_worker(*, name: str = NAME, password: str) -> None:
    """Make the role, or renew its password, and give it exactly the rights in `GRANTS`."""
    role = sql.Identifier(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
        login = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
        cursor.execute(login.format(verb, role, sql.Literal(password)))
        for kind in ("TABLES", "SEQUENCES"):
            revoke = sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA public FROM {}")
            cursor.execute(revoke.format(sql.SQL(kind), role))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        for model, rights in GRANTS.items():
            table = sql.Identifier(model._meta.db_table)
            grant = sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), table, role)
            cursor.execute(grant)
    audit.record(audit.Act.WORKER_ROLE_GRANTED, None, subject=name, by=audit.CONSOLE)
