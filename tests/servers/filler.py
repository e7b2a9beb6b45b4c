"""So much data that a state transfer takes a while."""

from tests.servers.plain import PlainCluster

ROWS = 300
SOME_DATA = (
    "CREATE TABLE IF NOT EXISTS app.filler (id INT PRIMARY KEY AUTO_INCREMENT, text LONGTEXT)",
    f"INSERT INTO app.filler (text) SELECT REPEAT(UUID(), 20000) FROM mysql.time_zone_name LIMIT {ROWS}",
)
"""216 MB."""


def filled(cluster: PlainCluster) -> None:
    """All of it is in ``app.filler``: made once for a cluster that tests share."""
    writer = cluster.writer()
    there = writer.sql("SHOW TABLES FROM app LIKE 'filler'")
    if not there or writer.sql("SELECT COUNT(*) FROM app.filler") != [(ROWS,)]:
        writer.sql("DROP TABLE IF EXISTS app.filler", *SOME_DATA)
