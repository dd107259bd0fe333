# SPDX-License-Identifier: MIT
"""The ledger's longer questions and changes, in SQL."""

from __future__ import annotations

KNOWN = """
SELECT path, name, size, mtime_ns, done,
    EXISTS (SELECT 1 FROM failures f WHERE f.source = s.source AND f.retry),
    EXISTS (SELECT 1 FROM failures f WHERE f.source = s.source AND f.frame = 0),
    max((SELECT coalesce(max(frame), 0) FROM images i WHERE i.source = s.source),
        (SELECT coalesce(max(frame), 0) FROM failures f WHERE f.source = s.source))
FROM sources s WHERE source = ?
"""

# the first image, in the order of the table, of the same instance and frame, and that of the same stored pixels
IN_ORDER = """
SELECT row, id,
    CASE WHEN sop_instance <> '' THEN (SELECT e.id FROM images e
        WHERE e.sop_instance = i.sop_instance AND e.frame = i.frame ORDER BY e.source LIMIT 1) END,
    CASE WHEN stored_hash <> '' THEN (SELECT e.id FROM images e
        WHERE e.stored_hash = i.stored_hash ORDER BY e.source, e.frame LIMIT 1) END
FROM images i ORDER BY source, frame
"""
# made when they are first needed: until then they would only slow a run down
INDEX_OF_INSTANCES = "CREATE INDEX IF NOT EXISTS images_instance ON images (sop_instance, frame, source)"
INDEXES = f"""
{INDEX_OF_INSTANCES};
CREATE INDEX IF NOT EXISTS images_pixels ON images (stored_hash, source, frame);
"""

# an image of another source that has this name would be an error, and never a row that is gone
ADD_IMAGE = """
INSERT INTO images (source, frame, file_name, sop_instance, stored_hash, status, row) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, frame) DO UPDATE SET file_name = excluded.file_name, sop_instance = excluded.sop_instance,
    stored_hash = excluded.stored_hash, status = excluded.status, row = excluded.row
"""

ADD_SOURCE = "INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?, ?, ?, 0)"

ADD_MASK = "INSERT OR REPLACE INTO masks VALUES (?, ?)"

FILES_OF = "SELECT file_name FROM images WHERE source = ?1 UNION ALL SELECT file_name FROM masks WHERE source = ?1"

# names that are noted and belong to nothing
UNSETTLED = """
SELECT file_name FROM pending
WHERE file_name NOT IN (SELECT file_name FROM images) AND file_name NOT IN (SELECT file_name FROM masks) LIMIT 1000
"""

MEETS = "SELECT 1 FROM sources WHERE folded IN (?, ?) OR folded BETWEEN ? AND ?"
