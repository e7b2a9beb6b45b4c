"""Proof of the protocol: the real decisions against executable models of the agent, of Galera and of clients."""
