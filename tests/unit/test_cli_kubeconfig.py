"""Where a kubeconfig leads: merging, contexts, credentials. Against real files, programs, sockets and TLS."""

import base64
import datetime
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.cli_kubernetes import FakeKubernetes, write_kubeconfig
from trireme.adapters.cluster_api import ClusterApi, RefusedError
from trireme.adapters.credentials import obtain
from trireme.adapters.kubeconfig import find_access
from trireme.base.errors import PermanentError, TemporaryError, TriremeError

PODS = "/api/v1/pods"


def environment(*files: Path) -> dict[str, str]:
    return {"KUBECONFIG": ":".join(str(file) for file in files)}


# --- files -------------------------------------------------------------------------------------------------------


def test_the_first_file_to_name_a_thing_wins(tmp_path: Path) -> None:
    one = write_kubeconfig(tmp_path / "one", {"server": "https://one"}, {"token": "1"})
    two = write_kubeconfig(tmp_path / "two", {"server": "https://two"}, {"token": "2"})
    other = write_kubeconfig(tmp_path / "other", {"server": "https://other"}, {}, name="other")
    found = find_access(environment(tmp_path / "none", one, two, other))
    assert (found.context, found.cluster.server, found.user.token) == ("here", "https://one", "1")
    assert find_access(environment(one, other), context="other").cluster.server == "https://other"


def test_the_namespace_is_the_option_the_context_or_default(tmp_path: Path) -> None:
    file = write_kubeconfig(tmp_path / "config", {"server": "https://here"}, {})
    assert find_access(environment(file)).namespace == "default"
    content = yaml.safe_load(file.read_text())
    content["contexts"][0]["context"]["namespace"] = "data"
    file.write_text(yaml.safe_dump(content))
    assert find_access(environment(file)).namespace == "data"
    assert find_access(environment(file), namespace="other").namespace == "other"


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    user = {"client-certificate": "me.crt", "tokenFile": "/abs/token", "exec": plugin("./login")}
    file = write_kubeconfig(
        folder / "config", {"server": "https://here", "certificate-authority": "ca.crt"}, user
    )
    found = find_access(environment(file))
    assert found.cluster.certificate_authority == str(folder / "ca.crt")
    assert found.user.client_certificate == str(folder / "me.crt")
    assert found.user.token_file == "/abs/token"
    assert found.user.exec is not None
    assert Path(found.user.exec.command) == folder / "login"


