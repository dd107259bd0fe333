# SPDX-License-Identifier: MIT
"""The tables of the ledger and its longer statements, in SQL."""

from __future__ import annotations

CREATE_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- every file that was ever a job: `name` is the name of its images, `folded` the part of it that must not be shared
CREATE TABLE IF NOT EXISTS sources (
    source TEXT PRIMARY KEY, path BLOB NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sources_folded ON sources (folded);

-- an image has a row only after its file has its final name; size and mtime_ns are those of the file
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, frame INTEGER NOT NULL, file_name TEXT NOT NULL,
    sop_instance TEXT NOT NULL, stored_hash TEXT NOT NULL, status TEXT NOT NULL, row TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS images_source ON images (source, frame);
CREATE UNIQUE INDEX IF NOT EXISTS images_file ON images (file_name);

-- the images of overlay planes
CREATE TABLE IF NOT EXISTS masks (
    file_name TEXT PRIMARY KEY, source TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS masks_source ON masks (source);

-- what the report shows of an image: a small image, a chart and the steps
CREATE TABLE IF NOT EXISTS previews (
    source TEXT NOT NULL, frame INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE (source, frame));

-- frame 0: the instance as a whole
CREATE TABLE IF NOT EXISTS failures (
    source TEXT NOT NULL, frame INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    retry INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (source, frame)) WITHOUT ROWID;

-- file names that are about to get or to lose a file: a file of such a name that has no row is to be removed
CREATE TABLE IF NOT EXISTS pending (file_name TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# path, name, size, mtime_ns, done, a failure is to be tried again, the whole instance failed, number of the last frame
SOURCE_STATE = """
SELECT path, name, size, mtime_ns, done,
    EXISTS (SELECT 1 FROM failures f WHERE f.source = s.source AND f.retry),
    EXISTS (SELECT 1 FROM failures f WHERE f.source = s.source AND f.frame = 0),
    max((SELECT coalesce(max(frame), 0) FROM images i WHERE i.source = s.source),
        (SELECT coalesce(max(frame), 0) FROM failures f WHERE f.source = s.source))
FROM sources s WHERE source = ?
"""
STATE_TYPES = (bytes, str, int, int, int, int, int, int)

# for each image also the first image, in table order, of the same instance and frame, and of the same stored pixels
IMAGES_WITH_DUPLICATES = """
SELECT row, id,
    CASE WHEN sop_instance <> '' THEN (SELECT e.id FROM images e
        WHERE e.sop_instance = i.sop_instance AND e.frame = i.frame ORDER BY e.source LIMIT 1) END,
    CASE WHEN stored_hash <> '' THEN (SELECT e.id FROM images e
        WHERE e.stored_hash = i.stored_hash ORDER BY e.source, e.frame LIMIT 1) END
FROM images i ORDER BY source, frame
"""

# created when they are first needed: until then they would only make inserts slower
CREATE_INSTANCE_INDEX = "CREATE INDEX IF NOT EXISTS images_instance ON images (sop_instance, frame, source)"
CREATE_DUPLICATE_INDEXES = f"""
{CREATE_INSTANCE_INDEX};
CREATE INDEX IF NOT EXISTS images_pixels ON images (stored_hash, source, frame);
"""

# replaces a row of the same source and frame; a file name of another source violates the unique index instead
INSERT_IMAGE = """
INSERT INTO images (source, frame, file_name, sop_instance, stored_hash, status, row, size, mtime_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, frame) DO UPDATE SET file_name = excluded.file_name, sop_instance = excluded.sop_instance,
    stored_hash = excluded.stored_hash, status = excluded.status, row = excluded.row,
    size = excluded.size, mtime_ns = excluded.mtime_ns
"""

INSERT_OVERLAY = "INSERT OR REPLACE INTO masks VALUES (?, ?, ?, ?, ?)"

INSERT_SOURCE = "INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?, ?, ?, 0)"

FILES_OF_SOURCE = (
    "SELECT file_name FROM images WHERE source = ?1 UNION ALL SELECT file_name FROM masks WHERE source = ?1"
)

PENDING_WITHOUT_ROW = """
SELECT file_name FROM pending
WHERE file_name > ? AND file_name NOT IN (SELECT file_name FROM images)
    AND file_name NOT IN (SELECT file_name FROM masks)
ORDER BY file_name LIMIT 1000
"""

COLLIDING_SOURCE = "SELECT 1 FROM sources WHERE folded IN (?, ?, ?, ?) OR folded BETWEEN ? AND ?"

NEWEST_SOURCES = "SELECT DISTINCT source FROM (SELECT source FROM images ORDER BY id DESC LIMIT ?)"

FILE_NAMES = (
    "SELECT file_name FROM images UNION ALL SELECT file_name FROM masks UNION ALL SELECT file_name FROM pending"
)

# pages of files in the order of their names, so that rows may be deleted in between
FILES_BY_NAME = "SELECT file_name, source, size, mtime_ns FROM {} WHERE file_name > ? ORDER BY file_name LIMIT 1000"
