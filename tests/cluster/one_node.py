"""A SLURM of one node on the loopback interface, for as long as a test needs it.

It takes Debian's slurm-wlm and munge, keeps all of its files in one folder and starts nothing at
boot. There is no accounting: jobs are asked after with squeue. The job steps of Snakemake's
executor do not inherit SLURM_CONF, so that the configuration is linked from where SLURM looks for
it, for as long as the cluster runs; where there is one already, the cluster does not start.
"""

import os
import secrets
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

from processes import run, start, wait_for

PLACE = Path("/etc/slurm/slurm.conf")

CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
KillWait=2
SlurmdTimeout=10
NodeName={host} NodeAddr=127.0.0.1 Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 \
RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP
"""


class Cluster:
    """The daemons of a SLURM whose files are in one folder."""

    def __init__(self, folder):
        self.folder, self.daemons = Path(folder), {}

    def start(self, name, *command):
        """Start a daemon in the foreground of its own session, its screen in a file."""
        with open(self.folder / f"{name}.out", "ab") as screen:
            self.daemons[name] = start(
                [name, *command], stdout=screen, stderr=screen, start_new_session=True
            )

    def stop(self, name, how=signal.SIGTERM):
        """Stop a daemon and wait for its end."""
        daemon = self.daemons.pop(name, None)
        if daemon is None:
            return
        if daemon.poll() is None:
            os.kill(daemon.pid, how)
        deadline = time.monotonic() + 60
        while daemon.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if daemon.poll() is None:
            os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()

    def kill_node(self):
        """Kill the daemon of the node and every job on it at once, as a power cut would."""
        steps = run(["pgrep", "--full", "slurmstepd: "])
        self.stop("slurmd", signal.SIGKILL)
        for step in steps.stdout.split():
            tree = run(["ps", "--ppid", step, "--format", "pid="])
            for process in (step, *tree.stdout.split()):
                kill_group(int(process))

    def start_node(self):
        """Start the daemon of the node, and wait until it takes jobs."""
        self.start("slurmd", "-D")
        self.wait_for("idle", "mix", "alloc")

    def ask(self, *command):
        """Run one of SLURM's commands; return what it prints."""
        return run(command).stdout

    def wait_for(self, *states):
        """Wait until the node is in one of some states."""

        def there():
            time.sleep(0.5)
            return self.ask("sinfo", "--noheader", "--format", "%T").strip().startswith(states)

        try:
            wait_for(there, self.daemons["slurmd"])
        except AssertionError as error:
            raise AssertionError(self.log()) from error

    def log(self):
        """Last lines that the daemons wrote."""
        texts = [p.read_text(errors="replace")[-2000:] for p in self.folder.glob("*.log")]
        return "\n".join(texts)


def kill_group(process):
    """Kill a process and, if it leads one, its group."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def free_ports(count):
    """Ports on which nothing listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def one_node(folder, cpus=2, memory=4000):
    """Give a running Cluster; whatever happens, its daemons and jobs end with it."""
    folder = Path(folder)
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True, mode=0o755)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    controller, node = free_ports(2)
    settings = {
        "host": socket.gethostname().split(".")[0],
        "controller": controller,
        "node": node,
        "user": "root",
        "folder": folder,
        "cpus": cpus,
        "memory": memory,
    }
    (folder / "slurm.conf").write_text(CONFIG.format(**settings))
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.symlink_to(folder / "slurm.conf")
    cluster = Cluster(folder)
    # told to stop, a test still has to take its daemons down
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cluster.start(
            "munged",
            *("--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}"),
            *(f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log"),
            f"--seed-file={folder}/munged.seed",
        )
        wait_for((folder / "munge.socket").exists, cluster.daemons["munged"])
        cluster.start("slurmctld", "-D", "-i")
        cluster.start_node()
        yield cluster
    finally:
        cluster.ask("scancel", "--user", "root")
        for name in ("slurmd", "slurmctld", "munged"):
            cluster.stop(name)
        PLACE.unlink()
        signal.signal(signal.SIGTERM, before)
