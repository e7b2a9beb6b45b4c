"""The types that parts say things to each other with: positions, views, reports, names. No I/O, no decisions."""
