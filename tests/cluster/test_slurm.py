"""A real Slurm: a study from its first job to its last, and what happens to jobs and nodes."""

import os
import re
import signal

import pytest
from loopback_slurm import NODE_DOWN_S
from training_story import RUN, STEPS

pytestmark = pytest.mark.cluster
TRAINED = f"{RUN}/weights.keras"


def running(cluster, partition="gpu") -> list[dict]:
    jobs = cluster.jobs()
    return [j for j in jobs if j["JobState"] == "RUNNING" and j["Partition"] == partition]


def test_a_study_runs_from_its_first_job_to_its_last(cluster, story):
    story.set_steps(6)
    before = {job["JobId"] for job in cluster.jobs()}
    done = story.on(cluster, "--resources", "field_shards=1")
    assert done.wait() == 0, story.said
    jobs = [job for job in cluster.jobs() if job["JobId"] not in before]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    asked_gpu = [job for job in jobs if "gres:gpu:1" in job.get("TresPerJob", "")]
    rules = {job["Comment"].split("_wildcards")[0] for job in asked_gpu}
    assert any("train_model" in rule for rule in rules), jobs
    assert {job["NodeList"] for job in asked_gpu} <= set(cluster.gpu_nodes)
    # Never have two shards their fields on disk.
    first, second = sorted(
        (job["StartTime"], job["EndTime"]) for job in jobs if "group_shard" in job["StdOut"]
    )
    assert first[1] <= second[0]
    # Inference and decoding of a shard are one job, and so are metrics and their results.
    assert len(jobs) < story.said.count("Finished jobid"), [job["Comment"] for job in jobs]
    assert (story.folder / "results/tables/people_table.csv").read_text()
    assert story.on(cluster).wait() == 0
    assert "Nothing to be done" in story.said


def test_the_main_process_is_killed_and_restarted_while_its_job_lives(cluster, story, account):
    with account.fault("Slurm: main process killed and restarted while its job trains") as fault:
        first = story.on(cluster, TRAINED)
        story.wait_for_state(first)
        (job,) = running(cluster)
        os.killpg(first.pid, signal.SIGKILL)
        fault.happened(first.wait() == -signal.SIGKILL, f"main process {first.pid} got SIGKILL")
        fault.happened(
            job["JobId"] in {j["JobId"] for j in running(cluster)}, f"job {job['JobId']} lived on"
        )
        locked = story.on(cluster, TRAINED)
        assert locked.wait() == 1
        fault.told(r"Directory cannot be locked[^\n]*", story.said)
        story.unlock()
        second = story.on(cluster, TRAINED)
        assert second.wait() == 0, story.said
        fault.told(r"finished before, by another job; to train again, delete \S+", story.log)
        story.check_whole()
        assert story.record["resumes"] == 0


def test_a_cancelled_job_is_sent_again_and_goes_on(cluster, story, account):
    with account.fault("Slurm: running job cancelled") as fault:
        process = story.on(cluster, TRAINED)
        story.wait_for_state(process)
        (job,) = running(cluster)
        cluster.command("scancel", job["JobId"])
        assert process.wait() == 0, story.said
        states = {j["JobId"]: j["JobState"] for j in cluster.jobs()}
        fault.happened(states[job["JobId"]] == "CANCELLED", f"job {job['JobId']} is CANCELLED")
        fault.told(r"SLURM job '?\d+'? failed[^\n]*|SLURM status is: '?CANCELLED[^\n]*", story.said)
        story.check_whole()
        assert story.record["resumes"] >= 1


