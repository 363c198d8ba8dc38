-- Version 1: the log of runs, findings and incidents, what each address was told, and decisions by hand.
CREATE TABLE run_log (
    run_id TEXT PRIMARY KEY, as_of_date TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'success', 'held', 'failed')),
    "trigger" TEXT NOT NULL, message TEXT NOT NULL DEFAULT ''
);
CREATE INDEX run_log_by_start ON run_log (started_at);
CREATE TABLE finding (
    run_id TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    ok INTEGER NOT NULL CHECK (ok IN (0, 1)), severity TEXT NOT NULL, message TEXT NOT NULL,
    found_at TEXT NOT NULL,
    PRIMARY KEY (run_id, kind, subject)
);
CREATE INDEX finding_by_subject ON finding (kind, subject, found_at);
CREATE TABLE incident (
    incident_id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,
    severity TEXT NOT NULL, message TEXT NOT NULL, opened_at TEXT NOT NULL, opened_run_id TEXT NOT NULL,
    last_seen_at TEXT NOT NULL, last_run_id TEXT NOT NULL, closed_at TEXT, closed_run_id TEXT,
    opened_notified_at TEXT, closed_notified_at TEXT, claimed_at TEXT, claimed_by TEXT
);
CREATE UNIQUE INDEX incident_open_once ON incident (kind, subject) WHERE closed_at IS NULL;
CREATE TABLE told (
    incident_id INTEGER NOT NULL REFERENCES incident, place INTEGER NOT NULL, event TEXT NOT NULL,
    told_at TEXT NOT NULL, PRIMARY KEY (incident_id, place, event)
);
CREATE TABLE batch_decision (
    decision_id INTEGER PRIMARY KEY AUTOINCREMENT, batch_seq INTEGER NOT NULL, source TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('accept', 'reject')), decided_by TEXT NOT NULL,
    decided_at TEXT NOT NULL, why TEXT NOT NULL
);
