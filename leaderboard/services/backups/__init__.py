"""A backup is a folder of rows, files and keys, with a manifest of their SHA-256.

manifest.json     what is in it, each part with its SHA-256; it is written last
rows.dump         of pg_dump, where one fits the server; or
rows.sqlite3      the online backup of SQLite; or
rows.jsonl.gz     rows as JSON, for any database
files/            models, images, signed results
keys/             SECRET_KEY, and the key that signs results if this process can read it
"""

from __future__ import annotations

from leaderboard.services.backups.making import backup
from leaderboard.services.backups.manifest import Manifest, verified
from leaderboard.services.backups.restoring import restore

__all__ = ["Manifest", "backup", "restore", "verified"]
