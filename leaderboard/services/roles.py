"""A role in PostgreSQL for those who run models: it can do what a worker does, and no more.

A worker reads what it measures by, writes evaluations, workers and canaries, and places teams on
the boards. Accounts, sessions, tokens and invitations are not for it, nor is anything deleted but
entries that it puts anew.
"""

from __future__ import annotations

from django.db import connection, models, transaction
from psycopg import sql

from leaderboard.models import (
    BoardVersion,
    Canary,
    Competition,
    Dataset,
    Entry,
    Evaluation,
    HardwareProfile,
    NextEntry,
    Preparation,
    ReferenceModel,
    Split,
    StoredReport,
    Submission,
    Team,
    Worker,
)

NAME = "worker"
READ = "SELECT"

GRANTS: dict[type[models.Model], str] = {
    Dataset: READ,
    Split: READ,
    ReferenceModel: READ,
    Submission: READ,
    # A row can be locked by whoever may write a column of it; to this one others refer.
    HardwareProfile: "SELECT, UPDATE (id)",
    # Its place among those that wait.
    Team: "SELECT, UPDATE (queue_id, waiting, waiting_since, running, turn)",
    # A calibration that was found; the end of a competition that has come.
    Competition: "SELECT, UPDATE (calibration_id, state, pause_message)",
    Evaluation: "SELECT, INSERT, UPDATE",
    StoredReport: "SELECT, INSERT",
    Worker: "SELECT, INSERT, UPDATE",
    Canary: "SELECT, INSERT",
    Entry: "SELECT, INSERT, UPDATE, DELETE",
    Preparation: READ,
    NextEntry: "SELECT, INSERT, DELETE",
    BoardVersion: "SELECT, INSERT, UPDATE",
}


@transaction.atomic
def grant_worker(*, name: str = NAME, password: str) -> None:
    """Make the role, or renew its password, and give it exactly these rights."""
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
