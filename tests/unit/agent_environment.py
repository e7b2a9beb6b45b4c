"""What a pod tells its agent, at the least."""

ENVIRONMENT = {
    "TRIREME_CLUSTER": "demo",
    "TRIREME_MEMBERS": "3",
    "TRIREME_NAMESPACE": "default",
    "TRIREME_POD_NAME": "demo-0",
    "TRIREME_POD_IP": "127.1.2.3",
    "TRIREME_SERVICE": "demo-internal",
}
