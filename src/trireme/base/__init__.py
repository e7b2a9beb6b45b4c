"""Small things without a subject of their own: errors, durable files, log set-up. Imports nothing of Trireme."""