def test_without_a_file_a_pod_uses_its_own_account(tmp_path: Path) -> None:
    for name, content in {"token": "secret", "namespace": "data", "ca.crt": ""}.items():
        (tmp_path / name).write_text(content)
    inside = {
        "KUBECONFIG": "/nowhere",
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    found = find_access(inside, account=tmp_path)
    assert (found.cluster.server, found.namespace) == ("https://[fd00::1]:443", "data")
    assert found.user.token_file == str(tmp_path / "token")


WRONG = {
    "no file": (None, "no kubeconfig at"),
    "no YAML": ("{", "not a kubeconfig"),
    "another thing": ("clusters: 3", "Expected `array | null`, got `int`"),
    "no current context": ("contexts: [{name: a, context: {}}]", "Choose one with --context: a"),
    "an unknown context": ("current-context: b", "no context 'b'. There is: none"),
    "an unknown cluster": (
        "{current-context: a, contexts: [{name: a, context: {cluster: c}}]}",
        "needs a cluster 'c' with a server",
    ),
    "an unknown user": (
        "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], "
        "clusters: [{name: c, cluster: {server: x}}]}",
        "names user 'u', who is not there",
    ),
    "an old login": (
        "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], "
        "clusters: [{name: c, cluster: {server: x}}], users: [{name: u, user: {auth-provider: {name: gcp}}}]}",
        "uses auth-provider, which Kubernetes removed",
    ),
    "somebody else": (
        "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], "
        "clusters: [{name: c, cluster: {server: x}}], users: [{name: u, user: {as: admin}}]}",
        "impersonates somebody",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    content, said = WRONG[case]
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(PermanentError) as error:
        find_access({}, file=file)
    assert said in str(error.value)


# --- credentials -------------------------------------------------------------------------------------------------


def plugin(command: str, version: str = "v1", **fields: object) -> dict[str, object]:
    return {"apiVersion": f"client.authentication.k8s.io/{version}", "command": command, **fields}


def program(folder: Path, script: str) -> str:
    path = folder / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def credential(status: dict[str, str], version: str = "v1") -> str:
    answer = {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "kind": "ExecCredential",
        "status": status,
    }
    return json.dumps(answer)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_plugin_prints_the_token(version: str, tmp_path: Path) -> None:
    answer = credential({"token": "from-plugin"}, version)
    script = program(tmp_path, f"""echo "$KUBERNETES_EXEC_INFO $ACCOUNT $1" >&2; echo '{answer}'""")
    user = {"exec": plugin(script, version, args=["get"], env=[{"name": "ACCOUNT", "value": "me"}])}
    async with FakeKubernetes(token="from-plugin").serving() as kubernetes:
        access = find_access({}, file=kubernetes.kubeconfig(tmp_path, user=user))
        async with ClusterApi(access) as api:
            assert await api.list(PODS) == []


async def test_a_plugin_is_told_where_it_is_wanted(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = program(
        tmp_path, f"""echo "$KUBERNETES_EXEC_INFO" > {told}; echo '{credential({"token": "x"})}'"""
    )
    cluster = {"server": "https://here", "certificate-authority-data": base64.b64encode(b"ca").decode()}
    file = write_kubeconfig(
        tmp_path / "config",
        cluster,
        {"exec": plugin(script, provideClusterInfo=True, interactiveMode="Never")},
    )
    await obtain(find_access({}, file=file))
    assert json.loads(told.read_text()) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": cluster},
    }


BAD_PLUGINS = {
    "not there": (
        plugin("/no/login", installHint="Get it from us."),
        "No such file or directory. Get it from us.",
    ),
    "fails": (plugin("false"), "failed with exit status 1"),
    "prints nothing": (plugin("true"), "printed no ExecCredential"),
    "prints another version": (plugin("echo", args=[credential({}, "v1beta1")]), "another version"),
    "prints no token": (plugin("echo", args=[credential({})]), "neither a token nor a certificate"),
    "wants an old version": (plugin("true", "v1alpha1"), "wants client.authentication.k8s.io/v1alpha1"),
}


@pytest.mark.parametrize("case", BAD_PLUGINS)
async def test_a_plugin_that_does_not_work_is_named(case: str, tmp_path: Path) -> None:
    broken, said = BAD_PLUGINS[case]
    file = write_kubeconfig(tmp_path / "config", {"server": "https://here"}, {"exec": broken})
    with pytest.raises(PermanentError, match=f"plugin {broken['command']}") as error:
        await obtain(find_access({}, file=file))
    assert said in str(error.value)


async def test_an_expired_token_is_fetched_again_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    async with FakeKubernetes(token="old").serving() as kubernetes:
        access = find_access({}, file=kubernetes.kubeconfig(tmp_path, user={"tokenFile": str(token)}))
        async with ClusterApi(access) as api:
            await api.list(PODS)
            kubernetes.token = "new"
            token.write_text("new\n")
            await api.list(PODS)
            kubernetes.token = "another"
            with pytest.raises(RefusedError, match="does not know you: log in again"):
                await api.list(PODS)
    assert len(kubernetes.asked) == 5


# --- TLS ---------------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority with one client and one server, whose name is ``kubernetes``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self._sign("ca", self._name, self._key, basic)
        for name in ("server", "client"):
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            names = x509.SubjectAlternativeName([x509.DNSName("kubernetes")])
            self._sign(name, subject, ec.generate_private_key(ec.SECP256R1()), names)

    def _sign(
        self, file: str, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (self.folder / f"{file}.crt").write_bytes(pem)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{file}.key").write_bytes(private)

    def data(self, file: str) -> str:
        return base64.b64encode((self.folder / file).read_bytes()).decode()

    def server(self) -> ssl.SSLContext:
        """Lets in nobody without a certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as API servers do
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def list_pods(authority: Authority, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    async with FakeKubernetes().serving(authority.server()) as kubernetes:
        file = kubernetes.kubeconfig(authority.folder, cluster=dict(cluster), user=dict(user))
        async with ClusterApi(find_access({}, file=file)) as api:
            await api.list(PODS)


async def test_certificates_as_data(authority: Authority) -> None:
    cluster = {"certificate-authority-data": authority.data("ca.crt"), "tls-server-name": "kubernetes"}
    user = {
        "client-certificate-data": authority.data("client.crt"),
        "client-key-data": authority.data("client.key"),
    }
    await list_pods(authority, cluster, user)


async def test_certificates_as_files(authority: Authority) -> None:
    cluster = {"certificate-authority": "ca.crt", "tls-server-name": "kubernetes"}
    await list_pods(authority, cluster, {"client-certificate": "client.crt", "client-key": "client.key"})


async def test_certificates_from_a_plugin(authority: Authority) -> None:
    status = {
        "clientCertificateData": (authority.folder / "client.crt").read_text(),
        "clientKeyData": (authority.folder / "client.key").read_text(),
    }
    user = {"exec": plugin("echo", args=[credential(status)])}
    await list_pods(authority, {"certificate-authority": "ca.crt", "tls-server-name": "kubernetes"}, user)


async def test_a_server_that_need_not_prove_itself(authority: Authority) -> None:
    user = {"client-certificate": "client.crt", "client-key": "client.key"}
    await list_pods(authority, {"insecure-skip-tls-verify": True}, user)


async def test_a_server_of_another_name_is_not_trusted(authority: Authority) -> None:
    user = {"client-certificate": "client.crt", "client-key": "client.key"}
    with pytest.raises(PermanentError, match="is not what the kubeconfig expects"):
        await list_pods(authority, {"certificate-authority": "ca.crt"}, user)


async def test_half_a_certificate_is_refused(authority: Authority) -> None:
    with pytest.raises(PermanentError, match="both are needed"):
        await list_pods(authority, {"certificate-authority": "ca.crt"}, {"client-certificate": "client.crt"})


def api_of(kubernetes: FakeKubernetes, folder: Path) -> ClusterApi:
    return ClusterApi(find_access({}, file=kubernetes.kubeconfig(folder)))


# --- ways there --------------------------------------------------------------------------------------------------


async def test_the_server_may_be_below_a_path(tmp_path: Path) -> None:
    async with (
        FakeKubernetes(prefix="/k8s/clusters/c-1").serving() as kubernetes,
        api_of(kubernetes, tmp_path) as api,
    ):
        assert await api.list(PODS) == []


async def test_this_machine_is_never_asked_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with FakeKubernetes().serving() as kubernetes, api_of(kubernetes, tmp_path) as api:
        assert await api.list(PODS) == []


async def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path) -> None:
    async with FakeKubernetes().serving() as proxy:
        cluster = {"server": "http://far.example", "proxy-url": proxy.url}
        file = write_kubeconfig(tmp_path / "config", dict(cluster), {})
        async with ClusterApi(find_access({}, file=file)) as api:
            assert await api.list(PODS) == []
    assert proxy.asked[0][1]["Host"] == "far.example"


NO_ANSWER = {
    "nobody listens": (
        {"server": "http://127.0.0.1:1"},
        TemporaryError,
        "no answer from http://127.0.0.1:1: ",
    ),
    "no such host": ({"server": "http://no.invalid"}, TemporaryError, "there is no address for no.invalid"),
    "a proxy of another kind": (
        {"server": "http://far", "proxy-url": "socks5://127.0.0.1:1"},
        PermanentError,
        "http proxies only",
    ),
}


@pytest.mark.parametrize("case", NO_ANSWER)
async def test_no_answer_is_said_in_words(case: str, tmp_path: Path) -> None:
    cluster, kind, said = NO_ANSWER[case]
    file = write_kubeconfig(tmp_path / "config", dict(cluster), {})
    with pytest.raises(TriremeError) as error:
        async with ClusterApi(find_access({}, file=file)) as api:
            await api.list(PODS)
    assert isinstance(error.value, kind)
    assert said in str(error.value)


async def test_refusals_are_said_in_the_servers_words(tmp_path: Path) -> None:
    async with (
        FakeKubernetes(forbidden={"pods"}).serving() as kubernetes,
        api_of(kubernetes, tmp_path) as api,
    ):
        with pytest.raises(RefusedError, match="you may not do that: pods is forbidden: User"):
            await api.list(PODS)
        with pytest.raises(RefusedError, match="answers 404 to GET /nowhere: 404: Not Found"):
            await api.get("/nowhere")
