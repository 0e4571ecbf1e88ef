"""Where backups go, who may open them, and how long they stay."""

from __future__ import annotations

from config.settings.env import data_folder, env

# A path, file:///path, or s3://bucket/prefix?endpoint_url=…; boto3 finds the keys of a bucket where it always does.
_URL = env.str("BACKUP_URL", default="")
BACKUP_URL = _URL or str(data_folder() / "backups")
# `make run` keeps the store up to date by itself where somebody said which one.
BACKUP_FOLLOWS = bool(_URL)
# What the status page asks: a function without arguments, which returns (name, when it was whole) of each.
STATUS_BACKUPS = "config.backups.manifest.finished_backups" if _URL else ""
# Public keys of age (age1…): backups are sealed for them. `manage.py backup --make-key` makes a pair.
BACKUP_RECIPIENTS = env.list("BACKUP_RECIPIENTS", default=[])
# The secret halves: only where one restores.
BACKUP_IDENTITIES = env.list("BACKUP_IDENTITIES", default=[])
BACKUP_KEEP_DAYS = env.float("BACKUP_KEEP_DAYS", default=14)
BACKUP_EVERY_HOURS = env.float("BACKUP_EVERY_HOURS", default=24)
# The folder of pg_basebackup and its like, of the server's version, where they are not found otherwise.
POSTGRES_PROGRAMS = env.str("POSTGRES_PROGRAMS", default="")
