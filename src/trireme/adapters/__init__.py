"""The outside world behind narrow doors: MariaDB, DNS, Kubernetes, other agents. No decisions here."""
