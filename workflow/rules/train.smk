"""Training: one run for each experiment and seed.

Needs the records of the subset's split and the subset's image ids. Gives the weights, the history
and the record of the run. What an interrupted training needs to go on lies in `results/state`:
Snakemake deletes the declared outputs of an interrupted job. The folder's name is a digest of all
that decides the weights, so stale state is never resumed.

A job that gets SIGTERM or Ctrl-C saves its state after two more steps and fails with status 75; the
next one goes on from there, whether it is Snakemake's retry or the same command run again. The
resource `wall_minutes`, 0 for none, is the time after which a job stops by itself in the same way.
A scheduler's limit is no failure of the training, so no retry is spent on it: under Slurm such a
job sends itself again (`scontrol requeue`), keeps its number, and for Snakemake it waits in the
queue. As a resource it is in no digest and starts no training when it changes.
"""


# No digest of code, as for archives: the checksum says what comes out.
rule fetch_weights:
    output:
        weights="resources/weights/{weights}.h5",
    log:
        "results/logs/weights/{weights}.log",
    benchmark:
        "results/benchmarks/weights/{weights}.tsv"
    wildcard_constraints:
        weights=one_of(WEIGHTS),
    retries: 2
    localrule: True
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(1000),
        runtime=120,
    params:
        checksum=lambda wildcards: WEIGHTS[wildcards.weights].get("md5")
        or WEIGHTS[wildcards.weights].get("sha256"),
        entry=untracked(lambda wildcards: WEIGHTS[wildcards.weights]),
    message:
        "Fetching the published weights {wildcards.weights}"
    script:
        "../scripts/fetch_weights.py"


rule train_model:
    input:
        records=records_for_training,
        images=lambda wildcards: f"results/subsets/{experiment_of(wildcards).subset.name}/images.txt",
        initial_weights=initial_weights_file,
        statistics=pairwise_statistics,
    output:
        weights=f"{RUN}/weights.keras",
        history=f"{RUN}/history.csv",
        run=f"{RUN}/run.json",
    log:
        "results/logs/runs/{experiment}/seed-{seed}/weights.log",
    benchmark:
        "results/benchmarks/runs/{experiment}/seed-{seed}/weights.tsv"
    # Everything waits for trainings, so they begin before the tests of what is trained already.
    priority: 1
    conda:
        GPU_ENV
    threads: threads_of(16)
    resources:
        mem_mb=growing(32000),
        runtime=5760,
        wall_minutes=0,
        gpu=gpus_of,
    params:
        settings=training_settings,
        skeleton=model_skeleton,
        seed=lambda wildcards: int(wildcards.seed),
        state=untracked(state_folder),
        tests=untracked(tests_of_training),
        compute=untracked(compute),
        code=training_code,
    message:
        "Training {wildcards.experiment}, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"
