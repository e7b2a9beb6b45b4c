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
