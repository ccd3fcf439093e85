import errno
import logging
import os
import sys
import warnings
from types import SimpleNamespace

import pytest

from bottomup.errors import InputError, Stopped
from bottomup.job import run_job


@pytest.fixture
def job(tmp_path):
    log = [str(tmp_path / "logs" / "job.log")]
    return SimpleNamespace(log=log, threads=3, wildcards={})


def log_of(job) -> str:
    with open(job.log[0], encoding="utf-8") as file:
        return file.read()


def test_bad_input_is_told_in_one_sentence_on_the_terminal_and_in_the_log(job, capfd):
    def main(job):
        raise InputError("config/x.yaml: steps is -1; give a number above 0")

    with pytest.raises(SystemExit) as stopped:
        run_job(main, job)
    sentence = "error: config/x.yaml: steps is -1; give a number above 0\n"
    assert stopped.value.code == 1
    assert log_of(job) == sentence
    assert capfd.readouterr().err == sentence


def test_other_failures_leave_a_traceback_in_the_log(job, capfd):
    def main(job):
        raise RuntimeError("no memory")

    with pytest.raises(SystemExit) as stopped:
        run_job(main, job)
    assert stopped.value.code == 1
    assert "Traceback" in log_of(job)
    assert "RuntimeError: no memory" in log_of(job)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/x"),
        RuntimeError("results/x; No space left on device"),
        RuntimeError("No space left on device"),
        OSError("Can't write data (errno = 27, error message = 'File too large')"),
    ],
)
def test_a_full_disk_is_told_in_one_sentence(job, capfd, error):
    def main(job):
        raise error

    names_it = "results/x" in str(error)
    job.output = ["results/y" if names_it else "results/x"]
    with pytest.raises(SystemExit):
        run_job(main, job)
    said = capfd.readouterr().err
    assert said.startswith("error: results/x: cannot be written to its end (")
    assert said.count("\n") == 1


def test_used_up_memory_is_told_in_one_sentence(job, capfd):
    def main(job):
        raise MemoryError

    with pytest.raises(SystemExit):
        run_job(main, job)
    assert "error: the memory is used up; give the rule more" in capfd.readouterr().err


def test_progress_reaches_the_terminal_and_the_log(job, capfd):
    run_job(lambda job: print("step 1/2", file=sys.stderr), job)
    assert capfd.readouterr().err == "step 1/2\n"
    assert log_of(job) == "step 1/2\n"


def test_on_the_terminal_every_line_names_its_run(job, capfd):
    def main(job):
        for words in (("step", "1"), ("step", "2")):
            print(*words, file=sys.stderr)

    job.wildcards = {"experiment": "full", "seed": "0"}
    run_job(main, job)
    assert capfd.readouterr().err == "full, seed 0: step 1\nfull, seed 0: step 2\n"
    assert log_of(job) == "step 1\nstep 2\n"


def test_libraries_get_the_threads_of_the_job(job, monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "7")
    run_job(lambda job: None, job)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["TF_NUM_INTRAOP_THREADS"] == "3"


def test_chatter_and_warnings_reach_the_log_only(job, capfd):
    def main(job):
        print("loading annotations into memory")
        os.write(2, b"oneDNN is on\n")
        logging.getLogger("tensorflow").warning("retracing is slow")
        warnings.warn("about to change", UserWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        run_job(main, job)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert "loading annotations" in log_of(job)
    assert "oneDNN is on" in log_of(job)
    assert "retracing is slow" in log_of(job)
    assert "about to change" in log_of(job)


def stopped_job(out_of_time):
    def main(job):
        raise Stopped("stopped at step 3 of 6; the state is saved", out_of_time)

    return main


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Slurm's number of this job, and a stand-in for `scontrol` that writes down its words."""
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\nexit $(cat {tmp_path}/status)\n')
    scontrol.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", f"{scontrol.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    return tmp_path


def test_a_stopped_job_fails_with_a_status_of_its_own(job, capfd, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(SystemExit) as stopped:
        run_job(stopped_job(out_of_time=True), job)
    assert stopped.value.code == 75
    assert capfd.readouterr().err == (
        "to be continued: stopped at step 3 of 6; the state is saved\n"
    )


def test_a_job_out_of_time_sends_itself_again(job, slurm, capfd):
    with pytest.raises(SystemExit) as stopped:
        run_job(stopped_job(out_of_time=True), job)
    assert stopped.value.code == 75
    assert (slurm / "said").read_text() == "requeue 7\n"
    assert "Slurm sends this job again" in capfd.readouterr().err


def test_a_job_that_was_told_to_stop_does_not_send_itself_again(job, slurm):
    with pytest.raises(SystemExit):
        run_job(stopped_job(out_of_time=False), job)
    assert not (slurm / "said").exists()


def test_a_site_that_sends_no_job_again_is_told(job, slurm, capfd):
    (slurm / "status").write_text("1")
    with pytest.raises(SystemExit) as stopped:
        run_job(stopped_job(out_of_time=True), job)
    assert stopped.value.code == 75
    assert "Slurm does not send this job again" in capfd.readouterr().err
