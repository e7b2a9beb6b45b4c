"""The names that users, manifests and parts rely on (DESIGN: the Kubernetes contract)."""

GROUP = "trireme.dev"
ROLE_LABEL = f"{GROUP}/role"
PRIMARY = "primary"
SECONDARY = "secondary"

MYSQL_PORT = 3306
GALERA_PORT = 4567
IST_PORT = 4568
SST_PORT = 4444
HTTP_PORT = 8080

OWN_USERS = "trireme_"
"""What the names of Trireme's own accounts begin with."""
RESERVED_USERS = ("root", "mariadb.sys")
RESERVED_DATABASES = ("mysql", "information_schema", "performance_schema", "sys")
"""MariaDB's own, in small letters; some of them are the same in any."""


def reserved_user(name: str) -> bool:
    """An account of this name is MariaDB's or Trireme's own: no application may have it."""
    return name in RESERVED_USERS or name.startswith(OWN_USERS)


def reserved_database(name: str) -> bool:
    return name.lower() in RESERVED_DATABASES
