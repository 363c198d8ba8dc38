-- Version 2: how many of the project's assets a run covered, and the earliest business day of accepted rows.
ALTER TABLE run_log ADD COLUMN scope TEXT NOT NULL DEFAULT '';
CREATE TABLE first_day (one INTEGER PRIMARY KEY CHECK (one = 1), business_date TEXT NOT NULL);
