# SPDX-License-Identifier: MIT
"""The tables of the ledger and its longer statements, in SQL."""

from __future__ import annotations

from plainfilm.records import ONE_LEVEL

UNPACKED = ".plainfilm-images"
"""The folder in OUT of the images that wait to be packed into shards."""
REPLACEMENTS = ".plainfilm-shards"
"""The folder in OUT of shards that are about to replace those of the same names."""

CREATE_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- every file that was ever a job: `name` is the name of its images, `folded` the part of it that must not be shared
CREATE TABLE IF NOT EXISTS sources (
    source TEXT PRIMARY KEY, path BLOB NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sources_folded ON sources (folded);

-- an image has a row only after its file has its final name; size and mtime_ns are those of the file. An image in a
-- shard has no file of its own: shard and position say where its bytes are, and the tables show packed_name
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, frame INTEGER NOT NULL, file_name TEXT NOT NULL,
    sop_instance TEXT NOT NULL, stored_hash TEXT NOT NULL, status TEXT NOT NULL, row TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    shard TEXT NOT NULL DEFAULT '', position INTEGER NOT NULL DEFAULT 0, packed_name TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS images_source ON images (source, frame);
CREATE UNIQUE INDEX IF NOT EXISTS images_file ON images (file_name);

-- files that hold many images each
CREATE TABLE IF NOT EXISTS shards (
    name TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    digest TEXT NOT NULL) WITHOUT ROWID;

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

-- the split of each patient (by keyed hash) after the last complete run with --split-balance exact
CREATE TABLE IF NOT EXISTS splits (patient TEXT PRIMARY KEY, split TEXT NOT NULL) WITHOUT ROWID;

-- the patient of each source whose header could be read, by the keyed hash of the tables, and by one of the Patient ID
-- alone, which finds the patient where the issuer of the ID is not known
CREATE TABLE IF NOT EXISTS patients (
    source TEXT PRIMARY KEY, patient TEXT NOT NULL, patient_id TEXT NOT NULL) WITHOUT ROWID;

-- patients that were removed and must not come back (by keyed hash), with the fingerprint of the key
CREATE TABLE IF NOT EXISTS removed (patient TEXT PRIMARY KEY, key_fingerprint TEXT NOT NULL) WITHOUT ROWID;

-- whole files that have a private name in OUT, and the names that they are about to get
CREATE TABLE IF NOT EXISTS renames (private_name TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;

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

_FIRST_COPIES = """
    CASE WHEN sop_instance <> '' THEN (SELECT e.id FROM images e
        WHERE e.sop_instance = i.sop_instance AND e.frame = i.frame ORDER BY e.source LIMIT 1) END,
    CASE WHEN stored_hash <> '' THEN (SELECT e.id FROM images e
        WHERE e.stored_hash = i.stored_hash ORDER BY e.source, e.frame LIMIT 1) END
"""
# the same for a query of all images. SQLite evaluates the lists after IN once, in the order of the indexes. An image
# is looked up if it has a copy; otherwise there would be two reads from random places for each image
_FIRST_COPIES_OF_ALL = """
    CASE WHEN (sop_instance, frame) IN (SELECT sop_instance, frame FROM images WHERE sop_instance > ''
            GROUP BY sop_instance, frame HAVING count(*) > 1)
        THEN (SELECT e.id FROM images e
            WHERE e.sop_instance = i.sop_instance AND e.frame = i.frame ORDER BY e.source LIMIT 1) END,
    CASE WHEN stored_hash IN (SELECT stored_hash FROM images WHERE stored_hash > ''
            GROUP BY stored_hash HAVING count(*) > 1)
        THEN (SELECT e.id FROM images e
            WHERE e.stored_hash = i.stored_hash ORDER BY e.source, e.frame LIMIT 1) END
"""
# for each published image also the first image, in table order, of the same instance and frame, and of the same stored
# pixels; an image that waits to be packed is not published
IMAGES_WITH_DUPLICATES = f"""
SELECT row, packed_name, id, {_FIRST_COPIES_OF_ALL} FROM images i
WHERE shard <> '' OR file_name NOT LIKE '{UNPACKED}/%' ORDER BY source, frame
"""

# where each image is going to be among the images of its split
CREATE_PLAN = """
DROP TABLE IF EXISTS temp.plan;
CREATE TEMPORARY TABLE plan (
    split TEXT, number INTEGER, key TEXT, id INTEGER UNIQUE, PRIMARY KEY (split, number)) WITHOUT ROWID;
"""
# a page of images in table order, so that rows may be changed in between
IMAGES_AFTER = "SELECT id, row FROM images WHERE (source, frame) > (?, ?) ORDER BY source, frame LIMIT 1000"
IMAGES_IN_PLAN = f"""
SELECT row, i.id, number, key, shard, position, size, {_FIRST_COPIES}
FROM temp.plan p JOIN images i ON i.id = p.id WHERE split = ? AND number BETWEEN ? AND ? ORDER BY number
"""
FIRST_IN_PLAN = """
SELECT split, number, key FROM temp.plan p JOIN images i ON i.id = p.id WHERE i.id IN ({})
ORDER BY source, frame LIMIT 1
"""

IMAGES_WITH_SHARED_PIXELS = f"""
SELECT row FROM images WHERE stored_hash IN (
    SELECT stored_hash FROM images WHERE stored_hash <> '' AND stored_hash NOT LIKE '{ONE_LEVEL}%'
    GROUP BY stored_hash HAVING count(*) > 1)
ORDER BY stored_hash, source, frame
"""

INSTANCES_WITH_SUFFIXES = """
SELECT DISTINCT sop_instance FROM images WHERE sop_instance > ? AND file_name GLOB '*[0-9a-f]-*'
ORDER BY sop_instance LIMIT ?
"""

# created when they are first needed: until then they would only make inserts slower
CREATE_INSTANCE_INDEX = "CREATE INDEX IF NOT EXISTS images_instance ON images (sop_instance, frame, source)"
CREATE_DUPLICATE_INDEXES = f"""
{CREATE_INSTANCE_INDEX};
CREATE INDEX IF NOT EXISTS images_pixels ON images (stored_hash, source, frame);
-- the rows of each status are counted without reading the rows
CREATE INDEX IF NOT EXISTS images_status ON images (status);
"""

# it exists while the images of lost shards are looked up
CREATE_SHARD_INDEX = "CREATE INDEX IF NOT EXISTS images_shard ON images (shard, source)"
DROP_SHARD_INDEX = "DROP INDEX IF EXISTS images_shard"

# replaces a row of the same source and frame; a file name of another source violates the unique index instead
INSERT_IMAGE = """
INSERT INTO images (source, frame, file_name, sop_instance, stored_hash, status, row, size, mtime_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, frame) DO UPDATE SET file_name = excluded.file_name, sop_instance = excluded.sop_instance,
    stored_hash = excluded.stored_hash, status = excluded.status, row = excluded.row,
    shard = '', position = 0, packed_name = '',
    size = excluded.size, mtime_ns = excluded.mtime_ns
"""

INSERT_OVERLAY = "INSERT OR REPLACE INTO masks VALUES (?, ?, ?, ?, ?)"

INSERT_SOURCE = "INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?, ?, ?, 0)"

FILES_OF_SOURCE = """
SELECT file_name FROM images WHERE source = ?1 AND shard = ''
UNION ALL SELECT file_name FROM masks WHERE source = ?1
"""

STORE_IDENTITY = "INSERT OR REPLACE INTO meta VALUES ('schema', ?), ('identity', ?)"

PEND_ALL_FILES = """
INSERT OR IGNORE INTO pending SELECT file_name FROM images UNION ALL SELECT file_name FROM masks
UNION ALL SELECT name FROM shards UNION ALL SELECT private_name FROM renames
"""

# each pending name is looked up; SQLite would copy the list of `IN (SELECT file_name FROM images WHERE ...)` for it
_HAS_FILE = """
    EXISTS (SELECT 1 FROM images i WHERE i.file_name = p.file_name AND i.shard = '')
    OR EXISTS (SELECT 1 FROM masks m WHERE m.file_name = p.file_name)
    OR EXISTS (SELECT 1 FROM shards s WHERE s.name = p.file_name)
"""
PENDING_WITHOUT_ROW = f"""
SELECT file_name FROM pending p WHERE file_name > ? AND NOT ({_HAS_FILE}) ORDER BY file_name LIMIT 1000
"""
DELETE_PENDING_WITH_ROW = f"DELETE FROM pending AS p WHERE {_HAS_FILE}"

COLLIDING_SOURCE = "SELECT 1 FROM sources WHERE folded IN (?, ?, ?, ?) OR folded BETWEEN ? AND ?"

NEWEST_SOURCES = "SELECT DISTINCT source FROM (SELECT source FROM images ORDER BY id DESC LIMIT ?)"

FILE_NAMES = (
    "SELECT file_name FROM images UNION ALL SELECT file_name FROM masks UNION ALL SELECT file_name FROM pending"
)
SHARD_NAMES = "SELECT name FROM shards"

# pages of files in the order of their names, so that rows may be deleted in between
IMAGES_BY_NAME = """
SELECT file_name, source, size, mtime_ns FROM images WHERE shard = '' AND file_name > ? ORDER BY file_name LIMIT 1000
"""
MASKS_BY_NAME = "SELECT file_name, source, size, mtime_ns FROM masks WHERE file_name > ? ORDER BY file_name LIMIT 1000"
