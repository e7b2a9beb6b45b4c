"""The sandbox's DNS: the A, SRV and PTR records of ``cluster.local`` as CoreDNS would give them, and faults."""
