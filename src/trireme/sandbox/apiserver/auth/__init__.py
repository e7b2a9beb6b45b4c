"""Who is asking (bearer tokens), and what they may do (RBAC)."""
