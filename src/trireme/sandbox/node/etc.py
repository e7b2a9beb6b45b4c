"""The files that the kubelet and the container runtime generate for every pod."""

from pathlib import Path

from trireme.sandbox.node import image
from trireme.sandbox.node.assembly import hostname
from trireme.sandbox.node.interface import NodeSettings
from trireme.sandbox.store.interface import Object

HOST_RESOLV_CONF = Path("/etc/resolv.conf")


def generated_files(pod: Object, address: str, settings: NodeSettings) -> dict[str, str]:
    """Content by path in the container."""
    return {
        "/etc/resolv.conf": _resolv_conf(pod, settings),
        "/etc/hosts": _hosts(pod, address, settings),
        "/etc/hostname": f"{hostname(pod)}\n",
        "/etc/passwd": image.PASSWD,
        "/etc/group": image.GROUPS,
    }


def domain_name(pod: Object, cluster_domain: str) -> str:
    """The pod's own name below its governing Service, or its plain host name without one."""
    subdomain = pod["spec"].get("subdomain")
    if not subdomain:
        return hostname(pod)
    return f"{hostname(pod)}.{subdomain}.{pod['metadata']['namespace']}.svc.{cluster_domain}"


def _resolv_conf(pod: Object, settings: NodeSettings) -> str:
    if pod["spec"].get("dnsPolicy") == "Default":
        return HOST_RESOLV_CONF.read_text()
    domain = settings.cluster_domain
    namespace = pod["metadata"]["namespace"]
    return (
        f"search {namespace}.svc.{domain} svc.{domain} {domain}\n"
        f"nameserver {settings.nameserver.address}\n"
        "options ndots:5\n"
    )


def _hosts(pod: Object, address: str, settings: NodeSettings) -> str:
    name = domain_name(pod, settings.cluster_domain)
    names = name if name == hostname(pod) else f"{name} {hostname(pod)}"
    aliases = "".join(
        f"{alias['ip']} {' '.join(alias['hostnames'])}\n" for alias in pod["spec"].get("hostAliases") or ()
    )
    return f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{address} {names}\n{aliases}"