def test_a_lost_node_that_still_writes_harms_nothing(cluster, story, account):
    with account.fault("Slurm: node lost, its process asleep and then awake again") as fault:
        process = story.on(cluster, TRAINED)
        story.wait_for_state(process)
        (job,) = running(cluster)
        holder, node = story.holder(), job["NodeList"]
        cluster.lose_node(node)
        os.kill(holder["pid"], signal.SIGSTOP)
        try:
            story.wait_for(lambda: "down" in cluster.state_of(node), "lost node", process)
            fault.happened(True, f"{node} is down {NODE_DOWN_S} s after its daemon was killed")
            story.wait_for(
                lambda: (story.holder() or holder)["token"] != holder["token"], "heir", process
            )
            os.kill(holder["pid"], signal.SIGCONT)
            fault.happened(True, f"process {holder['pid']} of the lost node went on")
            assert process.wait() == 0, story.said
        finally:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.kill(holder["pid"], number)
                except ProcessLookupError:
                    break
            cluster.start_node(node)
            cluster._wait(lambda: "idle" in cluster.state_of(node), f"{node} does not come back")
        again = cluster.jobs()[-1]
        fault.happened(
            again["JobId"] != job["JobId"] or int(again["Restarts"]), "the job was sent again"
        )
        fault.told(r"resumed at step \d+ of \d+", story.log)
        story.check_whole()
        assert story.record["resumes"] >= 1


def limited(**limits: str) -> list[str]:
    """Options that stand in place of the profile's `set-resources`."""
    limits = {"slurm_partition": "gpu"} | limits
    return ["--set-resources", *(f"train_model:{key}={value}" for key, value in limits.items())]


def test_a_training_stops_before_its_wall_time_and_sends_itself_again(cluster, story, account):
    with account.fault("Slurm: own time limit, wall_minutes 2 of runtime 4") as fault:
        story.set_steps(100000)
        process = story.on(cluster, TRAINED, *limited(runtime="4", wall_minutes="2"))
        story.wait_for_state(process)
        (job,) = running(cluster)
        sentence = re.compile(r"to be continued: stopped at step \d+ of 100000, its 2 .*")
        stopped = story.wait_for(lambda: sentence.search(story.log), "end of its time", process)
        fault.said.append(stopped[0])
        story.wait_for(lambda: "resumed at step" in story.log, "resumed training", process)
        (again,) = running(cluster)
        assert again["JobId"] == job["JobId"]
        fault.happened(int(again["Restarts"]) >= 1, f"job {again['JobId']} sent itself again")
        fault.told(r"resumed at step \d+ of 100000", story.log)
        stop(process)


def test_a_training_that_meets_the_wall_limit_is_continued(cluster, story, account):
    with account.fault("Slurm: wall limit of 2 minutes met in the middle of training") as fault:
        story.set_steps(100000)
        process = story.on(cluster, TRAINED, "--retries", "5", *limited(runtime="2"))
        story.wait_for_state(process)
        (job,) = running(cluster)
        story.wait_for(lambda: "resumed at step" in story.log, "resumed training", process)
        states = {j["JobId"]: j["JobState"] for j in cluster.jobs()}
        fault.happened(states[job["JobId"]] == "TIMEOUT", f"job {job['JobId']} ended by TIMEOUT")
        fault.told(r"DUE TO TIME LIMIT[^\n]*", story.slurm_logs())
        fault.told(r"resumed at step \d+ of 100000", story.log)
        stop(process)


def stop(process) -> None:
    """Ends Snakemake, which cancels its jobs."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait()


def test_a_job_out_of_memory_is_sent_again_with_more(cluster, story, account):
    with account.fault("Slurm: memory limit met") as fault:
        process = story.on(cluster, TRAINED, *limited(mem_mb="500 * 8 ** (attempt - 1)"))
        assert process.wait() == 0, story.said
        failed = [j for j in cluster.jobs()[-3:] if j["JobState"] not in ("COMPLETED",)]
        said = story.slurm_logs()
        fault.happened("exceeded memory limit" in said, f"memory limit of job {failed[0]['JobId']}")
        fault.told(r"[^\n]*exceeded memory limit[^\n]*", said)
        fault.told(r"SLURM status is: '?(FAILED|OUT_OF_MEMORY)[^\n]*|failed[^\n]*", story.said)
        story.check_whole(STEPS)
