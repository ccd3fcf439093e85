import logging
import os
import sys
import warnings
from types import SimpleNamespace

import pytest

from bottomup.errors import InputError
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
