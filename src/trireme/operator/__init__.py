"""``trireme operator``: one loop per GaleraCluster, observe -> decide -> act -> report, woken by Kubernetes' news."""
