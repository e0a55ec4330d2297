-- A state file as schema 1 left it (iterdump, with its user_version).
BEGIN TRANSACTION;
CREATE TABLE cursor (
    mapping TEXT NOT NULL,
    account TEXT NOT NULL,
    container TEXT NOT NULL,
    database_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    scanned INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    updated REAL NOT NULL,
    shares TEXT NOT NULL,
    PRIMARY KEY (mapping, account, container)
) WITHOUT ROWID;
INSERT INTO "cursor" VALUES('m','AUTH_test','c','db','f',7,3,1.79558202899293327327e+09,'[0]/1');
CREATE TABLE health (
    mapping TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    retry_at REAL NOT NULL
) WITHOUT ROWID;
INSERT INTO "health" VALUES('m2','down',1.795582028992970705e+09,99.0);
CREATE TABLE ledger (
    mapping TEXT NOT NULL,
    account TEXT NOT NULL,
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first REAL NOT NULL,
    due REAL NOT NULL,
    row INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    timestamp TEXT NOT NULL,
    data_timestamp TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    content_type TEXT NOT NULL,
    policy_index INTEGER NOT NULL,
    PRIMARY KEY (mapping, account, container, name)
) WITHOUT ROWID;
INSERT INTO "ledger" VALUES('m','AUTH_test','c','grün','skipped','a static large object',3,10.0,20.0,5,1,'1700000000.00001','1700000000.00001',3,'e','text/plain',0);
INSERT INTO "ledger" VALUES('m','AUTH_test','c','x','failed','why',3,10.0,20.0,5,0,'1700000000.00001','1700000000.00001',3,'e','text/plain',0);
CREATE INDEX ledger_due
    ON ledger (mapping, account, container, kind, due);
PRAGMA user_version = 1;
COMMIT;
