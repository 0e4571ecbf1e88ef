from __future__ import annotations

from django.db import migrations

# The lock on a key, and then a look at its record. Each statement of a volatile function sees what was committed before
# it began: so the look sees the record of whoever held the lock before, which one statement for both would not.
FIRST_ANSWER = """
CREATE FUNCTION core_first_answer(name bigint, asked_scope text, asked_key text)
RETURNS TABLE (is_ours boolean, asked_at timestamptz, fingerprint varchar, status smallint, headers text, body bytea,
               expires_at timestamptz) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    is_ours := pg_try_advisory_xact_lock(name);
    asked_at := clock_timestamp();
    IF is_ours THEN
        SELECT r.fingerprint, r.status, r.headers::text, r.body, r.expires_at
          INTO fingerprint, status, headers, body, expires_at
          FROM core_idempotencyrecord r WHERE r.scope = asked_scope AND r.key = asked_key;
    END IF;
    RETURN NEXT;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0007_dead_letters")]
    operations = [migrations.RunSQL(FIRST_ANSWER, "DROP FUNCTION core_first_answer;")]
