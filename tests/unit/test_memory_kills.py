"""A server that the kernel killed for want of memory. Kubernetes does not see it: the pod's first process lives on."""

from pathlib import Path

import pytest

from tests.unit.agent_environment import ENVIRONMENT
from trireme.adapters.cgroup import memory_kills
from trireme.agent.member import Member
from trireme.agent.metrics import render_metrics
from trireme.agent.records import Records
from trireme.agent.settings import read_settings

V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
V2 = "low 0\nhigh 0\nmax 31\noom 2\noom_kill 2\noom_group_kill 0\n"


@pytest.mark.parametrize("text", [V1, V2])
def test_the_kernel_counts_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "events").write_text(text)
    assert memory_kills((tmp_path / "missing", tmp_path / "events")) == 2


def test_where_the_kernel_does_not_tell_there_were_none(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("oom 2\n")
    assert memory_kills((tmp_path / "missing", tmp_path / "events")) == 0


async def test_it_is_in_the_report_and_in_the_metrics(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"TRIREME_DATA_ROOT": str(tmp_path), "TRIREME_SECRET_DIR": str(tmp_path)}
    settings = read_settings(environment)
    member = Member(
        settings=settings, binaries=None, records=Records.open(settings.record_dir, settings.full_name)
    )
    assert member.report().starved == ""
    assert member.out_of_memory(2**30) == "the kernel killed it for want of memory (limit 1.0 GiB)"
    member.out_of_memory(2**30)
    assert "for want of memory (limit 1.0 GiB) 2 times since its agent started" in member.report().starved
    assert "\ntrireme_member_memory_kills_total 2\n" in render_metrics(member)
