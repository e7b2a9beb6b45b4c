"""The resource GaleraCluster: the one source of its schema, its rules, its documentation, and what reads it.

For the operator, the manifests and the tools; the agent never imports it, because pydantic is 6 MB of memory.
"""

from trireme.api.resource.base import amount, seconds
from trireme.api.resource.cluster import (
    API_VERSION,
    KIND,
    PLURAL,
    VERSION,
    GaleraCluster,
    InvalidClusterError,
    ObjectMeta,
    Problem,
    check_change,
    problems_of,
    read_cluster,
)
from trireme.api.resource.spec import MAX_MEMBERS, GaleraClusterSpec, SecretKeyRef
from trireme.api.resource.status import (
    CONDITIONS,
    ClusterPhase,
    Condition,
    GaleraClusterStatus,
    MemberStatus,
    PrimaryStatus,
    RebuildPhase,
    RebuildStatus,
)

__all__ = [
    "API_VERSION",
    "CONDITIONS",
    "KIND",
    "MAX_MEMBERS",
    "PLURAL",
    "VERSION",
    "ClusterPhase",
    "Condition",
    "GaleraCluster",
    "GaleraClusterSpec",
    "GaleraClusterStatus",
    "InvalidClusterError",
    "MemberStatus",
    "ObjectMeta",
    "PrimaryStatus",
    "Problem",
    "RebuildPhase",
    "RebuildStatus",
    "SecretKeyRef",
    "amount",
    "check_change",
    "problems_of",
    "read_cluster",
    "seconds",
]
