"""The sandbox's addresses on the loopback network, and the proxies behind its Services' addresses."""
