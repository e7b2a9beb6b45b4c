"""The operator's metrics, by prometheus-client."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from trireme.operator.kinds import WATCHED, Kind
from trireme.operator.news import News

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry for one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_cluster = ("namespace", "cluster")
        self.leads = Gauge("trireme_operator_leads", "1 while this replica acts.", registry=self.registry)
        self.clusters = Gauge("trireme_operator_clusters", "Clusters that are kept.", registry=self.registry)
        self.phase = Gauge(
            "trireme_cluster_phase",
            "1 for the phase that a cluster is in.",
            (*by_cluster, "phase"),
            registry=self.registry,
        )
        self.condition = Gauge(
            "trireme_cluster_condition",
            "1 if a condition is True, 0 if False, -1 if Unknown.",
            (*by_cluster, "type"),
            registry=self.registry,
        )
        self.ready = Gauge(
            "trireme_cluster_members_ready", "Members that are ready.", by_cluster, registry=self.registry
        )
        self.wanted = Gauge(
            "trireme_cluster_members_wanted", "Members that are wanted.", by_cluster, registry=self.registry
        )
        self.rounds = Counter(
            "trireme_operator_rounds", "Looks at a cluster.", ("outcome",), registry=self.registry
        )
        self.round_seconds = Histogram(
            "trireme_operator_round_seconds", "Time of one look at a cluster.", registry=self.registry
        )
        self.actions = Counter(
            "trireme_operator_actions", "Actions done.", ("action", "outcome"), registry=self.registry
        )
        self.api_calls = Counter(
            "trireme_operator_api_calls", "Calls of the Kubernetes API.", ("method",), registry=self.registry
        )
        self.watch_restarts = Gauge(
            "trireme_operator_watch_restarts", "Times that the watches ended.", registry=self.registry
        )
        self.watches_up = Gauge(
            "trireme_operator_watches_up",
            "1 while news of a kind comes, 0 while its watches are closed.",
            ("kind",),
            registry=self.registry,
        )

    def follow(self, news: News) -> None:
        """What it hears is read whenever the metrics are."""
        self.watch_restarts.set_function(lambda: news.restarts)
        for kind in WATCHED:
            self.watches_up.labels(kind.name).set_function(partial(_up, news, kind))

    def text(self) -> bytes:
        return generate_latest(self.registry)


def _up(news: News, kind: Kind) -> float:
    return float(news.watches.up(kind))
